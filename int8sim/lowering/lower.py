"""A float graph, a table of ranges and a profile -> a graph of integer layers that says everything itself.

Batch normalization is folded, activations are fused, every integer layer gets its steps, quantize and dequantize layers
stand where float and integer layers meet. A layer whose kind the profile does not name stays in float32, or is refused.

Names: a tensor that an integer layer computes keeps its name; its real form is `<name>_dequantized`. Graph inputs and
outputs, and what float layers compute, keep their name for the real form; the integer form is `<name>_quantized`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from int8sim.graph.check import check, infer
from int8sim.graph.fingerprint import network_hash
from int8sim.graph.ir import Graph, Layer
from int8sim.lowering.choices import left_in_float, with_weights
from int8sim.lowering.fold import Unit, fold_batch_normalization, units
from int8sim.lowering.layer_names import by_tensor
from int8sim.lowering.ranges import Ranges, activation_dtype, data_inputs, ranges
from int8sim.lowering.steps import output_codes, remarks, steps
from int8sim.lowering.weights import quantize_bias, quantize_operand, quantize_weight
from int8sim.model.errors import GraphError, UnsupportedLayersError
from int8sim.model.step import Array
from int8sim.model.table import Table
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.base import spatial
from int8sim.ops.dequantize import Dequantize
from int8sim.ops.elementwise import Elementwise
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.quantize import Quantize
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profile as find_profile

FOLLOWS = frozenset({"move", "clamp", "concat"})
"""Kinds that are computed in integers only where their inputs are."""


def lower(
    graph: Graph,
    table: Table,
    *,
    profile: str | Profile,
    preset: str = "performance",
    float_layers: bool = True,
    weights: str = "",
    exclude: Sequence[str] = (),
    float_ends: bool = False,
) -> Graph:
    """The integer graph. Its `notes` list what the engine overrode and which layers stayed in float32.

    graph: float32. table: a row for every tensor that becomes integer, or one by layers (layer_names.py). profile: a
    name or a Profile. preset: "performance" (activations symmetric) or "mixed" (asymmetric where the hardware allows).
    float_layers: whether layers that the profile has no integer form for stay in float32, also those that its engine's
    own software does not compute. weights: "tensor" or "channel" scales, "" as the engine's converter. exclude: names
    of layers that stay in float32; float_ends: so do the first and the last layer with weights. Raises
    MissingRangeError, MissingLayersError, UnnamedLayersError, BadScaleError, LayerError, UnsupportedLayersError,
    UnknownNameError, ParameterError, GraphError.
    """
    if graph.profile:
        msg = f"graph {graph.name!r} is already lowered, to {graph.profile}"
        raise GraphError(msg)
    if graph.states:
        msg = f"graph {graph.name!r} keeps {graph.states[0].input!r} between steps; such networks are not lowered here"
        raise GraphError(msg)
    chosen = with_weights(find_profile(profile), weights)
    folded = fold_batch_normalization(graph, chosen.fold)
    every = units(folded)
    dtype, left = activation_dtype(chosen, preset), left_in_float(graph, every, exclude, float_ends)
    if not float_layers:
        _refuse(folded, chosen, every, dtype, left)
    integer = integer_units(folded, chosen, every, dtype, left)
    rows = ranges(folded, by_tensor(table, graph), chosen, preset, integer, graph.activations())
    writer = _Writer(folded, chosen, preset, integer, rows, left)
    writer.notes[:0] = _other_network(graph, table)
    for unit in every:
        writer.write(unit)
    return writer.finish()


def _other_network(graph: Graph, table: Table) -> list[str]:
    """A note if the table says which network it was made from, and it is another; TensorRT leaves that to the user."""
    made, here = table.provenance.network, network_hash(graph) if table.provenance.network else ""
    if made == here:
        return []
    hashes = f"SHA-256 {made[:16]}..., here {here[:16]}..."
    return [f"the table was made from another network than {graph.name} ({hashes}): its ranges may not fit"]


def integer_units(
    graph: Graph, profile: Profile, every: Sequence[Unit], dtype: str, left: frozenset[str] = frozenset()
) -> list[Unit]:
    """The units that the profile computes in integers. What only moves codes does so where its input is integer.

    dtype: of the activations. left: outputs of units that are to stay in float32.
    """
    found: list[Unit] = []
    produced = set(graph.inputs)
    for unit in every:
        movable = unit.layer.op.kind not in FOLLOWS or produced.issuperset(data_inputs(graph, unit))
        if movable and unit.output not in left and not _obstacle(graph, profile, unit, dtype):
            found.append(unit)
            produced.add(unit.output)
    return found


def _refuse(graph: Graph, profile: Profile, every: Sequence[Unit], dtype: str, left: frozenset[str]) -> None:
    """Raise UnsupportedLayersError for what neither the profile nor its engine's software computes."""
    strange = [unit for unit in every if not _hosted(profile, unit)]
    asked = f"it is to stay in float32, where {profile.name} computes nothing of that kind"
    reasons = {
        unit.layer.name: asked if unit.output in left else _obstacle(graph, profile, unit, dtype) for unit in strange
    }
    refused = {name: reason for name, reason in reasons.items() if reason}
    if refused:
        raise UnsupportedLayersError(profile.name, refused)


def _hosted(profile: Profile, unit: Unit) -> bool:
    return profile.host is not None and unit.layer.op.name in profile.host


def _obstacle(graph: Graph, profile: Profile, unit: Unit, dtype: str) -> str:
    """Why the profile cannot compute a unit over activations of this dtype; "" if it can."""
    op = unit.layer.op
    if op.only_imported or profile.scheme(op.kind, dtype) is None:
        return f"{op.name} has no integer form there" + (" for int16" if dtype == "int16" else "")
    if isinstance(op, Elementwise) and len(unit.layer.inputs) > 2:
        return f"{op.name} of more than two tensors has no integer form there"
    if getattr(op, "value", 0.0) != 0.0:
        return f"{op.name} with anything but 0 has no integer form there"
    constants = [name in graph.constants for name in unit.layer.inputs]
    operand = isinstance(op, Elementwise) and op.name not in profile.equal_inputs
    if constants != [False] + [op.weighted] * (len(constants) - 1) and any(constants) and not operand:
        return f"{op.name} of a constant has no integer form there"
    height, width = _pooled(graph, unit)
    if profile.largest_pool is not None and max(height, width) > profile.largest_pool:
        return f"{op.name} over {height} x {width} is larger than {profile.largest_pool}, where its reciprocals end"
    return ""


def _pooled(graph: Graph, unit: Unit) -> tuple[int, int]:
    """The averaged window's height and width; (0, 0) for anything that averages nothing."""
    op = unit.layer.op
    if isinstance(op, AveragePool):
        return op.kernel_shape
    if isinstance(op, GlobalAveragePool):
        return spatial(graph.tensors[unit.layer.inputs[0]])[1:3]
    return 0, 0


class _Writer:
    """The layers, tensors and constants of the lowered graph as they come."""

    def __init__(
        self,
        graph: Graph,
        profile: Profile,
        preset: str,
        integer: Sequence[Unit],
        chosen: Ranges,
        left: frozenset[str],
    ) -> None:
        self.graph, self.profile, self.preset, self.chosen, self.left = graph, profile, preset, chosen, left
        self.integer = {unit.output for unit in integer}
        self.layers: list[Layer] = []
        self.tensors: dict[str, TensorType] = {name: graph.tensors[name] for name in graph.inputs}
        self.constants: dict[str, Array] = {}
        self.notes = list(chosen.notes)

    def write(self, unit: Unit) -> None:
        """One unit, and before it whatever its inputs need."""
        if unit.output in self.integer:
            self._write_integer(unit)
        else:
            self._write_float(unit)

    def finish(self) -> Graph:
        """The checked graph, its outputs real."""
        for name in self.graph.outputs:
            self._real(name)
        name = f"{self.graph.name}_{self.profile.name}"
        lowered = Graph(
            tuple(self.layers),
            self.tensors,
            self.constants,
            self.graph.inputs,
            self.graph.outputs,
            name,
            self.profile.name,
            tuple(self.notes),
        )
        check(lowered)
        return lowered

    def _integer_name(self, tensor: str) -> str:
        inner = tensor in self.integer and tensor not in self.graph.outputs
        return tensor if inner else f"{tensor}_quantized"

    def _real_name(self, tensor: str) -> str:
        inner = tensor in self.integer and tensor not in self.graph.outputs
        return f"{tensor}_dequantized" if inner else tensor

    def _integer(self, tensor: str) -> str:
        """The integer form of a tensor, by a quantize layer if nothing has written it."""
        name = self._integer_name(tensor)
        if name not in self.tensors:
            layer = Layer(f"quantize_{tensor}", Quantize(), (self._real_name(tensor),), name, covers=(tensor,))
            self._add(layer, self.chosen.quants[tensor])
        return name

    def _real(self, tensor: str) -> str:
        """The real form of a tensor, by a dequantize layer if nothing has written it."""
        name = self._real_name(tensor)
        if name not in self.tensors:
            source = (self._integer_name(tensor),)
            self._add(Layer(f"dequantize_{tensor}", Dequantize(), source, name, covers=(tensor,)), None)
        return name

    def _write_float(self, unit: Unit) -> None:
        """The layer and its activations as they were; its own output keeps its name too."""
        for layer in (unit.layer, *unit.activations):
            sources = [self._float_source(name) for name in layer.inputs]
            written = replace(layer, inputs=tuple(sources), covers=layer.covers or (layer.output,))
            self.tensors[layer.output] = infer(written, [self.tensors[name] for name in sources])
            self.layers.append(written)
        self.notes.append(f"{unit.layer.name}: {unit.layer.op.name} stays in float32, {self._reason(unit)}")

    def _reason(self, unit: Unit) -> str:
        kind = unit.layer.op.kind
        if unit.output in self.left:
            return "as asked"
        follows = kind in FOLLOWS and kind in self.profile.schemes
        return "as its input does" if follows else f"{self.profile.name} has no integer form"

    def _float_source(self, name: str) -> str:
        if name in self.graph.constants:
            return self._constant(name, self.graph.constants[name])
        return name if name in self.tensors and self.tensors[name].quant is None else self._real(name)

    def _write_integer(self, unit: Unit) -> None:
        bias = None
        if unit.layer.op.weighted:
            sources, bias = self._weights(unit, self._integer(unit.layer.inputs[0]))
        else:
            sources = [self._operand(unit.layer, name) for name in unit.layer.inputs]
        quant = self.chosen.quants[unit.output]
        layer = replace(unit.layer, inputs=tuple(sources), output=self._integer_name(unit.output), covers=unit.covers)
        codes = output_codes(self.profile, unit.layer.op, quant, unit.real_bounds)
        self._add(layer, quant, codes, bias)

    def _operand(self, layer: Layer, name: str) -> str:
        """The integer form of an activation, or of a constant that is treated as one."""
        if name not in self.graph.constants:
            return self._integer(name)
        rule = self.profile.activations[self.preset]
        codes, kind = quantize_operand(self.profile, rule, layer.name, self.graph.constants[name])
        return self._constant(f"{name}_quantized", codes, kind)

    def _weights(self, unit: Unit, x: str) -> tuple[list[str], Array | None]:
        """Names of x and the integer constants, and the real bias if the profile's scheme takes it."""
        layer = unit.layer
        weight, bias = (*(self.graph.constants[name] for name in layer.inputs[1:]), None)[:2]
        if weight is None:
            raise GraphError(layer.name)
        codes, kind = quantize_weight(self.profile, layer.op.kind, layer.name, weight)
        names = [x, self._constant(f"{layer.name}_weight", codes, kind)]
        if bias is None:
            return names, None
        integer = quantize_bias(self.profile, self.tensors[x].quantized, kind, bias)
        if integer is None:
            return names, bias
        return [*names, self._constant(f"{layer.name}_bias", *integer)], None

    def _constant(self, name: str, values: Array, kind: TensorType | None = None) -> str:
        self.constants[name] = values
        self.tensors[name] = kind or self.graph.tensors[name]
        return name

    def _add(
        self,
        layer: Layer,
        quant: QuantParams | None,
        codes: tuple[int, int] = (0, 0),
        bias: Array | None = None,
    ) -> None:
        types = [self.tensors[name] for name in layer.inputs]
        kind = infer(layer, types)
        output = replace(kind, dtype=quant.dtype if quant else "float32", quant=quant)
        arithmetic = steps(self.profile, layer, types, output, codes, bias)
        self.notes += remarks(self.profile, layer, types, arithmetic, bias)
        self.tensors[layer.output] = output
        self.layers.append(replace(layer, arithmetic=arithmetic))

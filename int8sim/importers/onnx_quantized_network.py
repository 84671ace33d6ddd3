"""The graph while a quantized ONNX file is read: activations are codes or real values, and layers get their steps.

ONNX gives a scale and a zero point to an operator, not to a tensor. A tensor of codes has those of the operator that
computes it, a graph input those of its first reader; where another reader names others, a Reshape layer between them
copies the codes. The readers of float operators serve the quantized ones as well: they see a `Coded` node, whose
weights they handle as float32 numbers that are codes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from int8sim.graph.check import check, infer
from int8sim.graph.ir import Graph, Layer
from int8sim.importers.onnx_file import Model, Node
from int8sim.importers.onnx_network import Network
from int8sim.lowering.steps import output_codes, remarks, steps
from int8sim.model.errors import UnsupportedOperatorError
from int8sim.model.step import Array
from int8sim.model.tensor import BITS, QuantParams, TensorType
from int8sim.ops.base import Op
from int8sim.ops.reshape import Reshape
from int8sim.profiles.base import Profile

ONE_SCALE = frozenset({"move", "concat", "resize_bilinear"})
"""Kinds of ops that a plain ONNX operator does to codes of one scale, which its output then has."""


@dataclass(frozen=True, eq=False)
class Coded(Node):
    """A quantized operator in the form of the float one. weight: of input 1, a constant; bias: a constant's name."""

    result: QuantParams
    weight: QuantParams | None = None
    bias: str = ""


class QuantizedNetwork(Network):
    """profile: whose arithmetic the integer layers get. kinds: types of the integer constants."""

    quantized: ClassVar[bool] = True

    def __init__(self, model: Model, profile: Profile, lead: int = 0) -> None:
        super().__init__(model, lead)
        self.profile = profile
        self._coded: Coded | None = None
        self.kinds: dict[str, TensorType] = {}
        self.notes: list[str] = []
        self._open = {name for name, dtype in model.dtypes.items() if dtype in BITS}
        for name in self._open:
            self._set_input(name, QuantParams(1.0, 0, None, model.dtypes[name]))  # until a reader says more

    def _set_input(self, name: str, quant: QuantParams) -> None:
        self.types[name] = self._sources[name] = replace(self.types[name], dtype=quant.dtype, quant=quant)

    def type_of(self, name: str) -> TensorType:
        """The type of an activation or constant."""
        if name in self.types:
            return self.types[name]
        return self.kinds.get(name) or self._constant_type(name)

    def quant(self, node: Node, scale: int, zero_point: int, dtype: str = "") -> QuantParams:
        """What two inputs of an operator state; dtype: where there is no zero point. Axis 0, if one a channel.

        Raises UnsupportedOperatorError, BadScaleError.
        """
        scales = self.floats(node, scale, "scale").reshape(-1).tolist()
        zeros = (
            self.constant(node, zero_point, "zero point") if node.input(zero_point) else np.zeros(1, dtype or "uint8")
        )
        codes = zeros.reshape(-1).tolist()
        if zeros.dtype.name not in BITS or len(codes) not in {1, len(scales)}:
            reason = f"its zero point is {zeros.dtype.name}{list(zeros.shape)} beside {len(scales)} scales"
            raise node.refused(f"{reason}; one for each, {', '.join(BITS)}, are read")
        if len(scales) == 1:
            made = QuantParams(scales[0], codes[0], None, zeros.dtype.name)
        else:
            same = codes[0] if len(set(codes)) == 1 else tuple(codes)
            made = QuantParams(tuple(scales), same, 0, zeros.dtype.name)
        made.check(node.input(scale))
        return made

    def tensor_quant(self, node: Node, scale: int, zero_point: int, dtype: str = "") -> QuantParams:
        """The same of an activation, which has one scale."""
        found = self.quant(node, scale, zero_point, dtype)
        if found.axis is not None:
            raise node.refused(f"{node.input(scale)!r} holds {len(found.scales)} scales; an activation has one")
        return found

    def codes(self, node: Node, position: int, scale: int, zero_point: int) -> str:
        """The activation at an input as codes of the scale that the node names; its dtype must be that one's."""
        name = self.activation(node, position)
        return self.read_as(node, position, self.tensor_quant(node, scale, zero_point, self.types[name].dtype))

    def counts(self, node: Node, position: int, zero_point: int) -> str:
        """The activation at an input as codes of a zero point and of whatever scale they have."""
        kind = self.types[self.activation(node, position)]
        zeros = self.zeros(node, zero_point, kind.dtype)
        if zeros.size != 1 or kind.quant is None:
            raise node.refused(f"input {position} is {kind} with {zeros.size} zero points; codes with one are read")
        return self.read_as(node, position, replace(kind.quant, zero_point=int(zeros[0]), dtype=zeros.dtype.name))

    def zeros(self, node: Node, position: int, dtype: str) -> Array:
        """The zero points at an input, one where it is left out."""
        stated = node.input(position)
        return self.constant(node, position, "zero point").reshape(-1) if stated else np.zeros(1, dtype)

    def code(self, node: Node, position: int, default: int) -> int:
        """A constant that is one code, or the default where the input is left out."""
        if not node.input(position):
            return default
        values = self.constant(node, position, "code")
        if values.dtype.kind not in "iu" or values.size != 1:
            raise node.refused(f"input {position} is {values.dtype.name}{list(values.shape)}; one code is needed")
        return int(values.reshape(()))

    def read_as(self, node: Node, position: int, quant: QuantParams) -> str:
        """The activation at an input as codes of this quantization."""
        name = self.activation(node, position)
        kind = self.types[name]
        if kind.quant is None or kind.dtype != quant.dtype:
            raise node.misfit(f"input {position} ({name!r}) is {kind}; {quant.dtype} codes are needed")
        if name in self._open:
            self._open.discard(name)
            self._set_input(name, quant)
        return name if self.types[name].quant == quant else self._copied(node, name, quant)

    def operand(self, node: Node, position: int, scale: int, zero_point: int) -> str:
        """The same where the input may also be a constant."""
        name = node.input(position)
        if name not in self.values:
            return self.codes(node, position, scale, zero_point)
        values = self.values[name]
        quant = self.tensor_quant(node, scale, zero_point, values.dtype.name)
        return self._hold(node, name, values, quant)

    def _copied(self, node: Node, name: str, quant: QuantParams) -> str:
        """The codes under another scale, by a layer that the file does not have."""
        kind = replace(self.types[name], quant=quant)
        copy = self.fresh(f"{name}_read_by_{node.layer}")
        self.layers.append(Layer(copy, Reshape(kind.shape[1:], kind.layout), (name,), copy, {}))
        self.types[copy] = kind
        self.notes.append(f"{copy}: {node.layer} reads the codes of {name} by another scale or zero point")
        return copy

    def _hold(self, node: Node, name: str, values: Array, quant: QuantParams) -> str:
        """A constant of codes for a layer to read: by its own name, where no other layer reads it otherwise."""
        if values.dtype.name != quant.dtype:
            raise node.misfit(f"{name!r} is {values.dtype.name}, its zero point {quant.dtype}")
        kind = TensorType(tuple(values.shape), quant.dtype, "", quant)
        if name in self.kinds and (self.kinds[name] != kind or not np.array_equal(self.constants[name], values)):
            name = self.fresh(f"{node.layer}_{name}")
        self.constants[name], self.kinds[name] = np.ascontiguousarray(values), kind
        return name

    def floats(self, node: Node, position: int, what: str) -> Array:
        """A constant as float32; the weight of a coded node as the numbers that its codes are."""
        if isinstance(node, Coded) and node.weight and position == 1:
            values = self.constant(node, position, what)
            if values.dtype.name != node.weight.dtype or not values.size:
                raise node.misfit(f"the {what} is {values.dtype.name}, its zero point {node.weight.dtype}")
            return values.astype(np.float32)
        return super().floats(node, position, what)

    def coded(self, node: Coded, read: Callable[[Network, Node], None]) -> None:
        """A quantized operator by the reader of the float one."""
        self._coded = node
        read(self, node)
        self._coded = None

    def write(self, layer: Layer) -> str:
        """A layer of a float operator's reader: an integer one if the node is coded, or if it only moves codes."""
        quants = {kind.quant for kind in map(self.type_of, layer.inputs) if kind.quant}
        if not quants:
            return super().write(layer)
        if self._coded and layer.op.kind != "move":
            return self._write_coded(self._coded, layer)
        if layer.op.kind in ONE_SCALE and len(quants) == 1 and all(self.type_of(name).quant for name in layer.inputs):
            return self._write_integer(layer, quants.pop())
        reason = "it computes with codes as if they were numbers; codes of one scale may move, no more"
        raise UnsupportedOperatorError(layer.op.name, layer.name, reason)

    def _write_coded(self, node: Coded, layer: Layer) -> str:
        if not layer.op.weighted or node.weight is None:
            return self._write_integer(layer, node.result)
        x, weight = layer.inputs
        values = self.constants.pop(weight).astype(node.weight.dtype)
        if len(node.weight.scales) not in {1, len(values)}:
            raise node.misfit(f"{len(node.weight.scales)} weight scales for {len(values)} output channels")
        names = [x, self._hold(node, weight, values, node.weight)]
        return self._write_integer(replace(layer, inputs=(*names, *self._bias(node, names))), node.result)

    def add_image(self, node: Node, op: Op, *constants: str) -> None:
        """The node becomes a layer of an image form; the tensor that it stands for has the same codes."""
        super().add_image(node, op, *constants)
        if node.output in self._images:
            kind = self.types[self._images[node.output]]
            self.types[node.output] = replace(self.types[node.output], dtype=kind.dtype, quant=kind.quant)

    def _leave_image(self, name: str) -> None:
        kind = self.types[name]
        super()._leave_image(name)
        if kind.quant:
            self.types[name] = replace(self.types[name], dtype=kind.dtype, quant=kind.quant)
            self.layers[-1] = replace(self.layers[-1], arithmetic={})

    def _bias(self, node: Coded, names: list[str]) -> list[str]:
        """The name of the bias: int32 codes at the product of the scales."""
        if not node.bias:
            return []
        values = np.asarray(self.constant(replace(node, inputs=(node.bias,)), 0, "bias")).reshape(-1)
        x, weight = (self.type_of(name).quantized for name in names)
        product = tuple(float(np.float32(x.tensor_scale) * np.float32(scale)) for scale in weight.scales)
        shared = weight.axis is None
        quant = QuantParams(product[0] if shared else product, 0, None if shared else 0, "int32")
        return [self._hold(node, node.bias, values, quant)]

    def integer(
        self,
        node: Node,
        op: Op,
        inputs: tuple[str, ...] | list[str],
        quant: QuantParams | None,
        codes: tuple[int, int] | None = None,
    ) -> None:
        """The node becomes a layer with the profile's steps: `_write_integer`."""
        self._write_integer(Layer(node.layer, op, tuple(inputs), node.output), quant, codes)

    def _write_integer(self, layer: Layer, quant: QuantParams | None, codes: tuple[int, int] | None = None) -> str:
        """quant: of its output, None for real values. codes: the lowest and highest, where they are not the op's own.

        Raises UnsupportedOperatorError where the profile has no scheme.
        """
        types = [self.type_of(name) for name in layer.inputs]
        kind = replace(infer(layer, types), dtype=quant.dtype if quant else "float32", quant=quant)
        self._check(layer, types[0], kind)
        bounds = codes or (output_codes(self.profile, layer.op, quant) if quant else (0, 0))
        made = steps(self.profile, layer, types, kind, bounds)
        self.notes += remarks(self.profile, layer, types, made)
        self.layers.append(replace(layer, arithmetic=made))
        self.types[layer.output] = kind
        return layer.output

    def _check(self, layer: Layer, x: TensorType, kind: TensorType) -> None:
        op, sums = layer.op, kind.dtype == "int32"
        known = f"{op.kind} int32" in self.profile.schemes if sums else self.profile.scheme(op.kind, x.dtype)
        mixed = x.quant and kind.quant and not sums and x.dtype != kind.dtype
        if mixed or not known:
            reason = f"profile {self.profile.name} has no integer form of it from {x} to {kind}"
            raise UnsupportedOperatorError(op.name, layer.name, reason)

    def graph(self) -> Graph:
        """What was read, checked; its notes name every layer that computes in float32."""
        layers, outputs, names = self.ends()
        floats = [layer for layer in layers if layer.arithmetic is None]
        self.notes += [f"{layer.name}: {layer.op.name} computes in float32, as in the file" for layer in floats]
        read = {name for layer in layers for name in layer.inputs}
        constants = {name: values for name, values in self.constants.items() if name in read}
        graph = Graph(
            tuple(layers),
            {**_renamed_types(self.types, names), **{name: self.type_of(name) for name in constants}},
            constants,
            tuple(self._sources),
            tuple(outputs),
            f"{self.model.name}_{self.profile.name}",
            self.profile.name,
            tuple(self.notes),
        )
        check(graph)
        return graph


def _renamed_types(types: Mapping[str, TensorType], names: Mapping[str, str]) -> dict[str, TensorType]:
    return {names.get(name, name): kind for name, kind in types.items()}

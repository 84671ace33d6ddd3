"""Networks: float graphs of drawn layers, tables of ranges for them, what a profile makes of both, and inputs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from hypothesis import assume, reject
from hypothesis import strategies as st

from int8sim.graph.check import float_graph, infer
from int8sim.graph.ir import Graph, Layer
from int8sim.lowering.fold import FUSES_ACTIVATION
from int8sim.lowering.lower import lower
from int8sim.lowering.ranges import activation_dtype
from int8sim.model.errors import LayerError
from int8sim.model.step import Array
from int8sim.model.table import Row, Table
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.registry import ops as registered
from int8sim.profiles.base import Profile
from int8sim.spec.float32 import float32
from int8sim.strategies.checks import require, require_one_of, require_size
from int8sim.strategies.converters import find, presets, profiles
from int8sim.strategies.rules import BORDER, Piece, legal, rules
from int8sim.strategies.scales import scales
from int8sim.strategies.tensors import codes, real_arrays, tensor_types

COVERS = 1.0 + 2.0**-20
"""A threshold is so much above the greatest value seen, whatever the rounding of its scale."""


class Run(NamedTuple):
    """A graph and one batch of inputs for it: `int8sim.run(*drawn)`."""

    graph: Graph
    inputs: Mapping[str, Array]


def integer_ops(profile: str | Profile, preset: str) -> tuple[str, ...]:
    """The registered ops that the profile computes in integers over a preset's activations, in order of name."""
    chosen = find(profile)
    dtype = activation_dtype(chosen, preset)
    known = {name: op for name, op in sorted(registered().items()) if not op.only_imported}
    return tuple(name for name, op in known.items() if chosen.scheme(op.kind, dtype) is not None)


class _Growing:
    """A float graph as its layers come."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.layers: list[Layer] = []
        self.inputs: dict[str, TensorType] = {}
        self.constants: dict[str, Array] = {}
        self.tensors: dict[str, TensorType] = {}

    def input(self, kind: TensorType) -> str:
        """A new graph input."""
        name = f"x{len(self.inputs)}"
        self.inputs[name] = self.tensors[name] = kind
        return name

    def tensor(self, kind: TensorType) -> str:
        """A tensor of this type: one that is there, the newest first, or a new input."""
        same = [name for name, known in self.tensors.items() if known == kind]
        chosen = self.draw(st.sampled_from([*same[::-1], ""]))
        return chosen or self.input(kind)

    def add(self, x: str, piece: Piece) -> str:
        """A layer over x."""
        name = f"layer{len(self.layers)}"
        constants = {f"{name}_{place}": values for place, values in enumerate(piece.constants, 1)}
        layer = Layer(name, piece.op, (x, *map(self.tensor, piece.others), *constants), f"y{len(self.layers)}")
        self.constants |= constants
        types = {**self.tensors, **{key: TensorType(value.shape) for key, value in constants.items()}}
        self.tensors[layer.output] = infer(layer, [types[source] for source in layer.inputs])
        self.layers.append(layer)
        return layer.output

    def finish(self) -> Graph:
        """What nothing reads is an output."""
        read = {name for layer in self.layers for name in layer.inputs}
        outputs = [layer.output for layer in self.layers if layer.output not in read]
        return float_graph("drawn", self.layers, self.inputs, outputs, self.constants)


@st.composite
def _float_graphs(draw: st.DrawFn, names: Collection[str], fewest: int, most: int) -> Graph:
    growing, known = _Growing(draw), {name: rule for name, rule in rules().items() if name in names}
    first = draw(tensor_types().filter(lambda kind: any(rule.fits(kind) for rule in known.values())))
    growing.input(first)
    for _ in range(draw(st.integers(fewest, most))):
        choices = [
            (name, op) for name, kind in reversed(growing.tensors.items()) for op in known if known[op].fits(kind)
        ]
        x = draw(st.sampled_from(list(dict.fromkeys(name for name, _ in choices))))
        op = draw(st.sampled_from([op for name, op in choices if name == x]))
        growing.add(x, legal(known[op].piece(draw, growing.tensors[x]), growing.tensors[x]))
    return growing.finish()


def float_graphs(
    *, ops: Collection[str] | None = None, min_layers: int = 1, max_layers: int = 5
) -> st.SearchStrategy[Graph]:
    """Small float32 networks: layers of legal shapes over earlier tensors; sums and concatenations join branches.

    Weights are multiples of one scale, their greatest code 127, so that quantizing them gives those codes. ops: names
    of the ops to draw from, those of `rules.rules()`; None: all of these. min_layers, max_layers: 1 or more, in order.
    Else InvalidArgument. Shrinks toward few layers on tensors of one value.
    """
    names = list(rules()) if ops is None else list(ops)
    require(names, "ops", names, "at least one op is needed")
    for name in names:
        require_one_of("ops", name, rules())
    require_size("min_layers", min_layers, 1, 100)
    require_size("max_layers", max_layers, min_layers, 100)
    return _float_graphs(names, min_layers, max_layers)


@st.composite
def _rows(draw: st.DrawFn) -> Row:
    scale = draw(scales(2.0**-9, 2.0**-2))
    if draw(st.booleans()):
        return Row(scale)
    zero = draw(st.integers(0, 255))
    low, high = -zero * scale, (255 - zero) * scale
    return Row(float32(max(-low, high) / 127 * COVERS), low, high)


def tables(graph: Graph) -> st.SearchStrategy[Table]:
    """A Table with a row for every activation of the graph: a scale alone, or the range that a zero point gives.

    Scales are drawn as `scales` does, 2**-9 .. 2**-2; where an asymmetric rule reads the range, it finds the drawn
    scale again. Shrinks toward scales alone, powers of two.
    """
    return st.fixed_dictionaries({name: _rows() for name in graph.table_rows()}).map(Table)


def _lowered(draw: st.DrawFn, graph: Graph, profile: Profile, preset: str) -> Graph:
    try:
        return lower(graph, draw(tables(graph)), profile=profile, preset=preset)
    except LayerError:
        reject()  # scales that the target refuses


@st.composite
def _graphs(draw: st.DrawFn, profile: Profile | None, preset: str | None, fewest: int, most: int) -> Graph:
    chosen = profile or draw(profiles())
    named = draw(presets(chosen, preset))
    names = [name for name in integer_ops(chosen, named) if name in rules()]
    return _lowered(draw, draw(_float_graphs(names, fewest, most)), chosen, named)


def graphs(
    profile: str | Profile | None = None, *, preset: str | None = None, min_layers: int = 1, max_layers: int = 5
) -> st.SearchStrategy[Graph]:
    """Small networks lowered by a profile: 1 to 5 integer layers, or as asked, between float inputs and outputs.

    Drawn as `float_graphs` from the ops that the profile has an integer form of, lowered with a drawn table; quantize
    and dequantize layers stand where lowering places them. profile: a name or a Profile, None for any; preset: one of
    its own, None for any; else InvalidArgument. Shrinks as `float_graphs` and `tables` do.
    """
    require_size("min_layers", min_layers, 1, 100)
    require_size("max_layers", max_layers, min_layers, 100)
    return _graphs(_found(profile, preset), preset, min_layers, max_layers)


def _found(profile: str | Profile | None, preset: str | None) -> Profile | None:
    if profile is None:
        require(preset is None, "preset", preset, "a preset needs a profile")
        return None
    chosen = find(profile)
    presets(chosen, preset)
    return chosen


@st.composite
def _layers(draw: st.DrawFn, profile: Profile, op: str | None, preset: str | None) -> Graph:
    named = draw(presets(profile, preset))
    drawable = [name for name in integer_ops(profile, named) if name in rules() or name in BORDER]
    assume(op is None or op in drawable)
    wanted = op or draw(st.sampled_from(drawable))
    inner = [name for name in drawable if name in rules()] if wanted in BORDER else [wanted]
    graph = draw(_float_graphs(inner, 1, 1))
    if graph.layers[0].op.kind in FUSES_ACTIVATION and draw(st.booleans()):
        graph = _activated(draw, graph)
    return _cut(_lowered(draw, graph, profile, named), wanted)


def _activated(draw: st.DrawFn, graph: Graph) -> Graph:
    """With a clamp behind its one layer, which lowering fuses."""
    clamps = [op for op in rules() if registered()[op].kind == "clamp"]
    (layer,), rule = graph.layers, rules()[draw(st.sampled_from(clamps))]
    after = Layer("activation", rule.piece(draw, graph.tensors[layer.output]).op, (layer.output,), "z")
    inputs = {name: graph.tensors[name] for name in graph.inputs}
    return float_graph(graph.name, [layer, after], inputs, ["z"], graph.constants)


def _cut(graph: Graph, op: str) -> Graph:
    """The first integer layer of that op as a graph of its own; another draw if there is none."""
    found = next((layer for layer in graph.layers if layer.op.name == op and layer.arithmetic is not None), None)
    if found is None:
        reject()
    names = [name for name in dict.fromkeys(found.inputs) if name not in graph.constants]
    tensors = {name: graph.tensors[name] for name in (*found.inputs, found.output)}
    constants = {name: graph.constants[name] for name in found.inputs if name in graph.constants}
    return Graph((found,), tensors, constants, tuple(names), (found.output,), f"drawn {op}", graph.profile)


def layers(profile: str | Profile, *, op: str | None = None, preset: str | None = None) -> st.SearchStrategy[Graph]:
    """A graph of one integer layer, codes as its inputs: op, attributes, types, weights, bias and steps.

    The op is drawn from those that the profile has an integer form of, its attributes and shapes by rules.py, scales by
    `tables`; where the engine fuses an activation there is one at times. op: the name of one; preset: one of the
    profile's; None for any; else InvalidArgument. Shrinks as `graphs` does.
    """
    chosen = find(profile)
    presets(chosen, preset)
    names = [name for each in chosen.activations for name in integer_ops(chosen, each)]
    if op is not None:
        require_one_of("op", op, [name for name in dict.fromkeys(names) if name in rules() or name in BORDER])
    return _layers(chosen, op, preset)


@st.composite
def _inputs(draw: st.DrawFn, graph: Graph, most: int) -> dict[str, Array]:
    batch = draw(st.integers(1, most))
    found: dict[str, Array] = {}
    for name in graph.inputs:
        kind = graph.tensors[name]
        shape = batch, *kind.shape[1:]
        found[name] = draw(_values(shape, kind.quant, _quantization(graph, name)))
    return found


def _values(shape: tuple[int, ...], own: QuantParams | None, later: QuantParams | None) -> st.SearchStrategy[Array]:
    if own is None:
        return real_arrays(shape, quant=later)
    return codes(shape, dtype=own.dtype, narrow=own.narrow)


def _quantization(graph: Graph, name: str) -> QuantParams | None:
    """What the first quantize layer makes of a real tensor."""
    return next((graph.tensors[layer.output].quant for layer in graph.consumers(name)), None)


def inputs(graph: Graph, *, max_batch: int = 2) -> st.SearchStrategy[dict[str, Array]]:
    """Arrays for every input of a graph, 1 .. `max_batch` samples: codes drawn as `codes`, reals as `real_arrays`.

    Reals are aimed at the ties of the quantize layer that reads them. InvalidArgument for a max_batch below 1. Shrinks
    toward one sample of zeros.
    """
    require_size("max_batch", max_batch, 1, 1 << 20)
    return _inputs(graph, max_batch)


def runs(graphs: st.SearchStrategy[Graph], *, max_batch: int = 2) -> st.SearchStrategy[Run]:
    """Run: a graph, and inputs for it as `inputs` draws them. Shrinks the graph first."""
    require_size("max_batch", max_batch, 1, 1 << 20)
    return graphs.flatmap(lambda graph: st.builds(Run, st.just(graph), inputs(graph, max_batch=max_batch)))

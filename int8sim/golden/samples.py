"""Small layers of any profile, to show what the kit does: convolutions, products, a sum, an average, a softmax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.lowering.lower import lower
from int8sim.model.errors import UnknownNameError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.base import Op
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.matmul import Matmul
from int8sim.ops.softmax import Softmax
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profile as named

Shapes = Sequence[tuple[int, ...]]


class Sample(NamedTuple):
    """weighted: whether the shapes from the second on are weights. output, inputs: low and high of each tensor."""

    op: Op
    shapes: Shapes
    weighted: bool
    output: tuple[float, float]
    inputs: Sequence[tuple[float, float]] = ((-1.5, 2.54), (-0.7, 0.9))


SAMPLES = {
    "conv2d": Sample(Conv2d(pads=(1, 1, 0, 1)), ((1, 4, 4, 4), (3, 4, 3, 3), (3,)), True, (-2.0, 3.0)),
    "depthwise": Sample(Conv2d(pads=(1, 0, 1, 1), group=9), ((1, 9, 4, 5), (9, 1, 3, 3), (9,)), True, (-1.0, 1.5)),
    "fully_connected": Sample(FullyConnected(), ((1, 36), (4, 36), (4,)), True, (-1.5, 3.0)),
    "matmul": Sample(Matmul(), ((1, 5, 36), (1, 36, 4)), False, (-2.0, 3.0)),
    "add": Sample(Add(), ((1, 40), (1, 40)), False, (-2.0, 2.5)),
    "average_pool": Sample(AveragePool((2, 3), (2, 2), (0, 1, 1, 0)), ((1, 2, 5, 6),), False, (-1.5, 2.54)),
    "softmax": Sample(Softmax(), ((1, 3),), False, (0.0, 1.0), ((-6.0, 9.0),)),
}


def sample_kinds(profile: str | Profile) -> list[str]:
    """The sample layers that a profile computes in integers. Raises UnknownNameError."""
    known = named(profile)
    return [kind for kind, sample in SAMPLES.items() if known.scheme(sample.op.kind, "int8") is not None]


def sample_layer(kind: str, profile: str | Profile, *, preset: str = "mixed", seed: int = 0) -> Graph:
    """One lowered layer, codes in and codes out, weights and biases drawn by the seed.

    kind: of `sample_kinds`. Raises UnknownNameError.
    """
    if kind not in sample_kinds(profile):
        raise UnknownNameError(
            f"sample layer that {named(profile).name} computes in integers", kind, sample_kinds(profile)
        )
    lowered = lower(_float(SAMPLES[kind], seed), _table(SAMPLES[kind]), profile=profile, preset=preset)
    (layer,) = (each for each in lowered.layers if each.op.name == SAMPLES[kind].op.name)
    return one_layer(lowered, layer)


def one_layer(graph: Graph, layer: Layer) -> Graph:
    """A layer of a graph as a graph of its own."""
    inputs = tuple(dict.fromkeys(name for name in layer.inputs if name not in graph.constants))
    names = (*layer.inputs, layer.output)
    tensors = {name: graph.tensors[name] for name in names}
    constants = {name: graph.constants[name] for name in names if name in graph.constants}
    return Graph((layer,), tensors, constants, inputs, (layer.output,), layer.name, graph.profile)


def _float(sample: Sample, seed: int) -> Graph:
    rng, names = np.random.default_rng(seed), [f"x{i}" for i in range(len(sample.shapes))]
    given = dict(zip(names, sample.shapes, strict=True))
    drawn = {name: rng.normal(0, 0.1, shape).astype(np.float32) for name, shape in given.items()}
    constants = {name: drawn[name] for name in names[1:]} if sample.weighted else {}
    inputs = {
        name: TensorType(shape, "float32", "NCHW" if len(shape) == 4 else "")
        for name, shape in given.items()
        if name not in constants
    }
    return float_graph(sample.op.name, [Layer("layer", sample.op, tuple(names), "y")], inputs, ["y"], constants)


def _table(sample: Sample) -> Table:
    ranges = {**{f"x{i}": each for i, each in enumerate(sample.inputs)}, "y": sample.output}
    return Table({name: Row(max(-low, high) / 127, low, high) for name, (low, high) in ranges.items()})

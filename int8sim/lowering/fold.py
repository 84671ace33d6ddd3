"""Float graph to float graph: what scales channels, into the layer before it; which activations that one absorbs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.multiply import Multiply
from int8sim.profiles.base import Floats, Fold, Normalization

FUSES_ACTIVATION = frozenset(
    {"convolution", "fully_connected", "matmul", "add", "subtract", "multiply", "average_pool", "global_average_pool"}
)
"""Kinds whose last step is a clamp, which then is the activation."""
FOLDABLE = (BatchNormalization, Multiply, Add)
"""Ops that may do to each channel what a weight and a bias can do instead."""


def fold_batch_normalization(graph: Graph, fold: Fold | None = None) -> Graph:
    """The graph with every batch normalization that follows a convolution or fully connected layer folded into it.

    So are products with and sums with a constant of one value per channel, as normalizations with mean 0 and variance
    1. fold: a profile's order of roundings; None: W' = W * a and bias' = bias * a + b per output channel, a and b as in
    ops/batch_normalization.py, each product and sum rounded to float32. One that stands elsewhere stays.
    """
    constants, found = dict(graph.constants), dict[str, Layer]()
    order: dict[str, str] = {}
    for layer in graph.layers:
        producer = _before(graph, constants, found, layer)
        given = _normalization(graph, layer, producer) if producer else None
        if producer is None or given is None:
            found[layer.output] = layer
            order[layer.name] = layer.output
        else:
            found[layer.output] = _fold(constants, producer, layer, given, fold)
            order[producer.name] = layer.output
    if len(order) == len(graph.layers):
        return graph
    layers = [found[output] for output in order.values()]
    inputs = {name: graph.tensors[name] for name in graph.inputs}
    return float_graph(graph.name, layers, inputs, graph.outputs, constants)


def _before(graph: Graph, constants: Mapping[str, Array], found: Mapping[str, Layer], layer: Layer) -> Layer | None:
    """The layer with constant weights that gives this one its only activation, and gives it to nothing else."""
    sources = [name for name in layer.inputs if name not in graph.constants]
    producer = found.get(sources[0]) if len(sources) == 1 and isinstance(layer.op, FOLDABLE) else None
    if producer is None or not producer.op.weighted or not only_consumer(graph, producer):
        return None
    return producer if all(name in constants for name in producer.inputs[1:]) else None


def _normalization(graph: Graph, layer: Layer, producer: Layer) -> Normalization | None:
    """What the layer does to each channel; None if it does more."""
    kind = graph.tensors[producer.output]
    channels = kind.shape[kind.channel_axis]
    one, zero = np.ones(channels, np.float32), np.zeros(channels, np.float32)
    if isinstance(layer.op, BatchNormalization):
        gamma, beta, mean, variance = (graph.constants[name] for name in layer.inputs[1:])
        return Normalization(gamma, beta, mean, variance, layer.op.epsilon)
    values = [_by_channel(graph.constants[name], kind) for name in layer.inputs if name in graph.constants]
    if len(values) != 1 or values[0] is None:
        return None
    gamma, beta = (values[0], zero) if isinstance(layer.op, Multiply) else (one, values[0])
    return Normalization(gamma, beta, zero, one, 0.0)


def _by_channel(values: Array, kind: TensorType) -> Floats | None:
    """What a constant holds for each channel of a tensor; None if it differs along another axis too."""
    shape = (1,) * (len(kind.shape) - values.ndim) + values.shape
    if len(shape) != len(kind.shape) or values.size != shape[kind.channel_axis]:
        return None
    return np.broadcast_to(values.reshape(-1), (kind.shape[kind.channel_axis],))


def only_consumer(graph: Graph, layer: Layer) -> Layer | None:
    """The one layer that reads this layer's output, if nothing else does and it is no output of the graph."""
    readers = graph.consumers(layer.output)
    return readers[0] if len(readers) == 1 and layer.output not in graph.outputs else None


def _fold(constants: dict[str, Array], producer: Layer, layer: Layer, given: Normalization, fold: Fold | None) -> Layer:
    """Both as one layer, whose weight and bias are new constants."""
    weight = constants[producer.inputs[1]]
    bias = constants[producer.inputs[2]] if len(producer.inputs) > 2 else np.zeros(len(weight), np.float32)
    names = f"{producer.name}_folded_weight", f"{producer.name}_folded_bias"
    constants.update(zip(names, (fold or _at_once)(weight, bias, given), strict=True))
    source = producer.inputs[0]
    covers = (*(producer.covers or (producer.output,)), layer.output)
    return replace(producer, inputs=(source, *names), output=layer.output, covers=covers)


@np.errstate(over="ignore", invalid="ignore")  # whoever quantizes them names infinities
def _at_once(weight: Floats, bias: Floats, given: Normalization) -> tuple[Floats, Floats]:
    """By the one factor and the one summand that the op itself computes."""
    a, b = BatchNormalization(given.epsilon).constants(given.gamma, given.beta, given.mean, given.variance)
    scaled: Floats = (weight * a.reshape(-1, *[1] * (weight.ndim - 1))).astype(np.float32)
    return scaled, ((bias * a).astype(np.float32) + b).astype(np.float32)


@dataclass(frozen=True)
class Unit:
    """A layer and the activations fused into it. output: the last tensor; covers: all float tensors it computes."""

    layer: Layer
    output: str
    covers: tuple[str, ...]
    activations: tuple[Layer, ...] = ()

    @property
    def real_bounds(self) -> list[tuple[float, float]]:
        """What each fused activation leaves."""
        return [layer.op.real_bounds for layer in self.activations]  # type: ignore[attr-defined]


def units(graph: Graph) -> list[Unit]:
    """The layers in order, each ReLU or Clip joined with the layer before it where that layer ends in a clamp."""
    found: list[Unit] = []
    taken: set[str] = set()
    for layer in graph.layers:
        if layer.name not in taken:
            chain = _activations(graph, layer)
            taken |= {each.name for each in chain}
            covers = (*(layer.covers or (layer.output,)), *(each.output for each in chain))
            found.append(Unit(layer, covers[-1], covers, tuple(chain)))
    return found


def _activations(graph: Graph, layer: Layer) -> list[Layer]:
    chain: list[Layer] = []
    last = layer
    while layer.op.kind in FUSES_ACTIVATION:
        following = only_consumer(graph, last)
        if following is None or following.op.kind != "clamp":
            break
        chain.append(following)
        last = following
    return chain

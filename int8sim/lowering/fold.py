"""Float graph to float graph: batch normalization into the layer before it; and which activations a layer absorbs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Array
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.profiles.base import Floats, Fold, Normalization

FUSES_ACTIVATION = frozenset(
    {"convolution", "fully_connected", "matmul", "add", "multiply", "average_pool", "global_average_pool"}
)
"""Kinds whose last step is a clamp, which then is the activation."""


def fold_batch_normalization(graph: Graph, fold: Fold | None = None) -> Graph:
    """The graph with every batch normalization that follows a convolution or fully connected layer folded into it.

    fold: a profile's order of roundings; None: W' = W * a and bias' = bias * a + b per output channel, a and b as in
    ops/batch_normalization.py, each product and sum rounded to float32. One that stands elsewhere stays.
    """
    for layer in graph.layers:
        producer = graph.producer(layer.inputs[0])
        if isinstance(layer.op, BatchNormalization) and producer and _absorbs(graph, producer):
            return fold_batch_normalization(_fold(graph, producer, layer, fold), fold)
    return graph


def _absorbs(graph: Graph, producer: Layer) -> bool:
    constant = producer.op.weighted and all(name in graph.constants for name in producer.inputs[1:])
    return constant and only_consumer(graph, producer) is not None


def only_consumer(graph: Graph, layer: Layer) -> Layer | None:
    """The one layer that reads this layer's output, if nothing else does and it is no output of the graph."""
    readers = graph.consumers(layer.output)
    return readers[0] if len(readers) == 1 and layer.output not in graph.outputs else None


def _fold(graph: Graph, producer: Layer, layer: Layer, fold: Fold | None) -> Graph:
    operation = layer.op
    if not isinstance(operation, BatchNormalization):
        return graph
    gamma, beta, mean, variance = (graph.constants[name] for name in layer.inputs[1:])
    weight = graph.constants[producer.inputs[1]]
    bias = graph.constants[producer.inputs[2]] if len(producer.inputs) > 2 else np.zeros(len(weight), np.float32)
    made = (fold or _at_once)(weight, bias, Normalization(gamma, beta, mean, variance, operation.epsilon))
    names = f"{producer.name}_folded_weight", f"{producer.name}_folded_bias"
    covers = (*(producer.covers or (producer.output,)), layer.output)
    merged = replace(producer, inputs=(producer.inputs[0], *names), output=layer.output, covers=covers)
    layers = [merged if each is producer else each for each in graph.layers if each is not layer]
    inputs = {name: graph.tensors[name] for name in graph.inputs}
    folded: dict[str, Array] = dict(zip(names, made, strict=True))
    return float_graph(graph.name, layers, inputs, graph.outputs, {**graph.constants, **folded})


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

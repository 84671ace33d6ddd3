"""The accumulator that every weighted layer needs: what data made of it, and the worst that its weights allow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from int8sim.analysis.batches import Batch, in_pieces
from int8sim.analysis.sums import accumulates, bias, pixels, sums, weights, width
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.model.step import Array

WIDTHS = (32, 34)
"""Widths that headroom is given for: most engines' accumulator, and NVDLA's."""


@dataclass(frozen=True)
class Accumulator:
    """One layer's exact sums, with the bias where it is an integer: before any accumulator wraps or saturates.

    seen: lowest and highest of the data; None without data. worst: lowest and highest for any input of the layer's
    shape and of every code that its input's type has. products: of one sum.
    """

    layer: str
    op: str
    products: int
    seen: tuple[int, int] | None
    worst: tuple[int, int]

    @property
    def seen_bits(self) -> int | None:
        """Bits of the two's complement word that the data need."""
        return None if self.seen is None else width(*self.seen)

    @property
    def worst_bits(self) -> int:
        """Bits that suffice for any data."""
        return width(*self.worst)

    def as_dict(self, widths: Sequence[int] = WIDTHS) -> dict[str, Any]:
        """For JSON and CSV. headroom: of each width, the bits left in the worst case; negative: too few."""
        low, high = self.seen or (None, None)
        return {
            "layer": self.layer,
            "op": self.op,
            "products": self.products,
            "seen_low": low,
            "seen_high": high,
            "seen_bits": self.seen_bits,
            "worst_low": self.worst[0],
            "worst_high": self.worst[1],
            "worst_bits": self.worst_bits,
            **{f"headroom_{bits}": bits - self.worst_bits for bits in widths},
        }


class Observed:
    """Lowest and highest accumulator of one layer over batches. low, high: None before the first."""

    def __init__(self, graph: Graph, layer: Layer) -> None:
        self._kind, self._layer = graph.tensors[layer.inputs[0]], layer
        self._weights, self._bias = weights(graph, layer), bias(graph, layer)
        self.low: int | None = None
        self.high: int | None = None

    def take(self, codes: Array) -> None:
        """The layer's input for some more samples."""
        found = sums(self._layer, pixels(self._kind, codes, self._layer), self._weights) + self._bias
        low, high = int(found.min()), int(found.max())
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    @property
    def both(self) -> tuple[int, int] | None:
        """Lowest and highest."""
        return None if self.low is None or self.high is None else (self.low, self.high)


def accumulators(graph: Graph, batches: Iterable[Batch] = (), *, backend: str = "cpu") -> list[Accumulator]:
    """One entry for each convolution and fully connected layer in integers, the greatest worst case first.

    graph: lowered, or read from a quantized network. batches: inputs by name; none: worst cases only. Raises what `run`
    raises.
    """
    layers = [layer for layer in graph.layers if accumulates(layer)]
    observed = {layer.name: Observed(graph, layer) for layer in layers}
    for batch in in_pieces(graph, batches):
        tensors = run(graph, batch, backend=backend, keep="all")
        for layer in layers:
            observed[layer.name].take(tensors[layer.inputs[0]])
    found = [
        Accumulator(layer.name, layer.op.name, _products(graph, layer), observed[layer.name].both, worst(graph, layer))
        for layer in layers
    ]
    return sorted(found, key=lambda entry: -entry.worst_bits)


def _products(graph: Graph, layer: Layer) -> int:
    return int(np.prod(graph.constants[layer.inputs[1]].shape[1:]))


def worst(graph: Graph, layer: Layer) -> tuple[int, int]:
    """The lowest and the highest sum that any codes of the layer's input can make, at any place of its output.

    Every weight takes the code that is worst for its sign; where it meets padding it adds nothing.
    """
    kind, w, added = graph.tensors[layer.inputs[0]], weights(graph, layer), bias(graph, layer)
    ends = [w * (code - kind.quantized.tensor_zero_point) for code in (kind.quantized.low, kind.quantized.high)]
    ones = pixels(kind, np.full(kind.shape, kind.quantized.tensor_zero_point + 1), layer)
    low = sums(layer, ones, np.minimum(*ends)) + added
    high = sums(layer, ones, np.maximum(*ends)) + added
    return int(low.min()), int(high.max())

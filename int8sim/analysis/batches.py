"""Batches cut so that a run that keeps every tensor stays within a bound of memory."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping

from int8sim.graph.ir import Graph
from int8sim.model.step import Array

Batch = Mapping[str, Array]
VALUES = 1 << 24
"""Activations of one piece, all tensors of the graph together."""


def piece(graph: Graph, keep: str = "all") -> int:
    """How many samples have no more than VALUES activations at once; at least 1.

    keep: as of `run`: "all" tensors count, or the largest only, where each is dropped when it has been read.
    """
    sizes = [math.prod(graph.tensors[name].shape) for name in graph.activations()]
    return max(1, VALUES // (sum(sizes) if keep == "all" else max(sizes)))


def in_pieces(graph: Graph, batches: Iterable[Batch]) -> Iterator[dict[str, Array]]:
    """The same samples in order, no more at once than `piece` says."""
    size = piece(graph)
    for batch in batches:
        count = max(map(len, batch.values()), default=0)
        for start in range(0, count, size):
            yield {name: values[start : start + size] for name, values in batch.items()}

"""Statistics of every tensor of a float network over batches of data: one pass, constant memory per tensor.

Each tensor is counted as it is computed and then dropped; what a run holds at once is one batch's live tensors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from int8sim.calibration.fingerprint import data_hash, sample_hashes
from int8sim.calibration.statistics import KINDS, TensorStatistics, merged
from int8sim.graph.fingerprint import network_hash
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.graph.sharing import row_origins
from int8sim.kernels.histogram import not_finite
from int8sim.lowering.fold import fold_batch_normalization, units
from int8sim.model.errors import (
    InputMismatchError,
    NotFiniteError,
    TooFewImagesError,
    UnknownNameError,
    UnmergeableError,
)
from int8sim.model.step import Array

Batch = Array | Mapping[str, Array]


@dataclass
class Statistics:
    """The statistics of a network's tensors.

    kind: "tensorrt" or "mergeable". tensors: by name, without those that only reorder another's values. rows: a table's
    rows, in order. reordered, shared: tensor -> the one with the same values, or whose row TensorRT repeats for it.
    fused: tensors that layer fusion removes. network: hash; samples: one hash per sample, in order; batches: how many;
    batch_size: of the last one.
    """

    kind: str
    tensors: dict[str, TensorStatistics]
    rows: tuple[str, ...]
    reordered: Mapping[str, str]
    shared: Mapping[str, str]
    fused: frozenset[str]
    network: str
    batches: int = 0
    batch_size: int = 0
    samples: list[str] = field(default_factory=list)

    @property
    def data(self) -> str:
        """SHA-256 in hex of the samples; of "mergeable" ones whatever their order."""
        return data_hash(sorted(self.samples) if self.kind == "mergeable" else self.samples)


def empty_statistics(graph: Graph, kind: str = "tensorrt") -> Statistics:
    """No data yet; constants that have a row are counted. Raises UnknownNameError."""
    if kind not in KINDS:
        raise UnknownNameError("kind of statistics", kind, KINDS)
    rows, reordered, shared = graph.table_rows(), row_origins(graph, pools=False), row_origins(graph)
    tensors = {origin.get(name, name): KINDS[kind]() for name in rows for origin in (reordered, shared)}
    for name in graph.constants.keys() & tensors.keys():
        tensors[name].add(graph.constants[name])
    return Statistics(kind, tensors, rows, reordered, shared, _fused(graph), network_hash(graph))


def gather(
    graph: Graph,
    batches: Iterable[Batch],
    *,
    statistics: str | Statistics = "tensorrt",
    backend: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> Statistics:
    """The statistics of every tensor over all batches, in order.

    graph: float32. batches: arrays [N, ...] for the one input, or mappings by input name. statistics: "tensorrt",
    "mergeable", or earlier ones of this network, which are continued (and left as they were). progress: called with
    the number of batches done. Raises NotFiniteError (which batch, which tensor), InputMismatchError,
    TooFewImagesError for no data at all, UnknownNameError, UnmergeableError for another network's statistics.
    """
    found = _begin(graph, statistics)
    for done, batch in enumerate(batches, 1):
        inputs = named(graph, batch)
        run(graph, inputs, backend=backend, observe=_Counter(found, done).count)
        found.samples += sample_hashes(inputs)
        found.batches += 1
        found.batch_size = len(inputs[graph.inputs[0]])
        if progress:
            progress(done)
    if found.batches == 0:
        raise TooFewImagesError(0, 1)
    return found


def merge_statistics(a: Statistics, b: Statistics) -> Statistics:
    """The statistics of both data sets, as if gathered in one pass; both "mergeable", of one network.

    Commutative and associative, to the bit, but for the order of `samples`. Raises UnmergeableError.
    """
    if a.network != b.network:
        raise UnmergeableError(f"the statistics are of different networks: {a.network[:16]} and {b.network[:16]}")
    tensors = {name: merged(each, b.tensors[name]) for name, each in a.tensors.items()}
    size = max(a.batch_size, b.batch_size)
    return replace(a, tensors=tensors, batches=a.batches + b.batches, batch_size=size, samples=a.samples + b.samples)


def named(graph: Graph, batch: Batch) -> Mapping[str, Array]:
    """A batch by input name. Raises InputMismatchError for an unnamed array where there are several inputs."""
    if isinstance(batch, Mapping):
        return batch
    if len(graph.inputs) != 1:
        raise InputMismatchError(graph.inputs[0], "one unnamed array", f"a mapping with {list(graph.inputs)}")
    return {graph.inputs[0]: np.asarray(batch)}


class _Counter:
    """Counts the tensors of one batch. Raises NotFiniteError."""

    def __init__(self, statistics: Statistics, batch: int) -> None:
        self.tensors, self.batch = statistics.tensors, batch

    def count(self, name: str, values: Any) -> None:
        """One tensor, if it has statistics."""
        if name in self.tensors and not self.tensors[name].add(values):
            raise NotFiniteError(self.batch, name, not_finite(values))


def _begin(graph: Graph, statistics: str | Statistics) -> Statistics:
    if isinstance(statistics, str):
        return empty_statistics(graph, statistics)
    if statistics.network != network_hash(graph):
        raise UnmergeableError(f"the statistics are of another network than {graph.name!r}: gather new ones")
    return deepcopy(statistics)


def _fused(graph: Graph) -> frozenset[str]:
    """Tensors inside a layer that batch normalization and activations have been fused into."""
    return frozenset(name for unit in units(fold_batch_normalization(graph)) for name in unit.covers[:-1])

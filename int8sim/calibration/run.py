"""Calibration: the float network over batches of data, statistics of every tensor, a table.

Layers that only move values repeat their input's row, as TensorRT does; every other tensor has its own statistics.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Protocol

import numpy as np

from int8sim.calibration.histogram import EntropyStatistics
from int8sim.calibration.minmax import MinMaxStatistics
from int8sim.graph.fingerprint import network_hash
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.model.errors import InputMismatchError, NotFiniteError, TooFewImagesError, UnknownNameError
from int8sim.model.step import Array
from int8sim.model.table import Provenance, Row, Table

SHARES_SCALE = frozenset({"max_pool", "average_pool", "global_average_pool", "flatten", "reshape", "transpose"})
"""Ops whose output repeats its input's row: seen in real tables (facts of TensorRT 5.1 to 8.6), nothing else does."""


class Statistics(Protocol):
    """What a calibrator gathers of one tensor."""

    def add(self, values: Array) -> None:
        """One batch of values."""

    def row(self) -> Row:
        """The result."""


METHODS: Mapping[str, Callable[[], Statistics]] = {"entropy2": EntropyStatistics, "minmax": MinMaxStatistics}
"""Calibrators by name: TensorRT's EntropyCalibration2 and MinMaxCalibration."""

Batch = Array | Mapping[str, Array]


def calibrate(
    graph: Graph,
    batches: Iterable[Batch],
    *,
    method: str = "entropy2",
    backend: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> Table:
    """A table with one row per activation, in topological order.

    graph: float32. batches: arrays [N, ...] for the one input, or mappings by input name; all are used, in order.
    method: "entropy2" or "minmax". progress: called with the number of batches done.
    Raises NotFiniteError (which batch, which tensor), InputMismatchError, TooFewImagesError for no data at all,
    UnknownNameError.
    """
    if method not in METHODS:
        raise UnknownNameError("calibration method", method, METHODS)
    shared = {layer.output: layer.inputs[0] for layer in graph.layers if layer.op.name in SHARES_SCALE}
    gathered = {name: METHODS[method]() for name in graph.activations() if name not in shared}
    digest, done, size = hashlib.sha256(), 0, 0
    for done, batch in enumerate(batches, 1):
        inputs = _named(graph, batch)
        size = _check_inputs(done, inputs, digest)
        tensors = run(graph, inputs, backend=backend, keep="all")
        for name, statistics in gathered.items():
            _check_finite(done, name, tensors[name])
            statistics.add(tensors[name])
        if progress:
            progress(done)
    if done == 0:
        raise TooFewImagesError(0, 1)
    rows = {name: statistics.row() for name, statistics in gathered.items()}
    provenance = Provenance(method, _producer(), network_hash(graph), digest.hexdigest(), done, size)
    return Table(dict(_in_order(graph, rows, shared)), provenance)


def image_batches(images: Array, batch_size: int, batches: int) -> Iterator[Array]:
    """`batches` full batches of an array [N, ...], in order. Raises TooFewImagesError before the first one."""
    if batch_size * batches > len(images):
        raise TooFewImagesError(len(images), batch_size * batches)
    return (images[i * batch_size : (i + 1) * batch_size] for i in range(batches))


def _named(graph: Graph, batch: Batch) -> Mapping[str, Array]:
    if isinstance(batch, Mapping):
        return batch
    if len(graph.inputs) != 1:
        raise InputMismatchError(graph.inputs[0], "one unnamed array", f"a mapping with {list(graph.inputs)}")
    return {graph.inputs[0]: np.asarray(batch)}


def _check_inputs(position: int, inputs: Mapping[str, Array], digest: hashlib._Hash) -> int:
    """The batch size; every value finite; its bytes added to the digest."""
    size = 0
    for name in sorted(inputs):
        array = np.ascontiguousarray(inputs[name])
        _check_finite(position, name, array)
        digest.update(array.tobytes())
        size = len(array) if array.ndim else 0
    return size


def _check_finite(position: int, name: str, values: Array) -> None:
    bad = values.size - int(np.isfinite(values).sum()) if values.dtype.kind == "f" else 0
    if bad:
        raise NotFiniteError(position, name, bad)


def _in_order(graph: Graph, rows: Mapping[str, Row], shared: Mapping[str, str]) -> Iterator[tuple[str, Row]]:
    for name in graph.activations():
        origin = name
        while origin in shared:
            origin = shared[origin]
        row = rows[origin]
        if origin != name:
            row = Row(row.scale, row.low, row.high, row.amax, row.chosen_bin, shared_with=origin)
        yield name, row


def _producer() -> str:
    try:
        return f"int8sim {version('int8sim')}"
    except PackageNotFoundError:
        return "int8sim"

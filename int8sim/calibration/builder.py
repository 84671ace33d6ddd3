"""TensorRT's calibrator interface: an object written for TensorRT's builder drives a calibration here.

The contract, in the Python names of IInt8EntropyCalibrator2 and its siblings (NvInfer.h; NVIDIA/TensorRT:
samples/sampleINT8): the batch size is asked once; the cache is read first; a cache that TensorRT would accept ends it,
and nothing is written; else batches are asked for until there are none, every one full, and the new cache is written.
Arrays stand in for device pointers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np

from int8sim.calibration.derive import table_from
from int8sim.calibration.gather import gather
from int8sim.calibration.methods.registry import METHODS
from int8sim.formats.acceptance import accepts
from int8sim.formats.tensorrt_cache import parse, to_text
from int8sim.formats.tensorrt_header import ALGORITHMS
from int8sim.graph.ir import Graph
from int8sim.model.errors import BatchSizeError, InputMismatchError, NotATableError, UnknownNameError
from int8sim.model.step import Array
from int8sim.model.table import Caution, Table

SPELLINGS = {
    "LEGACY_CALIBRATION": "legacy",
    "ENTROPY_CALIBRATION": "entropy",
    "ENTROPY_CALIBRATION_2": "entropy2",
    "MINMAX_CALIBRATION": "minmax",
}
LEGACY = {"quantile": "get_quantile", "cutoff": "get_regression_cutoff"}


@runtime_checkable
class Calibrator(Protocol):
    """What TensorRT asks of a calibrator. `get_algorithm()` may be there too, and a legacy calibrator's numbers."""

    def get_batch_size(self) -> int:
        """Samples per batch."""

    def get_batch(self, names: list[str]) -> Sequence[Array] | None:
        """One array [batch size, ...] per input name, or None (or nothing) when there are no more."""

    def read_calibration_cache(self) -> bytes | None:
        """An earlier cache, or None."""

    def write_calibration_cache(self, cache: bytes) -> None:
        """Keep the new cache."""


def build_table(
    graph: Graph,
    calibrator: Calibrator,
    *,
    method: str = "entropy2",
    version: str = "8601",
    backend: str = "cpu",
    progress: Callable[[int], None] | None = None,
) -> Table:
    """The table by the builder's contract, from the calibrator's cache or from its batches.

    method: where the calibrator has no `get_algorithm()`. version: the TensorRT that a cache is accepted for, and that
    stands in the one that is written. A cache that is refused or unreadable is a caution on the table.
    Raises what `gather` raises, BatchSizeError, UnknownNameError.
    """
    size, chosen = int(calibrator.get_batch_size()), algorithm(calibrator, method)
    numbers = _parameters(calibrator, chosen)
    cached, refusal = _cached(calibrator, version, chosen, numbers)
    if cached is not None:
        return cached
    found = gather(graph, _batches(graph, calibrator, size), backend=backend, progress=progress)
    table = table_from(found, chosen, **numbers)
    calibrator.write_calibration_cache(to_text(table, version).encode())
    return replace(table, cautions=(*refusal, *table.cautions))


def algorithm(calibrator: Any, default: str) -> str:
    """The method that `get_algorithm()` names: TensorRT's enum, its number, or a name of ours; or the default."""
    if not hasattr(calibrator, "get_algorithm"):
        return default
    named = calibrator.get_algorithm()
    if isinstance(named, int) and 0 <= int(named) < len(ALGORITHMS):
        return list(ALGORITHMS)[int(named)]
    text = str(named if isinstance(named, str) else getattr(named, "name", named))
    if text not in {*SPELLINGS, *METHODS}:
        raise UnknownNameError("calibration algorithm", text, SPELLINGS)
    return SPELLINGS.get(text, text)


def _cached(
    calibrator: Calibrator, version: str, chosen: str, numbers: Mapping[str, float]
) -> tuple[Table | None, tuple[Caution, ...]]:
    """The accepted table, or why there is none."""
    content = calibrator.read_calibration_cache()
    if not content:
        return None, ()
    try:
        table = parse(bytes(content).decode(), "the calibrator's cache")
    except (NotATableError, UnicodeDecodeError) as problem:
        return None, (Caution("cache_refused", "", f"recalibrated: {problem}"),)
    verdict = accepts(table, version, chosen, numbers)
    return (table, ()) if verdict else (None, (Caution("cache_refused", "", f"recalibrated: {verdict.reason}"),))


def _batches(graph: Graph, calibrator: Calibrator, size: int) -> Iterator[Mapping[str, Array]]:
    names, position = list(graph.inputs), 0
    while given := list(calibrator.get_batch(names) or ()):
        position += 1
        if len(given) != len(names):
            raise InputMismatchError(names[0], f"{len(given)} arrays from get_batch()", f"one for each of {names}")
        batch = {name: np.asarray(array) for name, array in zip(names, given, strict=True)}
        for name, array in batch.items():
            if array.shape[:1] != (size,):
                raise BatchSizeError(position, name, len(array) if array.ndim else 0, size)
        yield batch


def _parameters(calibrator: Any, chosen: str) -> dict[str, float]:
    """A legacy calibrator's quantile and cutoff, where it has them."""
    if chosen != "legacy":
        return {}
    return {name: float(getattr(calibrator, ask)()) for name, ask in LEGACY.items() if hasattr(calibrator, ask)}

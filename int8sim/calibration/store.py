"""Statistics as an HDF5 file that plain h5py opens: another calibrator, or more data, costs no second pass.

    /            attributes: int8sim_statistics_schema, content (JSON: kind, network, rows, ...), digest
    /counts      int64 [tensors, bins]
    /numbers     float64 [tensors, 4]: limit, low, high, first_peak (NaN: none yet)
    /elements    int64 [tensors]
    /samples     uint64 [N]: the first eight bytes of each sample's SHA-256

`digest` covers all of it, so that damage is found before anything is derived.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np

from int8sim.calibration.fingerprint import DIGITS
from int8sim.calibration.gather import Statistics
from int8sim.calibration.statistics import KINDS, TensorStatistics
from int8sim.model.errors import NotStatisticsError
from int8sim.model.files import replacing
from int8sim.model.step import Array

SCHEMA = 1


def save_statistics(statistics: Statistics, path: str | os.PathLike[str]) -> None:
    """Write the file; a stopped write leaves the old one. Raises OutputNotWritableError."""
    import h5py

    content, arrays = _encoded(statistics)
    with replacing(path) as partial, h5py.File(partial, "w") as file:
        for name, values in arrays.items():
            file.create_dataset(name, data=values, compression="gzip", shuffle=True, chunks=values.size > 0 or None)
        file.attrs["content"], file.attrs["digest"] = content, _digest(content, arrays)
        file.attrs["int8sim_statistics_schema"] = SCHEMA


def load_statistics(path: str | os.PathLike[str]) -> Statistics:
    """The statistics of a file. Raises NotStatisticsError, which says what is wrong with it."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            schema = file.attrs.get("int8sim_statistics_schema")
            content, digest = file.attrs.get("content", ""), file.attrs.get("digest", "")
            arrays = {name: np.asarray(file[name][()]) for name in ("counts", "numbers", "elements", "samples")}
    except FileNotFoundError:
        raise NotStatisticsError(path, "no such file") from None
    except (OSError, KeyError, ValueError) as problem:
        raise NotStatisticsError(path, f"it is no statistics file of int8sim, or a damaged one: {problem}") from None
    if schema is None or int(schema) > SCHEMA:
        raise NotStatisticsError(path, f"its schema is {schema}; this int8sim reads up to {SCHEMA}")
    if digest != _digest(content, arrays):
        raise NotStatisticsError(path, "its digest does not match its content: the file is damaged")
    return _decoded(json.loads(content), _Arrays(**arrays))


@dataclass(frozen=True, eq=False)
class _Arrays:
    counts: Array
    numbers: Array
    elements: Array
    samples: Array


def _encoded(statistics: Statistics) -> tuple[str, dict[str, Array]]:
    tensors = statistics.tensors
    content = {name: getattr(statistics, name) for name in ("kind", "rows", "reordered", "shared", "network")}
    content |= {"fused": sorted(statistics.fused), "tensors": list(tensors)}
    content |= {"batches": statistics.batches, "batch_size": statistics.batch_size}
    arrays = {
        "counts": np.array([each.counts for each in tensors.values()], np.int64),
        "numbers": np.array([_numbers(each) for each in tensors.values()], np.float64),
        "elements": np.array([each.elements for each in tensors.values()], np.int64),
        "samples": np.array([int(text, 16) for text in statistics.samples], np.uint64),
    }
    return json.dumps(content), arrays


def _numbers(each: TensorStatistics) -> list[float]:
    return [each.limit, each.low, each.high, math.nan if each.first_peak is None else each.first_peak]


def _decoded(content: dict[str, Any], arrays: _Arrays) -> Statistics:
    tensors = {name: _tensor(content["kind"], place, arrays) for place, name in enumerate(content["tensors"])}
    return Statistics(
        content["kind"],
        tensors,
        tuple(content["rows"]),
        content["reordered"],
        content["shared"],
        frozenset(content["fused"]),
        content["network"],
        content["batches"],
        content["batch_size"],
        [f"{number:0{DIGITS}x}" for number in arrays.samples.tolist()],
    )


def _tensor(kind: str, place: int, arrays: _Arrays) -> TensorStatistics:
    limit, low, high, first = arrays.numbers[place].tolist()
    peak = None if math.isnan(first) else first
    return KINDS[kind](limit, arrays.counts[place].copy(), low, high, int(arrays.elements[place]), peak)


def _digest(content: str, arrays: dict[str, Array]) -> str:
    parts = [content.encode(), *(np.ascontiguousarray(arrays[name]).tobytes() for name in sorted(arrays))]
    return hashlib.sha256(b"".join(parts)).hexdigest()

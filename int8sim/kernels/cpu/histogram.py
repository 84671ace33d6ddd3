"""Histograms of |x| and the entropy search over them, compiled from spec/calibration.py."""

from __future__ import annotations

import numpy as np

from int8sim.kernels.compile import build
from int8sim.model.step import Array
from int8sim.spec.calibration import BINS, entropy_bin, histogram_bin, merged_bin


def magnitude(values: Array) -> float:
    """The greatest |x| of a float32 array; NaN if there is one."""
    return float(max(-values.min(), values.max())) if values.size else 0.0


def count(values: Array, limit: float, counts: Array) -> None:
    """Add |x| of every value to counts, int64 [2048], over 0 .. limit > 0."""
    build(add_counts)(np.ascontiguousarray(values, np.float32).reshape(-1), np.float32(limit), counts)


def doubled(counts: Array) -> Array:
    """The counts after the range has doubled."""
    old = counts.tolist()
    return np.array([merged_bin(old, j) for j in range(BINS)], np.int64)


def search(counts: Array) -> int:
    """The chosen number of bins of int64 [2048] counts."""
    return int(build(entropy_bin)(np.array(counts, np.int64)))


def add_counts(x: Array, limit: float, counts: Array) -> None:
    """float32 [n] into int64 [2048]."""
    for i in range(x.shape[0]):
        counts[np.uint64(histogram_bin(abs(x[i]), limit))] += 1

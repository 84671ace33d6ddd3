"""Extremes and histograms of |x|, at memory speed; the bins are those of spec/calibration.py."""

from __future__ import annotations

import math

import numpy as np

from int8sim.kernels.compile import build
from int8sim.model.step import Array
from int8sim.spec.calibration import merged_bin

BLOCK = 1024
TABLES, PADDING = 8, 16
"""Tables of counts per call, and unused columns: rows 4 KiB apart would look like one address to the processor."""
LARGEST = 1 << 30
"""Values per call, so that a 32-bit count cannot overflow."""


def extremes(values: Array) -> tuple[float, float]:
    """The least and the greatest of float32 values, -0.0 taken as 0.0; NaN for both where one is NaN or infinite."""
    bits = np.ascontiguousarray(values, np.float32).reshape(-1).view(np.int32)
    found = np.zeros(2, np.int32)
    build(least_and_greatest)(bits, found)
    return real_ends(found)


def real_ends(found: Array) -> tuple[float, float]:
    """The extremes as real numbers. found: int32 [2], as `least_and_greatest` has them."""
    low, high = (found ^ (found >> 31 & 0x7FFFFFFF)).view(np.float32).tolist()
    return (low + 0.0, high + 0.0) if math.isfinite(low) and math.isfinite(high) else (math.nan, math.nan)


def count(values: Array, limit: float, counts: Array) -> None:
    """Add |x| of every value to counts, int64 [bins], over 0 .. limit > 0; bins a power of two up to 2**12."""
    flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    for start in range(0, flat.size, LARGEST):
        tables = np.zeros((TABLES, len(counts) + PADDING), np.uint32)
        bins = np.empty(BLOCK, np.int32)
        build(add_counts)(flat[start : start + LARGEST], factor(limit, len(counts)), tables, bins, counts)


def factor(limit: float, bins: int) -> float:
    """What |x| is multiplied by in place of the spec's division: the reciprocal, larger by about 2**-50 of itself.

    floor(|x| * factor) is the floor of the exact quotient: one that is an integer lands just above it, and any other is
    at least 2**-25 below the next integer, more than 2**12 * 2**-49 (two operands of 24 bits).
    """
    return bins / limit * (1 + 2.0**-50)


def doubled(counts: Array) -> Array:
    """The counts after the range has doubled."""
    old = counts.tolist()
    return np.array([merged_bin(old, j) for j in range(len(old))], np.int64)


def least_and_greatest(bits: Array, found: Array) -> None:
    """Of float32 patterns, int32 [n], as integers in the order of the real values: into int32 [2]."""
    low = np.int32(0x7FFFFFFF)
    high = np.int32(-0x80000000)
    for i in range(bits.shape[0]):
        ordered = np.int32(bits[i] ^ (bits[i] >> 31 & 0x7FFFFFFF))
        low = np.int32(min(low, ordered))
        high = np.int32(max(high, ordered))
    found[0] = low
    found[1] = high


def add_counts(x: Array, scale: float, tables: Array, bins: Array, counts: Array) -> None:
    """float32 [n] into int64 [bins]; tables: uint32 [8, bins or more], zeros, and bins: int32 [BLOCK], scratch.

    Eight tables, each with its own instruction, so that equal values do not wait for each other's count.
    """
    for start in range(0, x.shape[0], bins.shape[0]):
        part = x[start : start + bins.shape[0]]
        find_bins(part, scale, counts.shape[0] - 1, bins)
        whole = part.shape[0] // 8 * 8
        add_eights(bins[:whole], tables)
        for i in range(whole, part.shape[0]):
            tables[0, np.uint64(bins[i])] += np.uint32(1)
    for table in range(tables.shape[0]):
        for i in range(counts.shape[0]):
            counts[i] += tables[table, i]


def find_bins(x: Array, scale: float, last: int, bins: Array) -> None:
    """The bin of each value: float32 [n] to int32 [n or more]."""
    for i in range(x.shape[0]):
        place = np.int64(np.float64(abs(x[i])) * scale)
        bins[i] = place if place < last else last


def add_eights(bins: Array, tables: Array) -> None:
    """int32 [8 * n] into uint32 [8, bins]."""
    t0, t1, t2, t3, t4, t5, t6, t7 = (
        tables[0], tables[1], tables[2], tables[3], tables[4], tables[5], tables[6], tables[7],
    )  # fmt: skip
    one = np.uint32(1)
    for i in range(bins.shape[0] // 8):
        t0[np.uint64(bins[8 * i])] += one
        t1[np.uint64(bins[8 * i + 1])] += one
        t2[np.uint64(bins[8 * i + 2])] += one
        t3[np.uint64(bins[8 * i + 3])] += one
        t4[np.uint64(bins[8 * i + 4])] += one
        t5[np.uint64(bins[8 * i + 5])] += one
        t6[np.uint64(bins[8 * i + 6])] += one
        t7[np.uint64(bins[8 * i + 7])] += one

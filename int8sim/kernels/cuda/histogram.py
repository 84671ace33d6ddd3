"""Extremes and histograms of |x| on the device; what is counted, and how, is in kernels/cpu/histogram.py."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cpu.histogram import factor, real_ends
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, place
from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.cuda.ptx import shared_words
from int8sim.model.step import Array

THREADS = 256
EACH = 16
"""Values of a thread at least, while there are fewer than BLOCKS blocks."""
BLOCKS = 1024
LARGEST_BINS = 1 << 12
LARGEST = 1 << 30
"""Values per launch, so that no block's 32-bit count can overflow."""


def extremes(values: DeviceArray) -> tuple[float, float]:
    """As kernels/histogram.py's."""
    found = place(np.array([0x7FFFFFFF, -0x80000000], np.int32))
    bits = values.reshape(-1).view(np.int32)
    build(least_and_greatest).launch(_blocks(bits.size), THREADS, bits, found)
    return real_ends(found.fetch())


def count(values: DeviceArray, limit: float, counts: Array) -> None:
    """As kernels/histogram.py's."""
    found, flat = place(np.zeros(len(counts), np.int64)), values.reshape(-1)
    for start in range(0, flat.size, LARGEST):
        size = min(LARGEST, flat.size - start)
        build(add_counts).launch(_blocks(size), THREADS, flat, start, size, factor(limit, len(counts)), found)
    counts += found.fetch()


def _blocks(size: int) -> int:
    return min(-(-size // (THREADS * EACH)), BLOCKS)


def least_and_greatest(bits: Any, found: Any) -> None:
    """Of float32 patterns, int32 [n], as integers in the order of the real values: into int32 [2]."""
    low, high = 0x7FFFFFFF, -0x80000000
    for i in range(cuda.grid(1), bits.shape[0], cuda.gridsize(1)):
        pattern = as_int(bits[i])
        ordered = pattern ^ (pattern >> 31 & 0x7FFFFFFF)
        low, high = min(low, ordered), max(high, ordered)
    cuda.atomic.min(found, 0, low)
    cuda.atomic.max(found, 1, high)


def add_counts(x: Any, start: int, size: int, scale: float, counts: Any) -> None:
    """float32 x[start : start + size] into int64 [bins]: every block in shared memory, then all blocks together."""
    bins = shared_words(LARGEST_BINS)
    last = counts.shape[0] - 1
    for b in range(cuda.threadIdx.x, counts.shape[0], cuda.blockDim.x):
        bins[b] = 0
    cuda.syncthreads()
    for i in range(cuda.grid(1), size, cuda.gridsize(1)):
        cuda.atomic.add(bins, min(int(abs(as_real(x[start + i])) * scale), last), 1)
    cuda.syncthreads()
    for b in range(cuda.threadIdx.x, counts.shape[0], cuda.blockDim.x):
        cuda.atomic.add(counts, b, as_int(bins[b]))

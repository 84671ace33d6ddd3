"""TensorRT's INT8 calibration, EntropyCalibration2 and MinMax: from the values of a tensor to its scale.

Pinned by reproducing a cache that TensorRT 7.2.2 wrote, 205 of 205 bytes, and rows of five other public tables
(TensorRT 5.1 to 10.3). Functions of a histogram take any indexable sequence: a list here, an array when compiled.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from int8sim.spec.float32 import float32

BINS = 2048
LEVELS = 128
INT8_MAX = 127


def histogram_bin(magnitude: float, limit: float) -> int:
    """The bin of |x| in BINS bins over 0 .. limit: floor(|x| * BINS / limit) in float64, `limit` itself in the last.

    magnitude, limit: float32, 0 <= magnitude <= limit, limit > 0. Rounding to the nearest bin is refuted.
    """
    return min(int(magnitude * BINS / limit), BINS - 1)


def merged_bin(counts: Sequence[int], position: int) -> int:
    """Bin `position` after the range has doubled: the pair of old bins it covers; 0 in the upper half."""
    return counts[2 * position] + counts[2 * position + 1] if 2 * position < BINS else 0


def candidate_divergence(counts: Sequence[int], bins: int) -> float:
    """The Kullback-Leibler divergence of quantizing the first `bins` bins to LEVELS levels, others clipped.

    P: the first bins, all outliers added to the last of them. Q: the first bins without outliers, bin j at level
    floor(j * LEVELS / bins), each level's mass spread evenly over its non-zero bins. Both normalised by their own sum.
    Infinite where P is positive and Q is not (outliers on an empty last bin). counts[0] is already replaced.
    """
    kept = 0
    for j in range(bins):
        kept += counts[j]
    outliers = 0
    for j in range(bins, BINS):
        outliers += counts[j]
    if kept == 0:
        return math.inf
    divergence = 0.0
    j = 0
    for level in range(LEVELS):
        end = ((level + 1) * bins + LEVELS - 1) // LEVELS
        mass = 0
        occupied = 0
        for k in range(j, end):
            mass += counts[k]
            occupied += 1 if counts[k] > 0 else 0
        for k in range(j, end):
            p = counts[k] + (outliers if k == bins - 1 else 0)
            if p > 0:
                if counts[k] == 0:
                    return math.inf
                real = p / (kept + outliers)
                divergence += real * math.log(real / (mass / occupied / kept))
        j = end
    return divergence


def entropy_bin(counts: Sequence[int]) -> int:
    """The chosen number of bins, LEVELS .. BINS: where `candidate_divergence` is least, the last of equals.

    counts: BINS numbers; bin 0 is taken as bin 1 (zeros would dominate). Real tables do not tell which of equal
    candidates wins; NVIDIA's own pytorch-quantization takes the last. BINS if no candidate is finite.
    """
    replaced = [counts[1]] + [counts[j] for j in range(1, BINS)]
    best, least = BINS, math.inf
    for bins in range(LEVELS, BINS + 1):
        divergence = candidate_divergence(replaced, bins)
        if divergence <= least and divergence < math.inf:
            best, least = bins, divergence
    return best


def entropy_scale(bins: int, limit: float) -> float:
    """float32((bins + 1/2) * limit / BINS / 127), rounded once: the threshold is the middle of the bin behind."""
    return float32((bins + 0.5) * limit / BINS / INT8_MAX)


def minmax_scale(amax: float) -> float:
    """float32(amax / 127)."""
    return float32(amax / INT8_MAX)

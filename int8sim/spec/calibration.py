"""INT8 calibration: from the histogram of a tensor's magnitudes to the number of bins kept, and to its scale.

TensorRT's EntropyCalibration2 and MinMax are pinned by reproducing a cache that TensorRT 7.2.2 wrote, 205 of 205 bytes,
and rows of five other public tables (TensorRT 5.1 to 10.3). Its legacy quantile agrees with the one public table whose
data are known. Percentile and mean squared error follow NVIDIA's pytorch-quantization
(NVIDIA/TensorRT:tools/pytorch-quantization/pytorch_quantization/calib/histogram.py, release/9.0).

A histogram is any indexable sequence of counts over 0 .. limit: a list here, an array when compiled; TensorRT's has
BINS bins.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from int8sim.spec.float32 import float32

BINS = 2048
LEVELS = 128
INT8_MAX = 127


def histogram_bin(magnitude: float, limit: float, bins: int) -> int:
    """The bin of |x| in `bins` bins over 0 .. limit: floor(|x| * bins / limit) in float64, `limit` itself in the last.

    magnitude, limit: float32, 0 <= magnitude <= limit, limit > 0. bins: a power of two up to 2**12. The float64
    quotient never reaches an integer that the exact one is below: operands of 24 bits leave at least 2**-25 between
    them. Rounding to the nearest bin is refuted by TensorRT's table.
    """
    return min(int(magnitude * bins / limit), bins - 1)


def merged_bin(counts: Sequence[int], position: int) -> int:
    """Bin `position` after the range has doubled: the pair of old bins it covers; 0 in the upper half."""
    return counts[2 * position] + counts[2 * position + 1] if 2 * position < len(counts) else 0


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
    for j in range(bins, len(counts)):
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
    """The chosen number of bins, LEVELS .. all: where `candidate_divergence` is least, the last of equals.

    Bin 0 is taken as bin 1 (zeros would dominate). Real tables do not tell which of equal candidates wins; NVIDIA's own
    pytorch-quantization takes the last. All bins if no candidate is finite.
    """
    replaced = [counts[1]] + [counts[j] for j in range(1, len(counts))]
    best, least = len(counts), math.inf
    for bins in range(LEVELS, len(counts) + 1):
        divergence = candidate_divergence(replaced, bins)
        if divergence <= least and divergence < math.inf:
            best, least = bins, divergence
    return best


def entropy_scale(bins: int, limit: float, total: int = BINS) -> float:
    """float32(threshold / 127), where threshold = float32((bins + 1/2) * limit / total), the middle of the bin behind.

    Two roundings: every row with known data has the same bits with one, but of the 22 pairs of a sum and its ReLU in
    two public ResNet tables 19 then share a range, against 13 with one and 2.4 by chance (`int8sim table explain`).
    """
    return minmax_scale((bins + 0.5) * limit / total)


def minmax_scale(amax: float) -> float:
    """float32(amax / 127) of the float32 nearest to amax."""
    return float32(float32(amax) / INT8_MAX)


def quantile_bin(counts: Sequence[int], fraction: float) -> int:
    """The first bin up to which, itself included, at least `fraction` of all values lie; 0 < fraction <= 1."""
    total = 0
    for j in range(len(counts)):
        total += counts[j]
    below = 0
    chosen = len(counts) - 1
    for j in range(len(counts) - 1):
        below += counts[j]
        if below >= fraction * total and j < chosen:
            chosen = j
    return chosen


def percentile_edge(counts: Sequence[int], fraction: float) -> int:
    """The number of the edge that percentile takes as amax: the lower one of the first bin that reaches `fraction`.

    As pytorch-quantization computes it, in its order: shares of all values summed up in float64. Where a whole number
    of values is the fraction, that rounding decides. The last edge, len(counts), where the sum stays below.
    """
    total = 0
    for j in range(len(counts)):
        total += counts[j]
    reached = 0.0
    chosen = len(counts)
    for j in range(len(counts)):
        reached += counts[j] / total
        if reached >= fraction and j < chosen:
            chosen = j
    return chosen


def quantization_noise(counts: Sequence[int], limit: float, amax: float) -> float:
    """The sum of squared errors of quantizing every value, taken at its bin's centre, to int8 with this amax > 0.

    Codes are the integers nearest to centre * 127 / amax, at most 127; with a bin's centre as amax there are no ties
    (odd * 254 is not odd). float64.
    """
    width = limit / len(counts)
    scale = INT8_MAX / amax
    noise = 0.0
    for j in range(len(counts)):
        centre = (j + 0.5) * width
        code = min(math.floor(centre * scale + 0.5), INT8_MAX)
        error = code / scale - centre
        noise += error * error * counts[j]
    return noise


def mse_bin(counts: Sequence[int], limit: float) -> int:
    """The bin, from LEVELS on, whose centre as amax gives the least noise; the first of equals."""
    width = limit / len(counts)
    best = LEVELS
    least = math.inf
    for j in range(LEVELS, len(counts)):
        noise = quantization_noise(counts, limit, (j + 0.5) * width)
        if noise < least:
            best = j
            least = noise
    return best

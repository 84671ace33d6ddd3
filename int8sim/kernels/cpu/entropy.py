"""Searches over one histogram, compiled from spec/calibration.py; the entropy search screens candidates first."""

from __future__ import annotations

import math

import numpy as np

from int8sim.kernels.compile import build
from int8sim.model.step import Array
from int8sim.spec.calibration import (
    LEVELS,
    candidate_divergence,
    mse_bin,
    percentile_edge,
    quantile_bin,
    quantization_noise,
)

LN2 = math.log(2)
SQRT_HALF_BITS = 0x3FE6A09E667F3BCD  # the pattern of sqrt(1/2): mantissas are taken in sqrt(1/2) .. sqrt(2)
MARGIN = 1e-9
"""More than twice what rounding can do to a divergence here (float64 sums of 2**12 terms, below 1e-11)."""


def divergences(counts: Array) -> Array:
    """float64 [bins - 127]: the divergence of keeping 128, 129 ... all bins of int64 [bins] counts, for a curve.

    Prefix sums give a candidate in 128 steps; they differ from the definition by rounding, less than MARGIN.
    """
    c = np.array(counts, np.int64)
    c[0] = c[1]
    share = c / max(int(c.sum()), 1)
    logs = np.log(share, out=np.zeros(len(c)), where=c > 0)
    sums = [np.concatenate(([0.0], np.cumsum(part))) for part in (share, share * logs)]
    occupied = np.concatenate(([0], np.cumsum(c > 0)))
    out = np.empty(len(c) - LEVELS + 1)
    build(screen)(share, *sums, occupied, np.log(np.maximum(np.arange(len(c) // LEVELS + 2), 1)), out)
    return out


def entropy_search(counts: Array) -> int:
    """spec.calibration.entropy_bin of int64 [bins] counts: the few best candidates are judged by the definition."""
    screened = divergences(counts)
    least = screened.min()
    if math.isinf(least):
        return len(counts)
    near = np.flatnonzero(screened <= least + MARGIN) + LEVELS
    replaced = np.array(counts, np.int64)
    replaced[0] = replaced[1]
    judge = build(candidate_divergence)
    exact = [judge(replaced, int(bins)) for bins in near]
    return int(near[len(near) - 1 - int(np.argmin(exact[::-1]))])


def quantile_search(counts: Array, fraction: float) -> int:
    """spec.calibration.quantile_bin of int64 [bins] counts."""
    return int(build(quantile_bin)(np.array(counts, np.int64), float(fraction)))


def percentile_search(counts: Array, fraction: float) -> int:
    """spec.calibration.percentile_edge of int64 [bins] counts."""
    return int(build(percentile_edge)(np.array(counts, np.int64), float(fraction)))


def mse_search(counts: Array, limit: float) -> int:
    """spec.calibration.mse_bin of int64 [bins] counts."""
    return int(build(mse_bin)(np.array(counts, np.int64), float(limit)))


def noise(counts: Array, limit: float, amax: float) -> float:
    """spec.calibration.quantization_noise of int64 [bins] counts."""
    return float(build(quantization_noise)(np.array(counts, np.int64), float(limit), float(amax)))


def screen(share: Array, mass: Array, weighted: Array, occupied: Array, log_count: Array, out: Array) -> None:
    """candidate_divergence of every candidate, by prefix sums.

    share: of each bin, of all values; mass, weighted, occupied: prefix sums of share, share * ln(share) and of whether
    a bin is occupied, one longer; log_count: ln of 0 (as 0), 1, 2 ... ; out: one per candidate.
    """
    inside = np.empty(LEVELS)
    mantissa = np.empty(LEVELS)
    logs = np.empty(LEVELS)
    used = np.empty(LEVELS, np.int64)
    for place in range(out.shape[0]):
        bins = place + LEVELS
        start = 0
        for level in range(LEVELS):
            end = ((level + 1) * bins + LEVELS - 1) // LEVELS
            used[level] = occupied[end] - occupied[start]
            inside[level] = mass[end] - mass[start] if used[level] > 0 else 1.0
            start = end
        logarithms(inside, mantissa, logs)
        levels = 0.0
        for level in range(LEVELS):
            logs[level] -= log_count[used[level]]
            levels += inside[level] * logs[level]
        out[place] = one_divergence(share, mass, weighted, occupied, bins, levels, logs[LEVELS - 1])


def one_divergence(
    share: Array, mass: Array, weighted: Array, occupied: Array, bins: int, levels: float, last_level: float
) -> float:
    """The divergence of one candidate from the sum over its levels, and from the last one, which takes the outliers."""
    total = mass[mass.shape[0] - 1]
    kept = mass[bins]
    last = share[bins - 1]
    clipped = total - kept if occupied[occupied.shape[0] - 1] > occupied[bins] else 0.0
    if occupied[bins] == 0 or (last == 0.0 and clipped > 0.0):
        return math.inf
    ratio = math.log(kept / total)
    divergence: float = weighted[bins] - levels + kept * ratio
    if clipped > 0.0:
        raised = last + clipped
        divergence += raised * (math.log(raised) - last_level + ratio)
        divergence -= last * (math.log(last) - last_level + ratio)
    return divergence


def logarithms(x: Array, mantissa: Array, out: Array) -> None:
    """ln of positive normal float64, to about 2**-50: x = 2**e * m, ln(m) = 2 atanh((m - 1) / (m + 1)). Vectorises.

    mantissa: float64 like x, scratch.
    """
    bits = x.view(np.int64)
    pattern = mantissa.view(np.int64)
    for i in range(x.shape[0]):
        exponent = (bits[i] - SQRT_HALF_BITS) >> 52
        pattern[i] = bits[i] - (exponent << 52)
        out[i] = np.float64(exponent) * LN2
    for i in range(x.shape[0]):
        s = (mantissa[i] - 1.0) / (mantissa[i] + 1.0)
        q = s * s
        series = 1 / 15 + q * (1 / 17 + q * (1 / 19 + q * (1 / 21)))
        series = 1 / 7 + q * (1 / 9 + q * (1 / 11 + q * (1 / 13 + q * series)))
        out[i] += 2.0 * s * (1.0 + q * (1 / 3 + q * (1 / 5 + q * series)))

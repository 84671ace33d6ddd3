"""From a scale back to what may have made it: the (range, bin) pairs of TensorRT's EntropyCalibration2.

The rule forward is spec/calibration.py:entropy_scale: threshold = float32((bin + 1/2) * range / 2048), scale =
float32(threshold / 127).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from int8sim.model.step import Array
from int8sim.spec.calibration import BINS, INT8_MAX, LEVELS
from int8sim.spec.float32 import float32_bits

Floats = NDArray[np.float32]

BIN = np.arange(LEVELS, BINS + 1, dtype=np.int64)
"""Every bin that the search may choose, 128 .. 2048."""
NEAR = np.arange(-4, 5, dtype=np.int32)
"""Neighbours of a range, in units of its last place: more than two roundings move a scale by."""
INFINITY_BITS = 0x7F800000


def scale_of(bins: Array, limits: Array) -> Floats:
    """float32 scales of bins and float32 ranges, arrays of one broadcast shape; infinite beyond float32."""
    with np.errstate(over="ignore"):
        thresholds = np.multiply(bins + 0.5, limits / np.float32(BINS), dtype=np.float32)
    return np.asarray(thresholds / np.float32(INT8_MAX), np.float32)


def pairs(scale: float) -> tuple[Array, Floats]:
    """Every (bin, range) that gives exactly this scale: int64 and float32 arrays, by ascending bin.

    scale: exactly float32, finite, above 0. There are about 1,700: most bins, with one range or two.
    """
    exact = np.minimum(scale * INT8_MAX * BINS / (BIN + 0.5), np.finfo(np.float32).max).astype(np.float32)
    words = exact.view(np.int32)[:, None] + NEAR
    usable = (words > 0) & (words < INFINITY_BITS)
    limits = np.where(usable, words, 1).astype(np.int32).view(np.float32)
    bins = np.broadcast_to(BIN[:, None], limits.shape)
    fits = usable & (scale_of(bins, limits) == np.float32(scale))
    return bins[fits], limits[fits]


def bin_of(scale: float, limit: float) -> tuple[int, int] | None:
    """The bin that gives this scale over 0 .. limit, and how many units of the last place it is off: -1, 0 or 1.

    None if no bin does. scale, limit: exactly float32, above 0. At most one bin can: neighbours are thousands apart.
    """
    near = round(min(scale * INT8_MAX * BINS / limit, 2.0 * BINS) - 0.5)
    if not LEVELS <= near <= BINS:
        return None
    made = scale_of(np.array([near]), np.array([limit], np.float32)).item()
    off = float32_bits(made) - float32_bits(scale)
    return (near, off) if abs(off) <= 1 else None


def limits_between(scale: float) -> tuple[float, float]:
    """The least range (bin 2048) and the greatest (bin 128) that give a scale, in float64."""
    return scale * INT8_MAX * BINS / (BINS + 0.5), scale * INT8_MAX * BINS / (LEVELS + 0.5)


def common_range(wide: float, narrow: float) -> int | None:
    """How often a range of `narrow` must double to be one of `wide`, 0 .. 2; None if no range fits both scales."""
    a, b = pairs(wide)[1], pairs(narrow)[1]
    return next((k for k in range(3) if np.isin(a, b * np.float32(2.0**k)).any()), None)

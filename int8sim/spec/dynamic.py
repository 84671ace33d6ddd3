"""Scale and zero point from the data themselves: ONNX DynamicQuantizeLinear, to uint8, float32 throughout.

Source: the ONNX specification; microsoft/onnxruntime:onnxruntime/core/quantization/quantization.h. Measured on ONNX
Runtime 1.31.1.
"""

from __future__ import annotations

from int8sim.spec.float32 import float32, half_even

LEVELS = 255


def dynamic_scale(low: float, high: float) -> float:
    """float32(high - low) / 255 of a range that is first widened to hold 0; 1.0 for 0 .. 0.

    low, high: the least and the greatest value of the data, float32.
    """
    bottom, top = min(low, 0.0), max(high, 0.0)
    return float32(float32(top - bottom) / LEVELS) if top > bottom else 1.0


def dynamic_zero_point(low: float, scale: float) -> int:
    """half_even(0 - low / scale), at most 255; low is first widened to hold 0. Where it is no number: 255."""
    if scale == 0.0:
        return LEVELS
    return half_even(min(float(LEVELS), -float32(min(low, 0.0) / scale)))


def dynamic_is_defined(low: float, high: float) -> bool:
    """Whether the ends are numbers, and the scale is finite and not 0 (a width below 2**-142 gives 0)."""
    return low <= high and 0.0 < dynamic_scale(low, high) < float("inf")

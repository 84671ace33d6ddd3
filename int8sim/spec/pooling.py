"""Averages, each engine's way: a step that gathers a window, a finish that divides."""

from __future__ import annotations

from int8sim.spec.float32 import float32, half_even
from int8sim.spec.integers import S6, S16, S32, U31, clamp
from int8sim.spec.requantize import double, left_shift_is_defined


def sum_codes(total: S32, x: S16) -> int:
    """total + x: the codes as they are."""
    return total + x


def sum_offset(total: S32, x: S16, zero_point: S16) -> int:
    """total + x - zero_point."""
    return total + x - zero_point


def sum_real(total: float, x: S16, scale: float, zero_point: S16) -> float:
    """float32 running sum of dequantized values."""
    return float32(total + float32(float32(x - zero_point) * scale))


def average_half_away(total: S32, count: U31, low: S16, high: S16) -> int:
    """total / count, half away from zero, clamped: TensorFlow Lite's AVERAGE_POOL_2D (one scale in and out).

    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/integer_ops/pooling.h.
    """
    magnitude = (abs(total) + count // 2) // count
    return clamp(-magnitude if total < 0 else magnitude, low, high)


def average_real(total: float, count: U31, scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """half_even(float32(total / count) / scale + zero_point), every step float32: ONNX Runtime's QLinearAveragePool.

    Source: microsoft/onnxruntime:onnxruntime/contrib_ops/cpu/quantization/qlinear_pool.cc.
    """
    value = float32(float32(float32(total / float32(count)) / scale) + float32(zero_point))
    return half_even(min(max(value, float32(low)), float32(high)))


def mean_rne(total: S32, count: U31, multiplier: float, zero_point: S16, low: S16, high: S16) -> int:  # noqa: ARG001
    """half_even(float32(total) * multiplier) + zero_point; the count is in the multiplier.

    ONNX Runtime's QLinearGlobalAveragePool: multiplier = float32(Xs / float32(Ys * float32(count))).
    """
    scaled = float32(float32(total) * multiplier)
    bounded = min(max(scaled, float32(low - zero_point)), float32(high - zero_point))
    return half_even(bounded) + zero_point


def mean_double(
    total: S32,
    count: U31,  # noqa: ARG001 (every finish is given it)
    multiplier: U31,
    shift: S6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """clamp(double(total) + zero_point); the count is in the multiplier. TensorFlow Lite's MEAN over height and width.

    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/integer_ops/mean.h.
    """
    return clamp(double(total, multiplier, shift) + zero_point, low, high)


def mean_double_is_defined(total: int, shift: int) -> bool:
    """Whether the 32-bit left shift keeps the total. The multiplier, divided by the count, may be any."""
    return left_shift_is_defined(total, shift)


def average_dequantized(total: S32, count: U31, from_scale: float, scale: float, low: S16, high: S16) -> int:
    """The Q/DQ formula, zero points 0: quantize(float32(total * from_scale) / count), float32, half even."""
    mean = float32(float32(float32(total) * from_scale) / float32(count))
    return half_even(min(max(float32(mean / scale), float32(low)), float32(high)))

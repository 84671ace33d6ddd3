"""Quantize and dequantize: real = (code - zero_point) * scale, and the rules by which ranges become scales.

Symmetric: zero_point 0. Asymmetric: the range is widened to hold 0, and the zero point is an integer code, so that real
zero has a code of its own (padding and ReLU need it). Narrow range leaves out the lowest signed code: -127 .. 127.
"""

from __future__ import annotations

from int8sim.spec.float32 import float32, half_even
from int8sim.spec.integers import S16, S32, clamp


def symmetric_scale(amax: float, high: int) -> float:
    """float32(amax / high): the scale at which amax is the code `high` (127). amax >= 0 in float64 or float32."""
    return float32(amax / high)


def asymmetric_scale(low: float, high: float, levels: int) -> float:
    """float32((high - low) / levels) for a real range that is first widened to hold 0. levels: 255 for 8 bits.

    1.0 for an empty range.
    """
    width = (max(high, 0.0) - min(low, 0.0)) / levels
    return float32(width) if width > 0.0 else 1.0


def zero_point_half_even(low: float, scale: float, qmin: int, qmax: int) -> int:
    """clamp(half_even(qmin - low / scale)) in float64: ONNX Runtime's rule.

    Source: microsoft/onnxruntime:onnxruntime/python/tools/quantization/quant_utils.py, compute_scale_zp.
    """
    return clamp(round(qmin - min(low, 0.0) / scale), qmin, qmax)


def zero_point_nudged(low: float, high: float, scale: float, qmin: int, qmax: int) -> int:
    """TensorFlow Lite's rule: from whichever end of the range gives the smaller error, half away, clamped.

    Source: tensorflow/tensorflow:tensorflow/lite/tools/optimize/quantization_utils.cc, GetAsymmetricQuantizationParams.
    """
    bottom, top = min(low, 0.0) / scale, max(high, 0.0) / scale
    by_low, by_high = qmin - bottom, qmax - top
    real = by_low if abs(qmin) + abs(bottom) < abs(qmax) + abs(top) else by_high
    return clamp(half_away_float(real), qmin, qmax)


def half_away_float(value: float) -> int:
    """The integer nearest to a finite float, ties away from zero: C's round()."""
    nearest = round(value)
    if value - nearest == 0.5 and value > 0:
        return nearest + 1
    if value - nearest == -0.5 and value < 0:
        return nearest - 1
    return nearest


def half_away_float32(value: float) -> int:
    """The integer nearest to a float32 below 2**31, ties away from zero: C's roundf()."""
    nearest = half_even(value)
    gap = float32(value - float32(nearest))
    if gap == 0.5 and value > 0.0:
        return nearest + 1
    if gap == -0.5 and value < 0.0:
        return nearest - 1
    return nearest


def quantize_half_even(real: float, scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """saturate(half_even(real / scale) + zero_point), a float32 division. ONNX QuantizeLinear, TensorRT's Q.

    Multiplying by 1 / scale instead gives other codes. The clamp comes before the rounding, so that huge values and
    infinities saturate.
    """
    scaled = float32(real / scale)
    return half_even(min(max(scaled, float32(low - zero_point)), float32(high - zero_point))) + zero_point


def quantize_half_away(real: float, scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """saturate(half_away(real / scale) + zero_point), a float32 division. TensorFlow Lite's QUANTIZE and weights.

    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/quantize.h.
    """
    scaled = float32(real / scale)
    bounded = min(max(scaled, float32(low - zero_point)), float32(high - zero_point))
    return half_away_float32(bounded) + zero_point


def quantize_half_up(real: float, reciprocal: float, low: S32, high: S32) -> int:
    """clamp(floor(real * reciprocal + 0.5)) in float32: NVDLA's compiler, for weights, input bytes and biases.

    It multiplies by float32(1 / scale). Source: nvdla/sw:umd/core/src/compiler/WeightTranslationUnit.h.
    """
    value = float32(float32(real * reciprocal) + float32(0.5))
    bounded = min(max(value, float32(low)), float32(high))
    nearest = half_even(bounded)
    return nearest - (float32(nearest) > bounded)


def dequantize(code: S32, scale: float, zero_point: S16) -> float:
    """float32((code - zero_point) * scale)."""
    return float32(float32(code - zero_point) * scale)


def clamp_code(code: S16, low: S16, high: S16) -> int:
    """The code, clamped: ReLU and Clip between tensors of one scale and zero point."""
    return clamp(code, low, high)

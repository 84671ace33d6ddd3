"""Quantize and dequantize: real = (code - zero_point) * scale, and the rules by which ranges become scales.

Symmetric: zero_point 0. Asymmetric: the range is widened to hold 0, and the zero point is an integer code, so that real
zero has a code of its own (padding and ReLU need it). Narrow range leaves out the lowest signed code: -127 .. 127.
"""

from __future__ import annotations

from int8sim.spec.float32 import float32, half_even
from int8sim.spec.integers import S16, S32, clamp, wrap

SMALLEST_NORMAL = 2.0**-126  # of float32


def symmetric_scale(amax: float, high: int) -> float:
    """float32(amax / high): the scale at which amax is the code `high` (127). amax >= 0 in float64 or float32."""
    return float32(amax / high)


def asymmetric_scale(low: float, high: float, levels: int) -> float:
    """(high - low) / levels in float64, for a range that is first widened to hold 0; 1.0 for an empty one.

    levels: 255 for 8 bits. Source: microsoft/onnxruntime:onnxruntime/python/tools/quantization/quant_utils.py,
    compute_scale_zp (the scale is rounded to float32 after the zero point is derived from it).
    """
    width = (max(high, 0.0) - min(low, 0.0)) / levels
    return width if width >= SMALLEST_NORMAL else 1.0


def zero_point_half_even(low: float, scale: float, qmin: int, qmax: int) -> int:
    """clamp(half_even(qmin - low / scale)), in float64 with the unrounded scale: ONNX Runtime's rule (same source)."""
    return clamp(round(qmin - min(low, 0.0) / scale), qmin, qmax)


def asymmetric_scale_float32(low: float, high: float, levels: int) -> float:
    """The same in float32 throughout: TensorFlow Lite's converter. low, high: float32; 1.0 for an empty range.

    Source: google-ai-edge/LiteRT:tflite/tools/optimize/quantization_utils.cc, GetAsymmetricQuantizationParams.
    """
    width = float32(float32(max(high, 0.0) - min(low, 0.0)) / float32(levels))
    return width if width > 0.0 else 1.0


def zero_point_half_away(low: float, scale: float, qmin: int, qmax: int) -> int:
    """clamp(half_away(qmin - low / scale)) in float32: TensorFlow Lite's converter (same source)."""
    real = float32(float32(qmin) - float32(min(low, 0.0) / scale))
    return clamp(half_away_float32(min(max(real, float32(qmin)), float32(qmax))), qmin, qmax)


def half_away_float32(value: float) -> int:
    """The integer nearest to a float32 below 2**62, ties away from zero: C's roundf()."""
    whole = int(value)
    rest = value - float32(whole)
    return whole + (1 if rest >= 0.5 else 0) - (1 if rest <= -0.5 else 0)


def quantize_half_even(real: float, scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """saturate(half_even(real / scale) + zero_point), a float32 division. ONNX QuantizeLinear, TensorRT's Q.

    Multiplying by 1 / scale instead gives other codes. The clamp comes before the rounding, so that huge values and
    infinities saturate. NaN gives `low` (measured on ONNX Runtime 1.31.1).
    """
    scaled = float32(real / scale)
    if scaled != scaled:
        return low
    return half_even(min(max(scaled, float32(low - zero_point)), float32(high - zero_point))) + zero_point


def quantize_half_away(real: float, scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """clamp(half_away(real / scale) + zero_point), a float32 division: TensorFlow Lite's QUANTIZE.

    A quotient beyond int32, an infinity and NaN become -2**31, as a C cast on x86 makes them, and the sum wraps: so
    they end at `low` for a zero point >= 0 and at `high` below it; a quotient of 2**31 - 128 and one of 128 at `low`.
    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/quantize.h; measured on LiteRT 2.3.0.
    """
    scaled = float32(real / scale)
    beyond = scaled >= float32(2147483648.0) or scaled < float32(-2147483648.0) or scaled != scaled
    whole = -(1 << 31) if beyond else half_away_float32(scaled)
    return clamp(wrap(whole + zero_point, 32), low, high)


def quantize_half_away_is_defined(real: float, scale: float) -> bool:
    """Whether the quotient is finite and fits int32."""
    return abs(real / scale) < (1 << 31) - 1 if real == real and abs(real) != float("inf") else False


def quantize_weight_half_away(real: float, reciprocal: float, low: S16, high: S16) -> int:
    """clamp(half_away(real * reciprocal)), a float32 product: TensorFlow Lite's converter, for weights and biases.

    reciprocal: float32(127 / amax) for weights, float32(1 / scale) for biases. Source: quantization_utils.cc, as above.
    """
    product = float32(real * reciprocal)
    bounded = min(max(product, float32(low)), float32(high))
    return clamp(half_away_float32(bounded), low, high)


def quantize_half_up(real: float, reciprocal: float, low: S16, high: S16) -> int:
    """clamp(floor(real * reciprocal + 0.5)) in float32: NVDLA's compiler, for weights, input bytes and biases.

    It multiplies by float32(1 / scale). Biases take the bounds of int32, which are made here and not in a kernel.
    Source: nvdla/sw:umd/core/src/compiler/WeightTranslationUnit.h.
    """
    value = float32(float32(real * reciprocal) + float32(0.5))
    bounded = min(max(value, float32(low)), float32(high))
    nearest = half_even(bounded)
    return min(nearest - (float32(nearest) > bounded), high)  # float32(2**31 - 1) is 2**31


def dequantize(code: S32, scale: float, zero_point: S16) -> float:
    """float32((code - zero_point) * scale)."""
    return float32(float32(code - zero_point) * scale)


def clamp_code(code: S16, low: S16, high: S16) -> int:
    """The code, clamped: ReLU and Clip between tensors of one scale and zero point."""
    return clamp(code, low, high)


def bound_code(bound: float, scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """The code of a ReLU's or Clip's real bound: zero_point + half_away(bound / scale), clamped to low .. high.

    Source: tensorflow/tensorflow:tensorflow/lite/kernels/kernel_util.cc, CalculateActivationRangeQuantized.
    """
    ratio = min(max(float32(bound / scale), float32(low - zero_point)), float32(high - zero_point))
    return half_away_float32(ratio) + zero_point

"""TensorFlow Lite's functions of one code or of two, 8-bit codes in and out.

LiteRT computes LOGISTIC and TANH by C's float functions, once for each of the 256 codes; TensorFlow Lite Micro in
gemmlowp's fixed point. Everything else is one arithmetic in both. Sources:
tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/ and google-ai-edge/LiteRT:tflite/kernels/.
"""

from __future__ import annotations

from int8sim.spec import gemmlowp
from int8sim.spec.activations import tanh
from int8sim.spec.affine import half_away_float32
from int8sim.spec.float32 import exp_binary64, float32
from int8sim.spec.integers import S6, S8, S9, S16, S32, U15, U31, clamp, saturate
from int8sim.spec.requantize import double, double_is_defined
from int8sim.spec.rounding import Rounding, shift_right

INT8_MIN, INT8_MAX = -128, 127
EXP_END = 105.0  # beyond it exp is 0 or infinite in float32
LIBRARY_ERROR = 2.0**-22  # how far C's expf and tanhf may be from the exact value, relatively
LARGEST = 65536.0  # beyond every code


def multiply_double(
    a: S9, b: S9, a_zero_point: S9, b_zero_point: S9, multiplier: U31, shift: S6, zero_point: S16, low: S16, high: S16
) -> int:
    """clamp(double((a - a_zero_point) * (b - b_zero_point)) + zero_point): MUL. Source: integer_ops/mul.h."""
    return clamp(double((a - a_zero_point) * (b - b_zero_point), multiplier, shift) + zero_point, low, high)


def multiply_double_is_defined(
    a: int, b: int, a_zero_point: int, b_zero_point: int, multiplier: int, shift: int
) -> bool:
    """Whether the shifted product fits 32 bits."""
    return double_is_defined((a - a_zero_point) * (b - b_zero_point), multiplier, shift)


def requantize_double(
    x: S16, from_zero_point: S16, multiplier: U31, shift: S6, zero_point: S16, low: S16, high: S16
) -> int:
    """clamp(double(x - from_zero_point) + zero_point): QUANTIZE of codes. Source: requantize.h."""
    return clamp(double(x - from_zero_point, multiplier, shift) + zero_point, low, high)


def requantize_double_is_defined(x: int, from_zero_point: int, multiplier: int, shift: int) -> bool:
    """Whether the shifted difference fits 32 bits."""
    return double_is_defined(x - from_zero_point, multiplier, shift)


def leaky_relu_double(
    x: S16,
    from_zero_point: S16,
    multiplier: U31,
    shift: S6,
    slope_multiplier: S32,
    slope_shift: S6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """LEAKY_RELU: one multiplier from the zero point up, another below. Source: leaky_relu.h.

    A negative slope has the multiplier of its magnitude, the sign with it, and the rounded product is negated: measured
    on LiteRT 2.3.0 and tflite-micro 0.dev20261023 at exact ties.
    """
    difference = x - from_zero_point
    if difference >= 0:
        scaled = double(difference, multiplier, shift)
    else:
        magnitude = double(difference, abs(slope_multiplier), slope_shift)
        scaled = magnitude if slope_multiplier >= 0 else -magnitude
    return clamp(scaled + zero_point, low, high)


def leaky_relu_double_is_defined(
    x: int, from_zero_point: int, multiplier: int, shift: int, slope_multiplier: int, slope_shift: int
) -> bool:
    """Whether the shifted difference fits 32 bits."""
    difference = x - from_zero_point
    if difference >= 0:
        return double_is_defined(difference, multiplier, shift)
    return double_is_defined(difference, abs(slope_multiplier), slope_shift)


def prelu_double(
    x: S9,
    slope: S9,
    from_zero_point: S9,
    slope_zero_point: S9,
    multiplier: U31,
    shift: S6,
    slope_multiplier: U31,
    slope_shift: S6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """PRELU: one multiplier from the zero point up, another, of the product with the slope, below. Source: prelu.h."""
    difference = x - from_zero_point
    if difference >= 0:
        scaled = double(difference, multiplier, shift)
    else:
        scaled = double(difference * (slope - slope_zero_point), slope_multiplier, slope_shift)
    return clamp(scaled + zero_point, low, high)


def prelu_double_is_defined(
    x: int,
    slope: int,
    from_zero_point: int,
    slope_zero_point: int,
    multiplier: int,
    shift: int,
    slope_multiplier: int,
    slope_shift: int,
) -> bool:
    """Whether the shifted difference, or product, fits 32 bits."""
    difference = x - from_zero_point
    if difference >= 0:
        return double_is_defined(difference, multiplier, shift)
    return double_is_defined(difference * (slope - slope_zero_point), slope_multiplier, slope_shift)


def narrow_multiplier(multiplier: U31) -> int:
    """A 31-bit multiplier as 15 bits, half up, saturated: DownScaleInt32ToInt16Multiplier."""
    return min((multiplier + (1 << 15)) >> 16, (1 << 15) - 1)


def hard_swish_fixed(
    x: S9,
    from_zero_point: S9,
    multiplier: U15,
    shift: S6,
    gate_multiplier: U15,
    gate_shift: S6,
    zero_point: S8,
    low: S16,
    high: S16,
) -> int:
    """HARD_SWISH: x * gate in 16-bit words, where the gate is (x + 3) / 6 between 0 and 1 - 2**-15.

    The input, shifted left by 7, is scaled to the output but for the shift, half up; times the gate, truncated; then
    shifted right, half away. shift: 0 .. 31, of the first; gate_shift: of the scale at which 3.0 is 2**15.
    Source: hard_swish.h.
    """
    fine = (x - from_zero_point) << 7
    scaled = shift_right(fine * multiplier, 15, Rounding.HALF_UP)
    product = shift_right(scaled * _gate(fine, gate_multiplier, gate_shift), 15, Rounding.TOWARD_ZERO)
    return clamp(_divide_16(product, shift) + zero_point, low, high)


def _gate(fine: int, multiplier: int, shift: int) -> int:
    """(x + 3) / 6 as a 15-bit fraction, saturated; the last bit of a left shift comes after the multiplication."""
    wide = saturate(fine << (-shift - 1), 16) if shift < 0 else fine
    scaled = shift_right(wide * multiplier, 15, Rounding.HALF_UP)
    ratio = saturate(scaled << 1, 16) if shift < 0 else _divide_16(scaled, shift)
    return (ratio + (1 << 15)) >> 1


def _divide_16(value: int, shift: int) -> int:
    """value / 2**shift, half away: gemmlowp's RoundingDivideByPOT of 16-bit words.

    From 16 on its mask of the remainder, cut to 16 bits, is -1: any value becomes 1 or, below 0, -1.
    """
    if shift > 15:
        return 1 if value >= 0 else -1
    return shift_right(value, shift, Rounding.HALF_AWAY)


def logistic_fixed(x: S9, from_zero_point: S9, multiplier: U31, shift: S6, radius: S32, low: S16, high: S16) -> int:
    """TensorFlow Lite Micro's LOGISTIC: scale 1/256, zero point -128.

    multiplier, shift: of the input scale * 2**27, shift -31 .. 0. From radius on, and down from -radius, the ends.
    Source: integer_ops/logistic.h.
    """
    difference = x - from_zero_point
    if difference <= -radius:
        return clamp(INT8_MIN, low, high)
    if difference >= radius:
        return clamp(INT8_MAX, low, high)
    share = gemmlowp.logistic(double(difference, multiplier, shift))
    return clamp(min(shift_right(share, 23, Rounding.HALF_AWAY) + INT8_MIN, INT8_MAX), low, high)


def logistic_fixed_is_defined(x: int, from_zero_point: int, multiplier: int, shift: int, radius: int) -> bool:
    """Whether the shifted difference fits 32 bits; beyond the radius nothing is shifted."""
    difference = x - from_zero_point
    return abs(difference) >= radius or double_is_defined(difference, multiplier, shift)


def tanh_fixed_is_defined(x: int, from_zero_point: int, multiplier: int, shift: int, radius: int) -> bool:
    """As `logistic_fixed`."""
    return logistic_fixed_is_defined(x, from_zero_point, multiplier, shift, radius)


def tanh_fixed(x: S9, from_zero_point: S9, multiplier: U31, shift: S6, radius: S32, low: S16, high: S16) -> int:
    """TensorFlow Lite Micro's TANH: scale 1/128, zero point 0; the rest as in `logistic_fixed`.

    Source: integer_ops/tanh.h.
    """
    difference = x - from_zero_point
    if difference <= -radius:
        return clamp(INT8_MIN, low, high)
    if difference >= radius:
        return clamp(INT8_MAX, low, high)
    ratio = gemmlowp.tanh(double(difference, multiplier, shift))
    return clamp(min(shift_right(ratio, 24, Rounding.HALF_AWAY), INT8_MAX), low, high)


def logistic_table(
    x: S9, scale: float, from_zero_point: S9, inverse_scale: float, zero_point: S9, low: S16, high: S16
) -> int:
    """LiteRT's LOGISTIC of one code: 1 / (1 + expf(-x)), times float32(1 / output scale), half away; float32 steps.

    expf as the nearest float32. Source: google-ai-edge/LiteRT:tflite/kernels/internal/common.h, LUTPopulate.
    """
    return _code(_logistic(_real(x, scale, from_zero_point), 0.0), inverse_scale, zero_point, low, high)


def logistic_table_is_defined(
    x: int, scale: float, from_zero_point: int, inverse_scale: float, zero_point: int, low: int, high: int
) -> bool:
    """Whether every expf within 2**-22 of the exact value gives one code, and the product fits int32."""
    real = _real(x, scale, from_zero_point)
    ends = [_logistic(real, error) for error in (-LIBRARY_ERROR, LIBRARY_ERROR)]
    return _is_one_code(ends, inverse_scale, zero_point, low, high)


def tanh_table(
    x: S9, scale: float, from_zero_point: S9, inverse_scale: float, zero_point: S9, low: S16, high: S16
) -> int:
    """LiteRT's TANH of one code: tanhf(x), times float32(1 / output scale), half away, each step float32.

    tanhf as the nearest float32. Source as in `logistic_table`.
    """
    return _code(tanh(_real(x, scale, from_zero_point)), inverse_scale, zero_point, low, high)


def tanh_table_is_defined(
    x: int, scale: float, from_zero_point: int, inverse_scale: float, zero_point: int, low: int, high: int
) -> bool:
    """Whether every tanhf within 2**-22 of the exact value gives one code, and the product fits int32."""
    value = tanh(_real(x, scale, from_zero_point))
    ends = [float32(value * (1.0 + error)) for error in (-LIBRARY_ERROR, LIBRARY_ERROR)]
    return _is_one_code(ends, inverse_scale, zero_point, low, high)


def _real(x: int, scale: float, zero_point: int) -> float:
    return float32(scale * float32(x - zero_point))


def _logistic(real: float, error: float) -> float:
    """1 / (1 + expf(-real)), where expf is off by a factor 1 + error."""
    power = exp_binary64(min(max(-real * 1.0, -EXP_END), EXP_END))
    return float32(1.0 / float32(1.0 + float32(power * (1.0 + error))))


def _code(real: float, inverse_scale: float, zero_point: int, low: int, high: int) -> int:
    bounded = min(max(float32(real * inverse_scale), float32(-LARGEST)), float32(LARGEST))
    return clamp(half_away_float32(bounded) + zero_point, low, high)


def _is_one_code(reals: list[float], inverse_scale: float, zero_point: int, low: int, high: int) -> bool:
    codes = {_code(real, inverse_scale, zero_point, low, high) for real in reals}
    return len(codes) == 1 and all(abs(real * inverse_scale) < 1 << 31 for real in reals)

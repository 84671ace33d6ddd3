"""Integer softmax over a row of codes: exponentials of the differences to the maximum, their sum, the quotients."""

from __future__ import annotations

from int8sim.spec.float32 import float32, half_even
from int8sim.spec.integers import S6, S9, S16, S32, U31, clamp, leading_zeros_32, wrap
from int8sim.spec.requantize import double, high_multiply
from int8sim.spec.rounding import Rounding, shift_right

# gemmlowp's fixed point: a raw 32-bit word with k integer bits is the real raw / 2**(31 - k).
ONE_QUARTER_Q26 = 1 << 24  # 1/4 with 5 integer bits
EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8), 0 integer bits
ONE_THIRD = 715827883
INT32_MAX = (1 << 31) - 1
SUM_INTEGER_BITS = 12
FORTY_EIGHT_SEVENTEENTHS = 1515870810  # 48/17 with 2 integer bits
MINUS_THIRTY_TWO_SEVENTEENTHS = -1010580540


def _product(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul for operands of any sign (never both the minimum)."""
    return shift_right(a * b, 31, Rounding.HALF_UP)


def _barrel(result: int, remainder: int, bit: int, factor: int) -> int:
    return _product(result, factor) if remainder & (1 << bit) else result


def exp_on_negative_values(a: S32) -> int:
    """exp(a) with 0 integer bits, for a <= 0 with 5 integer bits: gemmlowp's exp_on_negative_values.

    The fraction in [-1/4, 0) by a polynomial around -1/8, the rest by one factor per set bit.
    Source: google/gemmlowp:fixedpoint/fixedpoint.h.
    """
    fraction = (a & (ONE_QUARTER_Q26 - 1)) - ONE_QUARTER_Q26
    x = (fraction << 5) + (1 << 28)
    x2 = _product(x, x)
    x3 = _product(x2, x)
    x4 = _product(x2, x2)
    quarter = shift_right(x4, 2, Rounding.HALF_AWAY)
    tail = shift_right(_product(quarter + x3, ONE_THIRD) + x2, 1, Rounding.HALF_AWAY)
    result = EXP_MINUS_EIGHTH + _product(EXP_MINUS_EIGHTH, x + tail)
    remainder = fraction - a
    result = _barrel(result, remainder, 24, 1672461947)
    result = _barrel(result, remainder, 25, 1302514674)
    result = _barrel(result, remainder, 26, 790015084)
    result = _barrel(result, remainder, 27, 290630308)
    result = _barrel(result, remainder, 28, 39332535)
    result = _barrel(result, remainder, 29, 720401)
    result = _barrel(result, remainder, 30, 242)
    return INT32_MAX if a == 0 else result


def tflite_exponential(difference: S9, multiplier: U31, shift: S6, difference_min: S32) -> int:
    """exp of a difference of codes (<= 0) with 0 integer bits; 0 below difference_min, where the engine leaves it out.

    multiplier, shift: of beta * input scale * 2**26. Source:
    tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/softmax.h.
    """
    if difference < difference_min:
        return 0
    return exp_on_negative_values(double(difference, multiplier, shift))


def tflite_sum(total: S32, exponential: U31) -> int:
    """total + exponential rescaled to 12 integer bits, half away."""
    return total + shift_right(exponential, SUM_INTEGER_BITS, Rounding.HALF_AWAY)


def tflite_quotient(exponential: U31, total: U31, low: S16, high: S16) -> int:
    """exponential / total at scale 1/256 and zero point `low`, clamped.

    1 / total by three Newton steps (gemmlowp's one_over_one_plus_x_for_x_in_0_1), then one rounding shift.
    """
    headroom = leading_zeros_32(total)
    reciprocal = _one_over_one_plus((total << headroom) - (1 << 31))
    bits_over_unit = SUM_INTEGER_BITS - headroom
    quotient = shift_right(high_multiply(exponential, reciprocal), bits_over_unit + 31 - 8, Rounding.HALF_AWAY)
    return clamp(quotient + low, low, high)


def _one_over_one_plus(a: int) -> int:
    """1 / (1 + a) with 0 integer bits, for 0 <= a < 1 with 0 integer bits."""
    half_denominator = shift_right(a + INT32_MAX, 1, Rounding.HALF_AWAY)
    x = FORTY_EIGHT_SEVENTEENTHS + _product(half_denominator, MINUS_THIRTY_TWO_SEVENTEENTHS)
    x = _newton(x, half_denominator)
    x = _newton(x, half_denominator)
    x = _newton(x, half_denominator)
    return min(x << 1, INT32_MAX)


def _newton(x: int, half_denominator: int) -> int:
    one_minus = (1 << 29) - _product(half_denominator, x)
    return x + (_product(x, one_minus) << 2)


def table_exponential(difference: S9, table: list[float]) -> float:
    """ONNX Runtime's QLinearSoftmax: table[255 + difference], float32, the greatest code at 255.

    Source: microsoft/onnxruntime:onnxruntime/contrib_ops/cpu/quantization/qlinear_softmax.cc.
    """
    return table[255 + difference]


def table_sum(total: float, exponential: float) -> float:
    """float32 running sum."""
    return float32(total + exponential)


def table_quotient(exponential: float, total: float, inverse_scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """clamp(half_even(float32(exponential * inverse_scale) / total) + zero_point), each step float32.

    inverse_scale: floor(float32(1 / output scale)). A product beyond float32 (a row of one value) leaves int32: uint8
    ends at the zero point, int8 where -2**31 + zero_point wraps to; measured on ONNX Runtime 1.31.1, x86.
    """
    quotient = float32(float32(exponential * inverse_scale) / total)
    if quotient >= float32(2147483648.0):
        return zero_point if low >= 0 else clamp(wrap(-(1 << 31) + zero_point, 32), low, high)
    return clamp(half_even(quotient) + zero_point, low, high)


def table_quotient_is_defined(exponential: float, total: float, inverse_scale: float) -> bool:
    """Whether the quotient fits int32."""
    return float32(float32(exponential * inverse_scale) / total) < 1 << 31

"""Integer softmax over a row of codes: exponentials of the differences to the maximum, their sum, the quotients."""

from __future__ import annotations

from int8sim.spec.float32 import float32, half_even
from int8sim.spec.gemmlowp import exp_on_negative_values, one_over_one_plus
from int8sim.spec.integers import S6, S9, S16, S32, U31, clamp, leading_zeros_32, wrap
from int8sim.spec.requantize import double, double_is_defined, high_multiply
from int8sim.spec.rounding import Rounding, shift_right

SUM_INTEGER_BITS = 12
DIFFERENCE_INTEGER_BITS = 5


def tflite_exponential(difference: S9, multiplier: U31, shift: S6, difference_min: S32) -> int:
    """exp of a difference of codes (<= 0) with 0 integer bits; 0 below difference_min, where the engine leaves it out.

    multiplier, shift: of beta * input scale * 2**26. Source:
    tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/softmax.h.
    """
    if difference < difference_min:
        return 0
    return exp_on_negative_values(double(difference, multiplier, shift), DIFFERENCE_INTEGER_BITS)


def tflite_exponential_is_defined(difference: int, multiplier: int, shift: int, difference_min: int) -> bool:
    """Whether `double` is; what lies below difference_min is never scaled."""
    return difference < difference_min or double_is_defined(difference, multiplier, shift)


def tflite_sum(total: S32, exponential: U31) -> int:
    """total + exponential rescaled to 12 integer bits, half away."""
    return total + shift_right(exponential, SUM_INTEGER_BITS, Rounding.HALF_AWAY)


def tflite_quotient(exponential: U31, total: U31, low: S16, high: S16) -> int:
    """exponential / total at scale 1/256 and zero point `low`, clamped.

    1 / total by three Newton steps (gemmlowp's one_over_one_plus_x_for_x_in_0_1), then one rounding shift.
    """
    headroom = leading_zeros_32(total)
    reciprocal = one_over_one_plus((total << headroom) - (1 << 31))
    bits_over_unit = SUM_INTEGER_BITS - headroom
    quotient = shift_right(high_multiply(exponential, reciprocal), bits_over_unit + 31 - 8, Rounding.HALF_AWAY)
    return clamp(quotient + low, low, high)


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
    ends at the zero point, int8 where -2**31 + zero_point wraps to; measured on ONNX Runtime 1.31.1, x86. Undefined:
    1.32.0 gives 255 for uint8.
    """
    quotient = float32(float32(exponential * inverse_scale) / total)
    if quotient >= float32(2147483648.0):
        return zero_point if low >= 0 else clamp(wrap(-(1 << 31) + zero_point, 32), low, high)
    return clamp(half_even(quotient) + zero_point, low, high)


def table_quotient_is_defined(exponential: float, total: float, inverse_scale: float) -> bool:
    """Whether the quotient fits int32."""
    return float32(float32(exponential * inverse_scale) / total) < 1 << 31

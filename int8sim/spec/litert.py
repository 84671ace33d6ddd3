"""LiteRT's optimized kernels where they are not its reference kernels: a vector loop, and a scalar loop for the rest.

The vector loop takes 8 or 16 elements at a time, the scalar loop behind it the size modulo 8 or 16 elements that are
left; they do not round alike. So a code depends on where it lies: functions with `place` and `size` are told the
element's index in the tensor as stored (channels last, batch included) and how many elements that has; for the others
`vector` says which loop the channel is in. Sources: google-ai-edge/LiteRT:tflite/kernels/internal/optimized/, as built
for x86 through NEON_2_SSE; measured on ai-edge-litert 2.3.0.
"""

from __future__ import annotations

from int8sim.spec.affine import dequantize
from int8sim.spec.eltwise import ADD_LEFT_SHIFT, add_double, add_double_is_defined
from int8sim.spec.float32 import float32, half_even
from int8sim.spec.integers import S6, S8, S9, S16, S32, U1, U31, clamp, clamp_offset, saturate, wrap
from int8sim.spec.requantize import double, double_is_defined, double_up, high_multiply
from int8sim.spec.rounding import Rounding, shift_right
from int8sim.spec.tflite_elementwise import multiply_double

REAL_LANES = 8  # of QUANTIZE and DEQUANTIZE, and channels of DEPTHWISE_CONV_2D
CODE_LANES = 16  # of ADD, MUL and QUANTIZE of codes, and channels of MEAN
OVERFLOW = -(1 << 31)  # what x86 makes of a float that does not fit int32


def in_vector_loop(place: U31, size: U31, lanes: U31) -> bool:
    """Whether an element lies before the last size modulo lanes ones; lanes: a power of two."""
    return place < (size & -lanes)


def output_lanes(acc: S32, multiplier: U31, shift: S6, vector: U1, zero_point: S16, low: S16, high: S16) -> int:
    """clamp(scaled acc + zero_point), scaled by `double_up` in the vector loop and by `double` in the scalar one.

    DEPTHWISE_CONV_2D. Source: integer_ops/depthwise_conv.h.
    """
    scaled = double_up(acc, multiplier, shift) if vector else double(acc, multiplier, shift)
    return clamp_offset(scaled, zero_point, low, high)


def output_lanes_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """Whether the shifted accumulator fits 32 bits."""
    return double_is_defined(acc, multiplier, shift)


def mean_lanes(
    total: S32,
    count: U31,  # noqa: ARG001 (every finish is given it)
    multiplier: U31,
    shift: S6,
    vector: U1,
    bias: S32,
    low: S16,
    high: S16,
) -> int:
    """`output_lanes` of a sum of codes; bias: the output's zero point less the input's, scaled. MEAN.

    Source: integer_ops/mean.h.
    """
    scaled = double_up(total, multiplier, shift) if vector else double(total, multiplier, shift)
    return clamp(scaled + bias, low, high)


def mean_lanes_is_defined(total: int, multiplier: int, shift: int) -> bool:
    """Whether the shifted sum fits 32 bits."""
    return double_is_defined(total, multiplier, shift)


def requantize_lanes(
    x: S9,
    place: U31,
    size: U31,
    from_zero_point: S9,
    multiplier: U31,
    shift: S6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """QUANTIZE of codes: clamp(scaled (x - from_zero_point) + zero_point), scaled as in `output_lanes`.

    Source: optimized_ops.h, Requantize.
    """
    vector = in_vector_loop(place, size, CODE_LANES)
    return output_lanes(x - from_zero_point, multiplier, shift, vector, zero_point, low, high)


def requantize_lanes_is_defined(x: int, from_zero_point: int, multiplier: int, shift: int) -> bool:
    """Whether the shifted difference fits 32 bits."""
    return double_is_defined(x - from_zero_point, multiplier, shift)


def quantize_lanes(
    real: float, place: U31, size: U31, scale: float, inverse_scale: float, zero_point: S16, low: S16, high: S16
) -> int:
    """QUANTIZE: half_even(real * inverse_scale) in float32; in the scalar loop half_away(real / scale) in float64.

    inverse_scale: float32(1 / scale). Beyond int32 both are -2**31, and the sum with the zero point wraps.
    Source: optimized_ops.h, AffineQuantize.
    """
    if in_vector_loop(place, size, REAL_LANES):
        product = float32(real * inverse_scale)
        nearest = half_even(product) if _fits(product) else OVERFLOW
    else:
        quotient = real * 1.0 / scale
        nearest = _half_away(quotient) if _fits(quotient) else OVERFLOW
    return clamp(wrap(nearest + zero_point, 32), low, high)


def quantize_lanes_is_defined(real: float, scale: float) -> bool:
    """Whether the quotient is finite and fits int32."""
    return abs(real / scale) < (1 << 31) - 128 if real - real == 0.0 else False


def _fits(value: float) -> bool:
    return value >= -2147483648.0 and value < 2147483647.5


def _half_away(value: float) -> int:
    """The nearest integer of a float64 below 2**31."""
    whole = int(value)
    rest = value - whole
    return whole + (1 if rest >= 0.5 else 0) - (1 if rest <= -0.5 else 0)


def dequantize_lanes(code: S16, place: U31, size: U31, scale: float, zero_point: S16) -> float:
    """DEQUANTIZE: code * scale - zero_point * scale, each step float32; in the scalar loop (code - zero_point) * scale.

    Source: optimized_ops.h, Dequantize.
    """
    if in_vector_loop(place, size, REAL_LANES):
        return float32(float32(float32(code) * scale) - float32(float32(zero_point) * scale))
    return dequantize(code, scale, zero_point)


def add_lanes(
    a: S8,
    b: S8,
    place: U31,
    size: U31,
    a_zero_point: S8,
    b_zero_point: S8,
    a_multiplier: U31,
    a_shift: S6,
    b_multiplier: U31,
    b_shift: S6,
    multiplier: U31,
    shift: S6,
    zero_point: S8,
    low: S8,
    high: S8,
) -> int:
    """ADD: `add_double`; in the vector loop each operand is rounded once only, and the sum is cut to 16 bits.

    a_shift, b_shift, shift: 0 .. 31. Source: integer_ops/add.h.
    """
    if not in_vector_loop(place, size, CODE_LANES):
        return add_double(
            a,
            b,
            a_zero_point,
            b_zero_point,
            a_multiplier,
            a_shift,
            b_multiplier,
            b_shift,
            multiplier,
            shift,
            zero_point,
            low,
            high,
        )
    left = high_multiply(_shift_left(a - a_zero_point, ADD_LEFT_SHIFT - a_shift), a_multiplier)
    right = high_multiply(_shift_left(b - b_zero_point, ADD_LEFT_SHIFT - b_shift), b_multiplier)
    total = shift_right(high_multiply(left + right, multiplier), shift, Rounding.HALF_AWAY)
    return clamp(wrap(total + zero_point, 16), low, high)


def add_lanes_is_defined(
    a: int,
    b: int,
    place: int,
    size: int,
    a_zero_point: int,
    b_zero_point: int,
    a_multiplier: int,
    a_shift: int,
    b_multiplier: int,
    b_shift: int,
    multiplier: int,
    shift: int,
) -> bool:
    """Whether `add_double` is; the vector loop wraps in its own words and is defined everywhere."""
    if in_vector_loop(place, size, CODE_LANES):
        return True
    scaling = (a_multiplier, a_shift, b_multiplier, b_shift, multiplier, shift)
    return add_double_is_defined(a, b, a_zero_point, b_zero_point, *scaling)


def add_number_lanes(
    a: S8,
    b: S8,
    place: U31,
    size: U31,
    a_zero_point: S8,
    b_zero_point: S8,
    a_multiplier: U31,
    a_shift: S6,
    b_multiplier: U31,
    b_shift: S6,
    multiplier: U31,
    shift: S6,
    zero_point: S8,
    low: S8,
    high: S8,
) -> int:
    """ADD of a row and one number: `add_lanes` with loops of 8, whose operands are shifted right last, downward.

    Source: integer_ops/add.h, AddScalarBroadcast.
    """
    if not in_vector_loop(place, size, REAL_LANES):
        return add_double(
            a,
            b,
            a_zero_point,
            b_zero_point,
            a_multiplier,
            a_shift,
            b_multiplier,
            b_shift,
            multiplier,
            shift,
            zero_point,
            low,
            high,
        )
    left = high_multiply((a - a_zero_point) << ADD_LEFT_SHIFT, a_multiplier) >> a_shift
    right = high_multiply((b - b_zero_point) << ADD_LEFT_SHIFT, b_multiplier) >> b_shift
    total = shift_right(high_multiply(left + right, multiplier), shift, Rounding.HALF_AWAY)
    return clamp(wrap(total + zero_point, 16), low, high)


def add_number_lanes_is_defined(
    a: int,
    b: int,
    place: int,
    size: int,
    a_zero_point: int,
    b_zero_point: int,
    a_multiplier: int,
    a_shift: int,
    b_multiplier: int,
    b_shift: int,
    multiplier: int,
    shift: int,
) -> bool:
    """Whether `add_double` is, outside the vector loop."""
    if in_vector_loop(place, size, REAL_LANES):
        return True
    scaling = (a_multiplier, a_shift, b_multiplier, b_shift, multiplier, shift)
    return add_double_is_defined(a, b, a_zero_point, b_zero_point, *scaling)


def _shift_left(value: int, count: int) -> int:
    """A negative count shifts right."""
    return value << count if count >= 0 else value >> -count


def multiply_lanes(
    a: S8,
    b: S8,
    place: U31,
    size: U31,
    a_zero_point: S8,
    b_zero_point: S8,
    multiplier: U31,
    shift: S6,
    zero_point: S8,
    low: S8,
    high: S8,
) -> int:
    """MUL: `multiply_double`; in the vector loop the product saturates at 16 bits, and its sum with zero_point wraps.

    Source: integer_ops/mul.h.
    """
    if not in_vector_loop(place, size, CODE_LANES):
        return multiply_double(a, b, a_zero_point, b_zero_point, multiplier, shift, zero_point, low, high)
    scaled = double((a - a_zero_point) * (b - b_zero_point), multiplier, shift)
    return clamp(wrap(saturate(scaled, 16) + zero_point, 16), low, high)


def multiply_lanes_is_defined(
    a: int, b: int, a_zero_point: int, b_zero_point: int, multiplier: int, shift: int
) -> bool:
    """Whether the shifted product fits 32 bits."""
    return double_is_defined((a - a_zero_point) * (b - b_zero_point), multiplier, shift)


def reciprocal_quotient(exponential: float, total: float, scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """SOFTMAX: exponential times float32(1 / float32(total * scale)), half up, plus the zero point.

    scale: of the output. Every step float32, the last the sum with 0.5, of which the whole part is taken.
    exponential: softmax.table_exponential of float32(exp(difference * scale)). Source: optimized_ops.h, Softmax.
    """
    share = float32(exponential * float32(float32(1.0) / float32(total * scale)))
    return clamp(int(float32(share + float32(0.5))) + zero_point, low, high)

"""XNNPACK's arithmetic of 8-bit codes, where it is not `requantize.float_rne`; x86.

Fixed point with multipliers of 8 and 21 bits, or float32 and half to even. Sources: google/XNNPACK:src/
microparams-init.c, src/qs8-vadd, src/qs8-vlrelu, src/qs8-vcvt, src/reference/; measured on ai-edge-litert 2.3.0.
"""

from __future__ import annotations

from int8sim.spec.activations import sigmoid, tanh
from int8sim.spec.float32 import float32, half_even
from int8sim.spec.integers import S9, S16, S17, S23, S32, U5, U31, clamp
from int8sim.spec.requantize import float_rne
from int8sim.spec.rounding import Rounding, shift_right

PLACE_BITS = 11  # behind the binary point, of a place among codes
MULTIPLIER_BITS = 8  # behind the binary point, of LEAKY_RELU and QUANTIZE of codes


def bound_code(bound: float, scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """The code of a fused activation's real bound: clamp(half_even(bound / scale + zero_point)), each step float32."""
    value = float32(float32(bound / scale) + float32(zero_point))
    return half_even(min(max(value, float32(low)), float32(high)))


def add_shifted(
    a: S9,
    b: S9,
    a_zero_point: S9,
    b_zero_point: S9,
    a_multiplier: S23,
    b_multiplier: S23,
    shift: U5,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """ADD: the codes less their zero points, times their multipliers; the sum / 2**shift, half up, + zero_point.

    The greater multiplier is in 2**20 .. 2**21, a code less its zero point in -255 .. 255; shift: 13 .. 30. So every
    sum fits the engine's 32 bits.
    """
    left: S32 = (a - a_zero_point) * a_multiplier
    right: S32 = (b - b_zero_point) * b_multiplier
    total: S32 = left + right + (1 << shift >> 1)
    code: S32 = (total >> shift) + zero_point
    return clamp(code, low, high)


def multiply_rne(
    a: S9, b: S9, a_zero_point: S9, b_zero_point: S9, multiplier: float, zero_point: S16, low: S16, high: S16
) -> int:
    """MUL: float_rne((a - a_zero_point) * (b - b_zero_point))."""
    return float_rne((a - a_zero_point) * (b - b_zero_point), multiplier, zero_point, low, high)


def mean_offset_rne(
    total: S32,
    count: U31,  # noqa: ARG001 (every finish is given it)
    multiplier: float,
    offset: float,
    low: S16,
    high: S16,
) -> int:
    """MEAN: clamp(half_even(total * multiplier + offset)), each step float32; total: of the codes as they are.

    multiplier: float32(1 / count) times the ratio of scales. offset: zero_point - count * its own, scaled likewise.
    """
    value = float32(float32(float32(total) * multiplier) + offset)
    return half_even(min(max(value, float32(low)), float32(high)))


def requantize_8_bit(x: S9, from_zero_point: S9, multiplier: S17, zero_point: S16, low: S16, high: S16) -> int:
    """QUANTIZE of codes: clamp(half_up((x - from_zero_point) * multiplier / 2**8) + zero_point)."""
    scaled = shift_right((x - from_zero_point) * multiplier, MULTIPLIER_BITS, Rounding.HALF_UP)
    return clamp(scaled + zero_point, low, high)


def leaky_relu_8_bit(
    x: S9, from_zero_point: S9, multiplier: S17, slope_multiplier: S17, zero_point: S16, low: S16, high: S16
) -> int:
    """LEAKY_RELU: `requantize_8_bit` with one multiplier from the zero point up and another below."""
    chosen = multiplier if x >= from_zero_point else slope_multiplier
    return requantize_8_bit(x, from_zero_point, chosen, zero_point, low, high)


def quantize_rne(real: float, inverse_scale: float, zero_point: S16, low: S16, high: S16) -> int:
    """QUANTIZE: saturate(half_even(real * inverse_scale) + zero_point), a float32 product; NaN gives `high`.

    inverse_scale: float32(1 / scale).
    """
    product = float32(real * inverse_scale)
    if product != product:
        return high
    return half_even(min(max(product, float32(low - zero_point)), float32(high - zero_point))) + zero_point


def sigmoid_code(
    x: S9, scale: float, from_zero_point: S9, inverse_scale: float, zero_point: S16, low: S16, high: S16
) -> int:
    """LOGISTIC of one code: clamp(half_even(f * inverse_scale + zero_point)), f the nearest float32 of the function."""
    return _code(sigmoid(_real(x, scale, from_zero_point)), inverse_scale, zero_point, low, high)


def tanh_code(
    x: S9, scale: float, from_zero_point: S9, inverse_scale: float, zero_point: S16, low: S16, high: S16
) -> int:
    """TANH of one code, as `sigmoid_code`; tanhf as the nearest float32."""
    return _code(tanh(_real(x, scale, from_zero_point)), inverse_scale, zero_point, low, high)


def _real(x: int, scale: float, zero_point: int) -> float:
    return float32(float32(x - zero_point) * scale)


def _code(real: float, inverse_scale: float, zero_point: int, low: int, high: int) -> int:
    value = float32(float32(real * inverse_scale) + float32(zero_point))
    return half_even(min(max(value, float32(low)), float32(high)))


def bilinear_place(
    index: S16, input_size: S16, output_size: S16, align_corners: bool, half_pixel_centers: bool
) -> float:
    """RESIZE_BILINEAR: where output cell `index` lies in the input, float32, rounded to a multiple of 2**-11.

    Source: src/indirection.c, xnn_indirection_init_resize_bilinear2d_hwc_q11.
    """
    corners = align_corners and output_size > 1
    scale = float32(float32(input_size - corners) / float32(output_size - corners))
    place = float32(index * scale)
    if half_pixel_centers:
        place = float32(place + float32(float32(0.5 * scale) - 0.5))
    place = min(max(place, 0.0), float32(input_size - 1))
    cell = int(place)
    return cell + half_even(float32(float32(place - cell) * (1 << PLACE_BITS))) / (1 << PLACE_BITS)


def weighted_half_up(acc: S32, shift: U5, low: S16, high: S16) -> int:
    """RESIZE_BILINEAR: clamp(acc / 2**shift), half up. Source: src/s8-ibilinear."""
    return clamp(shift_right(acc, shift, Rounding.HALF_UP), low, high)

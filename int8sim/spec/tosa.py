"""TOSA's integer operators: RESCALE with one or two roundings, average pool by reciprocal, tables, rounding shift.

Source: Arm and Linaro, TOSA specification 1.0, pseudo-code of the operators and their helper functions
(apply_scale_32, apply_scale_16, reciprocal_scale). Where it says REQUIRE, the result is unpredictable otherwise:
`<function>_is_defined` says so. Rounding mode INEXACT is left to the implementation and has no function here.
"""

from __future__ import annotations

import math
from fractions import Fraction

from int8sim.spec.integers import S16, S32, S48, U6, U15, U31, clamp, leading_zeros_32

LARGEST_SHIFT = 62


def apply_scale_32(value: S32, multiplier: U31, shift: U6, double_round: bool) -> int:
    """value * multiplier / 2**shift, half up; a second rounding at bit 30, half away, with double_round and shift > 31.

    shift: 2 .. 62.
    """
    half = 1 << (shift - 1)
    second = (1 << 30 if value >= 0 else -(1 << 30)) if double_round and shift > 31 else 0
    return (value * multiplier + half + second) >> shift


def apply_scale_32_is_defined(value: int, multiplier: int, shift: int) -> bool:
    """Whether every REQUIRE of apply_scale_32 holds. The last, that the result fits int32, follows from the others."""
    if not (0 <= multiplier < 1 << 31 and 2 <= shift <= LARGEST_SHIFT):
        return False
    return -(1 << (shift - 1)) <= value < 1 << (shift - 1)


def apply_scale_16(value: S48, multiplier: U15, shift: U6) -> int:
    """value * multiplier / 2**shift, half up: a 48-bit value and a 15-bit multiplier. shift: 2 .. 62."""
    return (value * multiplier + (1 << (shift - 1))) >> shift


def apply_scale_16_is_defined(value: int, multiplier: int, shift: int) -> bool:
    """Whether every REQUIRE of apply_scale_16 holds."""
    if not (0 <= multiplier < 1 << 15 and 2 <= shift <= LARGEST_SHIFT and -(1 << 47) <= value < 1 << 47):
        return False
    return -(1 << 31) <= apply_scale_16(value, multiplier, shift) < 1 << 31


def rescale_single(
    x: S32, input_zero_point: S16, multiplier: U31, shift: U6, zero_point: S16, low: S32, high: S32
) -> int:
    """RESCALE, scale32, SINGLE_ROUND: clamp(apply_scale_32(x - input_zero_point) + zero_point)."""
    return clamp(apply_scale_32(x - input_zero_point, multiplier, shift, False) + zero_point, low, high)


def rescale_double(
    x: S32, input_zero_point: S16, multiplier: U31, shift: U6, zero_point: S16, low: S32, high: S32
) -> int:
    """RESCALE, scale32, DOUBLE_ROUND."""
    return clamp(apply_scale_32(x - input_zero_point, multiplier, shift, True) + zero_point, low, high)


def rescale_16(x: S48, input_zero_point: S16, multiplier: U15, shift: U6, zero_point: S16, low: S32, high: S32) -> int:
    """RESCALE with scale32 false."""
    return clamp(apply_scale_16(x - input_zero_point, multiplier, shift) + zero_point, low, high)


def rescale_single_is_defined(x: int, input_zero_point: int, multiplier: int, shift: int) -> bool:
    """Whether apply_scale_32 is, one rounding."""
    return apply_scale_32_is_defined(x - input_zero_point, multiplier, shift)


def rescale_double_is_defined(x: int, input_zero_point: int, multiplier: int, shift: int) -> bool:
    """Whether apply_scale_32 is, two roundings."""
    return apply_scale_32_is_defined(x - input_zero_point, multiplier, shift)


def rescale_16_is_defined(x: int, input_zero_point: int, multiplier: int, shift: int) -> bool:
    """Whether apply_scale_16 is."""
    return apply_scale_16_is_defined(x - input_zero_point, multiplier, shift)


def output_single(acc: S32, multiplier: U31, shift: U6, zero_point: S16, low: S16, high: S16) -> int:
    """An accumulator through RESCALE, SINGLE_ROUND."""
    return rescale_single(acc, 0, multiplier, shift, zero_point, low, high)


def output_double(acc: S32, multiplier: U31, shift: U6, zero_point: S16, low: S16, high: S16) -> int:
    """An accumulator through RESCALE, DOUBLE_ROUND."""
    return rescale_double(acc, 0, multiplier, shift, zero_point, low, high)


def output_single_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """Whether RESCALE's requirements hold for an accumulator, one rounding."""
    return apply_scale_32_is_defined(acc, multiplier, shift)


def output_double_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """Whether RESCALE's requirements hold for an accumulator."""
    return apply_scale_32_is_defined(acc, multiplier, shift)


def add_rescaled(
    a: S16,
    b: S16,
    a_zero_point: S16,
    b_zero_point: S16,
    a_multiplier: U31,
    a_shift: U6,
    b_multiplier: U31,
    b_shift: U6,
    multiplier: U31,
    shift: U6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """RESCALE of both operands to int32, ADD, RESCALE to the output, DOUBLE_ROUND: a quantized sum in TOSA."""
    left = apply_scale_32(a - a_zero_point, a_multiplier, a_shift, True)
    right = apply_scale_32(b - b_zero_point, b_multiplier, b_shift, True)
    return clamp(apply_scale_32(left + right, multiplier, shift, True) + zero_point, low, high)


def add_rescaled_is_defined(
    a: int,
    b: int,
    a_zero_point: int,
    b_zero_point: int,
    a_multiplier: int,
    a_shift: int,
    b_multiplier: int,
    b_shift: int,
    multiplier: int,
    shift: int,
) -> bool:
    """Whether RESCALE's requirements hold for both operands and for their sum."""
    left, right = (a - a_zero_point, a_multiplier, a_shift), (b - b_zero_point, b_multiplier, b_shift)
    total = apply_scale_32(*left, True) + apply_scale_32(*right, True)
    return all(apply_scale_32_is_defined(*each) for each in (left, right, (total, multiplier, shift)))


def multiply_rescaled(
    a: S16,
    b: S16,
    a_zero_point: S16,
    b_zero_point: S16,
    multiplier: U31,
    shift: U6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """MUL of two 8-bit tensors to int32, shift 0, then RESCALE, DOUBLE_ROUND."""
    product = (a - a_zero_point) * (b - b_zero_point)
    return clamp(apply_scale_32(product, multiplier, shift, True) + zero_point, low, high)


def multiply_rescaled_is_defined(
    a: int, b: int, a_zero_point: int, b_zero_point: int, multiplier: int, shift: int
) -> bool:
    """Whether RESCALE's requirements hold for the product."""
    return apply_scale_32_is_defined((a - a_zero_point) * (b - b_zero_point), multiplier, shift)


def reciprocal_scale(count: U31) -> tuple[int, int]:
    """1 / count as (multiplier, shift): (2**30 + 1) * 2**k / count truncated and 30 + k. count > 0."""
    k = 32 - leading_zeros_32(count - 1)
    return (((1 << 30) + 1) << k) // count, 30 + k


def average(total: S32, count: U31, zero_point: S16, low: S16, high: S16) -> int:
    """AVG_POOL2D's division: apply_scale_32 by reciprocal_scale(count), one rounding, then the output zero point."""
    multiplier, shift = reciprocal_scale(count)
    return clamp(apply_scale_32(total, multiplier, shift, False) + zero_point, low, high)


def average_is_defined(total: int, count: int) -> bool:
    """Whether apply_scale_32's requirements hold at the count's reciprocal."""
    multiplier, shift = reciprocal_scale(count)
    return apply_scale_32_is_defined(total, multiplier, shift)


def mean_rescaled(
    total: S32,
    count: U31,  # noqa: ARG001 (every finish is given it)
    multiplier: U31,
    shift: U6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """REDUCE_SUM, then RESCALE, DOUBLE_ROUND; the count is in the multiplier."""
    return output_double(total, multiplier, shift, zero_point, low, high)


def mean_rescaled_is_defined(total: int, multiplier: int, shift: int) -> bool:
    """Whether RESCALE's requirements hold for the sum."""
    return apply_scale_32_is_defined(total, multiplier, shift)


def table_code(x: S16, table: list[int], low: S16, high: S16) -> int:
    """TABLE of 256 entries, clamped: table[x + 128]. x: an int8 code."""
    return clamp(table[x + 128], low, high)


def table_16(x: S16, table: list[int]) -> int:
    """TABLE of 513 int16 entries: x's upper 9 bits choose two neighbours, its lower 7 interpolate. 23 bits, signed."""
    index = (x >> 7) + 256
    base = table[index]
    return (base << 7) + (table[index + 1] - base) * (x & 127)


def arithmetic_right_shift(value: S32, shift: U6, with_rounding: bool) -> int:
    """ARITHMETIC_RIGHT_SHIFT: value / 2**shift, toward minus infinity; with_rounding adds the last bit shifted out.

    shift: 0 .. 31. The rounding is half up.
    """
    last = (value >> (shift - 1)) & 1 if with_rounding and shift > 0 else 0
    return (value >> shift) + last


def tosa_multiplier(real: float) -> tuple[int, int]:
    """A positive real as (multiplier, right shift): multiplier in 2**30 .. 2**31 - 1, value multiplier / 2**shift.

    frexp, the mantissa to 31 bits half away; a shift beyond 62 moves into the multiplier, truncated.
    Source: tensorflow/tensorflow:tensorflow/compiler/mlir/tosa (mlir QuantUtils.cpp), computeMultiplierAndShiftScale32.
    """
    mantissa, exponent = math.frexp(real)
    multiplier = math.floor(Fraction(mantissa) * (1 << 31) + Fraction(1, 2))
    if multiplier == 1 << 31:
        multiplier, exponent = 1 << 30, exponent + 1
    shift = 31 - exponent
    excess = max(shift - LARGEST_SHIFT, 0)
    return multiplier >> excess, shift - excess

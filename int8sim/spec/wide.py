"""16-bit activations with 8-bit weights: 64-bit accumulators, 15-bit multipliers, tables of 513 entries.

TensorFlow Lite's 16x8 kernels and CMSIS-NN's s16 functions. Sources: tensorflow/tflite-micro:
tensorflow/lite/kernels/internal/common.cc and reference/softmax.h; ARM-software/CMSIS-NN:
Include/arm_nnsupportfunctions.h and Source/SoftmaxFunctions/arm_softmax_s16.c.
"""

from __future__ import annotations

from collections.abc import Callable

from int8sim.spec.eltwise import ADD_LEFT_SHIFT_16
from int8sim.spec.integers import S6, S16, S17, S48, U15, U31, clamp, leading_zeros_32, saturate
from int8sim.spec.requantize import double, double_is_defined

LARGEST_REDUCIBLE = 0x7FFF0000  # from it on the upper half would round beyond 15 bits
TABLE_STEPS = 512
INT16_MAX = 32767


def reduced_multiplier(multiplier: U31) -> int:
    """The upper 15 bits of a 31-bit multiplier, half up; 0x7FFF at its end."""
    return (multiplier + (1 << 15)) >> 16 if multiplier < LARGEST_REDUCIBLE else INT16_MAX


def scale_wide(acc: S48, multiplier: U15, shift: S6) -> int:
    """acc * multiplier / 2**(15 + shift), half up. shift: positive to the right, -7 .. 31."""
    return (acc * multiplier + (1 << (14 + shift))) >> (15 + shift)


def output_wide(acc: S48, multiplier: U15, shift: S6, zero_point: S16, low: S16, high: S16) -> int:
    """clamp(scale_wide(acc) + zero_point)."""
    return clamp(scale_wide(acc, multiplier, shift) + zero_point, low, high)


def output_wide_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """Whether the accumulator has 48 bits and the multiplier and shift are those that the engine asserts."""
    return -(1 << 47) <= acc < 1 << 47 and 0 <= multiplier < 1 << 15 and -8 < shift <= 31


def add_double_16(
    a: S17,
    b: S17,
    a_multiplier: U31,
    a_shift: S6,
    b_multiplier: U31,
    b_shift: S6,
    multiplier: U31,
    shift: S6,
    low: S16,
    high: S16,
) -> int:
    """ADD of 16-bit codes, zero points 0: as spec.eltwise.add_double, each operand << 15."""
    left = double(a << ADD_LEFT_SHIFT_16, a_multiplier, a_shift)
    right = double(b << ADD_LEFT_SHIFT_16, b_multiplier, b_shift)
    return clamp(double(left + right, multiplier, shift), low, high)


def add_double_16_is_defined(
    a: int, b: int, a_multiplier: int, a_shift: int, b_multiplier: int, b_shift: int, multiplier: int, shift: int
) -> bool:
    """Whether `double` is, of both operands and of their sum."""
    left, right = a << ADD_LEFT_SHIFT_16, b << ADD_LEFT_SHIFT_16
    operands = double_is_defined(left, a_multiplier, a_shift) and double_is_defined(right, b_multiplier, b_shift)
    total = double(left, a_multiplier, a_shift) + double(right, b_multiplier, b_shift)
    return operands and double_is_defined(total, multiplier, shift)


def subtract_double_16(
    a: S17,
    b: S17,
    a_multiplier: U31,
    a_shift: S6,
    b_multiplier: U31,
    b_shift: S6,
    multiplier: U31,
    shift: S6,
    low: S16,
    high: S16,
) -> int:
    """SUB of 16-bit codes: as `add_double_16`, with the difference of the scaled operands."""
    left = double(a << ADD_LEFT_SHIFT_16, a_multiplier, a_shift)
    right = double(b << ADD_LEFT_SHIFT_16, b_multiplier, b_shift)
    return clamp(double(left - right, multiplier, shift), low, high)


def subtract_double_16_is_defined(
    a: int, b: int, a_multiplier: int, a_shift: int, b_multiplier: int, b_shift: int, multiplier: int, shift: int
) -> bool:
    """Whether `double` is, of both operands and of their difference."""
    left, right = a << ADD_LEFT_SHIFT_16, b << ADD_LEFT_SHIFT_16
    operands = double_is_defined(left, a_multiplier, a_shift) and double_is_defined(right, b_multiplier, b_shift)
    difference = double(left, a_multiplier, a_shift) - double(right, b_multiplier, b_shift)
    return operands and double_is_defined(difference, multiplier, shift)


def look_up_16(value: S16, table: list[int]) -> int:
    """table[i] and the next one, interpolated: i from the upper 9 bits, the lower 7 the fraction, half up."""
    index = (value >> 7) + TABLE_STEPS // 2
    base = table[index]
    return base + (((table[index + 1] - base) * (value & 127) + 64) >> 7)


def exponential_16(difference: S17, multiplier: U31, shift: S6, table: list[int]) -> int:
    """exp of a difference of codes (<= 0), 15 fraction bits, by a table over -10 .. 0.

    multiplier, shift: of beta * input scale * 65535 / 10.
    """
    return look_up_16(saturate(double(difference, multiplier, shift) + INT16_MAX, 16), table)


def exponential_16_is_defined(difference: int, multiplier: int, shift: int) -> bool:
    """Whether `double` is."""
    return double_is_defined(difference, multiplier, shift)


def sum_16(total: U31, exponential: S16) -> int:
    """The sum of the exponentials, exact."""
    return total + exponential


def quotient_16(exponential: S16, total: U31, table: list[int], low: S16, high: S16) -> int:
    """exponential / total at scale 1 / 32768: the sum normalized to 1 .. 2, 1 / (1 + x) by a table, half up."""
    zeros = leading_zeros_32(total)
    normalized = ((total << (zeros - 1)) + (1 << 13)) >> 14
    reciprocal = look_up_16(saturate(normalized - (1 << 16) - (1 << 15), 16), table)
    shift = 31 - zeros
    return clamp((exponential * reciprocal + (1 << (shift - 1))) >> shift, low, high)


def table_16(function: Callable[[float], float], start: float, end: float) -> list[int]:
    """513 int16 values of a function over start .. end, at 15 fraction bits, each moved by half its midpoint's error.

    binary64, half away. Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/common.h, LUTPopulate.
    """
    step = (end - start) / TABLE_STEPS
    samples = [_half_away(function(start + i * step) * 32768.0) for i in range(TABLE_STEPS + 1)]
    found = []
    for i in range(TABLE_STEPS):
        between = _half_away((function(start + (i + 1) * step) * 32768.0 + samples[i]) / 2.0)
        middle = _half_away(function(start + i * step + step / 2.0) * 32768.0)
        found.append(saturate(samples[i] - _half_away((between - middle) / 2.0), 16))
    return [*found, saturate(samples[-1], 16)]


def _half_away(value: float) -> int:
    return int(value + (0.5 if value >= 0.0 else -0.5))


def one_over_one_plus(x: float) -> float:
    """1 / (1 + x), binary64."""
    return 1.0 / (1.0 + x)

"""IEEE 754's binary formats as bit patterns, taken apart and put together, with integers only.

A format is named by its width in bits: 16, 32 or 64. Patterns are ints; bits above the width are ignored. Source:
IEEE 754-2019, 3.4. Compiled functions take patterns of 64 bits, and make patterns of up to 32.
"""

from __future__ import annotations

from int8sim.spec.integers import S62, S64, leading_zeros_32
from int8sim.spec.rounding import Rounding, shift_right


def fraction_bits(width: int) -> int:
    """Explicit bits of the significand of f16, f32, f64, by width: 10, 23, 52."""
    if width == 16:
        return 10
    return 23 if width == 32 else 52


def exponent_bias(width: int) -> int:
    """15, 127, 1023: the exponent field of 1.0, and of all ones half."""
    return (1 << (width - 2 - fraction_bits(width))) - 1


def exponent_field(bits: S64, width: int) -> int:
    """The biased exponent of a float pattern: 0 for zero and subnormals, all ones for infinities and NaN."""
    return (bits >> fraction_bits(width)) & (2 * exponent_bias(width) + 1)


def significand(bits: S64, width: int, flush: bool = False) -> int:
    """The significand with its hidden bit, in units of its last place; 0 for a subnormal if flush."""
    hidden = 1 << fraction_bits(width)
    fraction = bits & (hidden - 1)
    if exponent_field(bits, width) > 0:
        return fraction + hidden
    return 0 if flush else fraction


def last_place(bits: S64, width: int) -> int:
    """The power of two that a finite pattern's `significand` counts."""
    return max(exponent_field(bits, width), 1) - exponent_bias(width) - fraction_bits(width)


def is_negative(bits: S64, width: int) -> bool:
    """The sign bit: of zeros and NaN too."""
    return (bits >> (width - 1)) & 1 != 0


def is_infinite_or_nan(bits: S64, width: int) -> bool:
    """Whether the exponent field is all ones."""
    return exponent_field(bits, width) == 2 * exponent_bias(width) + 1


def is_nan(bits: S64, width: int) -> bool:
    """Whether a float pattern is a NaN, quiet or signalling."""
    return is_infinite_or_nan(bits, width) and bits & ((1 << fraction_bits(width)) - 1) != 0


def infinity(width: int) -> int:
    """The pattern of +infinity: the exponent all ones."""
    return (2 * exponent_bias(width) + 1) << fraction_bits(width)


def signed_pattern(negative: bool, pattern: S62, width: int) -> int:
    """A pattern without sign, given one."""
    return pattern | (1 << (width - 1)) if negative else pattern


def compose(negative: bool, magnitude: S62, power: int, width: int, rounding: int) -> int:
    """The pattern of +-magnitude * 2**power, rounded once to a normal or subnormal number, a signed zero or infinity.

    magnitude: at least 0. Past the greatest number, what rounds toward zero there gives that number. Source: IEEE
    754-2019, 7.4.
    """
    smallest = 1 - exponent_bias(width) - fraction_bits(width)  # power of two of the last place of subnormals
    length = bit_length(magnitude)
    drop = max(length - fraction_bits(width) - 1, smallest - power)
    value = -magnitude if negative else magnitude
    shift = min(max(drop, 0), length + 1)  # below a half, as anything smaller
    kept = abs(shift_right(value << max(-drop, 0), shift, rounding))
    if kept == 0:
        return signed_pattern(negative, 0, width)
    found = min(((power + drop - smallest) << fraction_bits(width)) + kept, infinity(width))
    inward = rounding == Rounding.TOWARD_ZERO or rounding == (Rounding.CEIL if negative else Rounding.FLOOR)
    return signed_pattern(negative, found - (inward and found == infinity(width)), width)


def bit_length(magnitude: S62) -> int:
    """How many bits an integer from 0 to 2**64 - 1 has; 0 for 0."""
    upper = magnitude >> 32
    return 64 - leading_zeros_32(upper) if upper > 0 else 32 - leading_zeros_32(magnitude)

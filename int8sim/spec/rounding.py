"""Seven roundings of a right shift, each as a bias that is added before the floor shift.

A rounding shift by s is the exact quotient value / 2**s rounded to an integer. Names are IEEE 754's and the field's;
aliases name the same member. RISC-V V: rnu = HALF_UP, rne = HALF_EVEN, rdn = FLOOR.
"""

from __future__ import annotations

from enum import IntEnum

from int8sim.spec.integers import S32, S62, U5


class Rounding(IntEnum):
    """How a quotient that is no integer becomes one."""

    FLOOR = 0
    """Toward minus infinity: what a plain arithmetic shift does."""
    CEIL = 1
    """Toward plus infinity."""
    TOWARD_ZERO = 2
    """Truncation, as C's integer division."""
    HALF_EVEN = 3
    """To nearest, a tie to the even neighbour: IEEE 754's default, C's nearbyint."""
    HALF_AWAY = 4
    """To nearest, a tie away from zero: C's round(), gemmlowp's RoundingDivideByPOT, NVDLA's converters."""
    HALF_UP = 5
    """To nearest, a tie toward plus infinity: add half and floor."""
    HALF_TOWARD_ZERO = 6
    """To nearest, a tie toward zero."""

    TOWARD_NEGATIVE = 0
    TOWARD_POSITIVE = 1
    TIES_TO_EVEN = 3
    TIES_TO_AWAY = 4
    TIES_TO_POSITIVE = 5
    TIES_TO_ZERO = 6


def shift_right(value: S62, shift: int, rounding: int) -> int:
    """value / 2**shift, rounded as `rounding` says; exact.

    value: at most 62 bits, so that value plus the bias stays in int64. shift: 0 .. 62. rounding: a `Rounding`.
    """
    rest = (1 << shift) - 1
    half = (1 << shift) >> 1
    if rounding == Rounding.FLOOR:
        bias = 0
    elif rounding == Rounding.CEIL:
        bias = rest
    elif rounding == Rounding.TOWARD_ZERO:
        bias = rest if value < 0 else 0
    elif rounding == Rounding.HALF_EVEN:
        bias = (rest >> 1) + ((value >> shift) & 1 & (shift > 0))
    elif rounding == Rounding.HALF_AWAY:
        bias = half - (value < 0 and shift > 0)
    elif rounding == Rounding.HALF_UP:
        bias = half
    else:
        bias = half - (value >= 0 and shift > 0)
    return (value + bias) >> shift


def shift_right_32(value: S32, shift: U5, rounding: int) -> int:
    """As `shift_right`, by HALF_AWAY or HALF_UP, with nothing wider than the word: the floor, and 1 for a greater rest.

    Source: gemmlowp's RoundingDivideByPOT is HALF_AWAY in these steps.
    """
    floor: S32 = value >> shift
    mask: S32 = (1 << shift) - 1
    rest: S32 = value & mask
    below: S32 = mask >> 1
    most: S32 = below + (rounding == Rounding.HALF_AWAY and value < 0)
    quotient: S32 = floor + (rest > most)
    return quotient

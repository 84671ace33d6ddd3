"""Rational arithmetic, one rounding at a time: what the exact definitions are written in.

Nothing here or in the definitions comes from int8sim.spec, which they judge. A float32 or float64 is a Python float
that holds it exactly, infinities included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

HALF = Fraction(1, 2)
FLOAT32 = 24, -149, 128
"""Digits, exponent of the least unit, exponent from which on there is only infinity (IEEE 754, binary32)."""
FLOAT64 = 53, -1074, 1024


def half_up(value: Fraction) -> int:
    """To nearest, a tie toward plus infinity."""
    return math.floor(value + HALF)


def half_away(value: Fraction) -> int:
    """To nearest, a tie away from zero."""
    return math.floor(value + HALF) if value >= 0 else math.ceil(value - HALF)


def half_even(value: Fraction) -> int:
    """To nearest, a tie to the even neighbour."""
    above = half_up(value)
    return above - 1 if above - value == HALF and above % 2 else above


def half_toward_zero(value: Fraction) -> int:
    """To nearest, a tie toward zero."""
    return math.ceil(value - HALF) if value >= 0 else math.floor(value + HALF)


ROUNDINGS: Mapping[int, Callable[[Fraction], int]] = {
    0: math.floor,
    1: math.ceil,
    2: math.trunc,
    3: half_even,
    4: half_away,
    5: half_up,
    6: half_toward_zero,
}
"""By the numbers that int8sim gives them."""


def clip(value: int, low: int, high: int) -> int:
    """The value of low .. high nearest to `value`."""
    return low if value < low else high if value > high else value


def signed(value: int, bits: int) -> int:
    """The two's complement word of `bits` bits that is congruent to `value`."""
    half = 1 << (bits - 1)
    return (value + half) % (2 * half) - half


def saturated(value: int, bits: int) -> int:
    """The two's complement word of `bits` bits nearest to `value`."""
    return clip(value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def nearest(value: Fraction, kind: tuple[int, int, int] = FLOAT32) -> float:
    """The float nearest to an exact value, a tie to the even one; infinity beyond the range."""
    digits, least, limit = kind
    magnitude = abs(value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > magnitude
    unit = Fraction(2) ** max(exponent - digits + 1, least)
    found = half_even(magnitude / unit) * unit
    size = math.inf if found >= 2**limit else float(found)
    return -size if value < 0 else size


def product(x: float, y: float, kind: tuple[int, int, int] = FLOAT32) -> float:
    """x * y with one rounding."""
    return nearest(Fraction(x) * Fraction(y), kind) if math.isfinite(x) else x * y


def total(x: float, y: float) -> float:
    """x + y with one rounding to float32."""
    return nearest(Fraction(x) + Fraction(y)) if math.isfinite(x) else x + y


def quotient(x: float, y: float) -> float:
    """x / y with one rounding to float32."""
    return nearest(Fraction(x) / Fraction(y)) if math.isfinite(x) else x / y


def rounded(value: float, rounding: Callable[[Fraction], int], low: int, high: int) -> int:
    """A float as an integer of low .. high; an infinity is beyond either end."""
    if math.isinf(value):
        return high if value > 0 else low
    return clip(rounding(Fraction(value)), low, high)

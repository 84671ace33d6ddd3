"""Binary floats of 16, 32 and 64 bits by Fraction, from IEEE 754's text alone."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import strategies as st

from int8sim.spec.rounding import Rounding

from .exact import clip, rounded

PRECISION = {16: 11, 32: 24, 64: 53}
EMAX = {16: 15, 32: 127, 64: 1023}
PTX = {"n": Rounding.HALF_EVEN, "z": Rounding.TOWARD_ZERO, "m": Rounding.FLOOR, "p": Rounding.CEIL}
INFINITE = {16: 0x7C00, 32: 0x7F800000, 64: 0x7FF0000000000000}
ONE = {16: 0x3C00, 32: 0x3F800000, 64: 0x3FF0000000000000}
NORMAL = {16: 0x0400, 32: 0x00800000, 64: 0x0010000000000000}  # the smallest

Value = Fraction | float
"""A finite value; or infinity, of either sign, or NaN."""


def sign_of(pattern: int, width: int) -> int:
    return pattern // 2 ** (width - 1)


def value_of(pattern: int, width: int) -> Value:
    """What a pattern stands for; both zeros are 0."""
    magnitude = pattern % 2 ** (width - 1)
    sign = -1 if sign_of(pattern, width) else 1
    if magnitude >= INFINITE[width]:
        return math.nan if magnitude > INFINITE[width] else sign * math.inf
    exponent, fraction = divmod(magnitude, 2 ** (PRECISION[width] - 1))
    if exponent == 0:
        return sign * fraction * Fraction(2) ** (2 - EMAX[width] - PRECISION[width])
    return sign * (1 + fraction * Fraction(2) ** (1 - PRECISION[width])) * Fraction(2) ** (exponent - EMAX[width])


def pattern_of(value: Value, width: int, rounding: Rounding, negative: bool = False) -> int:
    """The pattern of an exact value, rounded once. negative: the sign of a zero; other values bring their own.

    Patterns of magnitudes are in order and neighbours are next to each other, so that the value lies at a place between
    two of them; an even pattern has an even significand, and what follows the greatest number is infinity.
    """
    sign = -1 if value < 0 or (value == 0 and negative) else 1
    place = INFINITE[width] if abs(value) == math.inf else abs(rounded(sign * place_of(abs(value), width), rounding))
    return place + (2 ** (width - 1) if sign < 0 else 0)


def place_of(magnitude: Fraction, width: int) -> Fraction:
    """Where a finite magnitude lies among the patterns: within a power of two, as far as it is between its ends.

    Beyond infinity's place it is just before it.
    """
    exponent = max(power_of_two_below(magnitude), 1 - EMAX[width]) if magnitude else 1 - EMAX[width]
    units = magnitude / Fraction(2) ** (exponent + 1 - PRECISION[width])
    return min((exponent + EMAX[width] - 1) * NORMAL[width] + units, INFINITE[width] - Fraction(1, 4))


def power_of_two_below(magnitude: Fraction) -> int:
    """The exponent of the greatest power of two that is at most a positive number."""
    found = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    return found if Fraction(2) ** found <= magnitude else found - 1


def to_word(value: Value, rounding: Rounding, low: int, high: int) -> int:
    """A number to an integer, rounded and then clamped."""
    if abs(value) == math.inf:
        return high if value > 0 else low
    return clip(rounded(Fraction(value), rounding), low, high)


def is_subnormal(pattern: int, width: int) -> bool:
    return 0 < pattern % 2 ** (width - 1) < NORMAL[width]


def ends(width: int, is_signed: bool) -> tuple[int, int]:
    return (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if is_signed else (0, 2**width - 1)


def patterns(width: int) -> st.SearchStrategy[int]:
    """Any pattern: uniform bits, or every exponent equally likely with fractions at their ends and middles."""
    bits = PRECISION[width] - 1
    exponents = st.integers(EMAX[width] - 4, EMAX[width] + bits + 3) | st.integers(0, 2 * EMAX[width] + 1)
    fractions = st.sampled_from([0, 1, 2, 2**bits - 1, 2**bits - 2, 2 ** (bits - 1), 2 ** (bits - 1) - 1])
    parts = st.integers(0, 1), exponents, fractions | st.integers(0, 2**bits - 1)
    return st.integers(0, 2**width - 1) | st.tuples(*parts).map(
        lambda found: found[0] << (width - 1) | min(found[1], 2 * EMAX[width] + 1) << bits | found[2]
    )

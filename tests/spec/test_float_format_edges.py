"""Floats put together at the ends of their formats: against Fractions, and written out."""

from __future__ import annotations

from fractions import Fraction

import pytest

from int8sim.spec.float_format import (
    bit_length,
    compose,
    exponent_field,
    infinity,
    is_infinite_or_nan,
    is_nan,
    is_negative,
    last_place,
    signed_pattern,
    significand,
)
from int8sim.spec.rounding import Rounding

from .float_exact import EMAX, INFINITE, NORMAL, ONE, PRECISION, pattern_of, place_of, value_of

WIDTHS = (16, 32, 64)
NEAREST = (Rounding.HALF_EVEN, Rounding.HALF_AWAY, Rounding.HALF_UP, Rounding.HALF_TOWARD_ZERO)


def check(negative: bool, magnitude: int, power: int, width: int) -> None:
    value = (-1 if negative else 1) * magnitude * Fraction(2) ** power
    for rounding in Rounding:
        found = compose(negative, magnitude, power, width, rounding)
        assert found == pattern_of(value, width, rounding, negative), (magnitude, power, rounding)


@pytest.mark.parametrize("width", WIDTHS)
def test_patterns_and_values_are_in_order(width):
    """The definition itself: a pattern's value lies at its place."""
    top = INFINITE[width]
    for near in (0, NORMAL[width], 2 * NORMAL[width], ONE[width], top - 4):
        for pattern in range(near, near + 4):
            assert place_of(value_of(pattern, width), width) == pattern
            assert 0 <= value_of(pattern, width) < value_of(pattern + 1, width)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_eighths_between_neighbours(width, negative):
    """Below the least number, where normal ones begin, around 1, and to infinity."""
    top = INFINITE[width] - 1
    for pattern in (0, 1, 2, NORMAL[width] - 1, NORMAL[width], ONE[width] - 1, ONE[width], top - 1, top):
        for eighths in range(-9, 10):
            magnitude = significand(pattern, width) * 8 + eighths
            if magnitude >= 0:
                check(negative, magnitude, last_place(pattern, width) - 3, width)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_one_bit_at_every_power(width, negative):
    """And its neighbours of few and many bits: 1, 3, 2**52 + 1, 2**62 - 1."""
    least, greatest = 2 - EMAX[width] - PRECISION[width], EMAX[width]
    for power in (*range(least - 66, least + 3), -1, 0, 1, *range(greatest - 66, greatest + 3)):
        for magnitude in (1, 3, 2**52 + 1, 2**62 - 1):
            check(negative, magnitude, power, width)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("width", WIDTHS)
def test_zero_keeps_its_sign(width, negative):
    for power in (-2000, -1, 0, 1, 2000):
        for rounding in Rounding:
            assert compose(negative, 0, power, width, rounding) == (2 ** (width - 1) if negative else 0)


@pytest.mark.parametrize("width", WIDTHS)
def test_past_the_greatest_number(width):
    """Toward zero, and away from infinity of that sign, it stays the greatest number."""
    sign, infinite = 2 ** (width - 1), INFINITE[width]
    for magnitude in (2 ** (PRECISION[width] + 1) - 1, 2**61):
        power = EMAX[width] + 2 - magnitude.bit_length()
        expected = {Rounding.TOWARD_ZERO: (1, 1), Rounding.FLOOR: (1, 0), Rounding.CEIL: (0, 1)}
        for rounding, (above, below) in (expected | dict.fromkeys(NEAREST, (0, 0))).items():
            assert compose(False, magnitude, power, width, rounding) == infinite - above
            assert compose(True, magnitude, power, width, rounding) == sign + infinite - below


def test_float16_written_out():
    """65504 is the greatest, 2**-24 the least: ties at 65520 and at 2**-25."""
    great = [(65504, 0, 0x7BFF), (65519, 0, 0x7BFF), (65520, 0, 0x7C00), (2049, -1, 0x6400), (2051, -1, 0x6402)]
    small = [(1, -24, 0x0001), (1, -25, 0x0000), (3, -26, 0x0001), (3, -25, 0x0002), (2047, -25, 0x0400)]
    for magnitude, power, expected in (*great, *small):
        assert compose(False, magnitude, power, 16, Rounding.HALF_EVEN) == expected
        assert compose(True, magnitude, power, 16, Rounding.HALF_EVEN) == 0x8000 + expected


@pytest.mark.parametrize("width", WIDTHS)
def test_fields_at_their_ends(width):
    """Around zero, the subnormals, 1 and infinity, of both signs; bits above the width change nothing."""
    top, sign = INFINITE[width], 2 ** (width - 1)
    near = [each + off for each in (1, NORMAL[width], ONE[width], top, sign - 2) for off in (-1, 0, 1)]
    for pattern in near:
        exponent, fraction = divmod(pattern, NORMAL[width])
        for bits in (pattern, pattern + sign, pattern + 2 * sign, pattern - sign):
            assert is_negative(bits, width) == (bits not in (pattern, pattern + 2 * sign))
            assert exponent_field(bits, width) == exponent
            assert is_infinite_or_nan(bits, width) == (pattern >= top)
            assert is_nan(bits, width) == (pattern > top)
            assert significand(bits, width) == fraction + (NORMAL[width] if exponent else 0)
            assert significand(bits, width, flush=True) == (fraction + NORMAL[width] if exponent else 0)
            assert last_place(bits, width) == (exponent or 1) - EMAX[width] - PRECISION[width] + 1
    assert infinity(width) == top
    assert (signed_pattern(True, top, width), signed_pattern(False, top, width)) == (top + sign, top)


@pytest.mark.parametrize("width", WIDTHS)
def test_any_bit_of_the_fraction_makes_a_nan(width):
    for place in range(PRECISION[width] - 1):
        assert is_nan(INFINITE[width] + 2**place, width)
        assert not is_nan(INFINITE[width] - 2**place, width)


def test_bit_length_at_every_power():
    for bits in range(65):
        assert [bit_length(2**bits - 1), bit_length(2 ** max(bits - 1, 0))] == [bits, max(bits, 1)]

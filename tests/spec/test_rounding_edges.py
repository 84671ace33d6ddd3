"""The numbers of the roundings, which stored graphs carry, and the ends of the shift."""

from __future__ import annotations

from fractions import Fraction

import pytest

from int8sim.spec.rounding import Rounding, shift_right

from .exact import rounded

NUMBERS = {
    "FLOOR": 0,
    "CEIL": 1,
    "TOWARD_ZERO": 2,
    "HALF_EVEN": 3,
    "HALF_AWAY": 4,
    "HALF_UP": 5,
    "HALF_TOWARD_ZERO": 6,
    "TOWARD_NEGATIVE": 0,
    "TOWARD_POSITIVE": 1,
    "TIES_TO_EVEN": 3,
    "TIES_TO_AWAY": 4,
    "TIES_TO_POSITIVE": 5,
    "TIES_TO_ZERO": 6,
}


def test_numbers_and_aliases():
    assert {name: int(member) for name, member in Rounding.__members__.items()} == NUMBERS


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("shift", [0, 1, 2, 31, 61, 62])
def test_the_ends_of_the_word(rounding, shift):
    values = {sign * (1 << bit) + off for sign in (-1, 1) for bit in (0, 1, 2, 30, 60, 61) for off in (-1, 0, 1)}
    for value in sorted(values):
        if -(1 << 61) <= value < 1 << 61:
            assert shift_right(value, shift, rounding) == rounded(Fraction(value, 1 << shift), rounding), (value, shift)

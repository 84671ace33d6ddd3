from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.rounding import Rounding, shift_right, shift_right_32

from .exact import rounded, word

MODES = list(Rounding)


def test_there_are_seven_modes_and_ieee_names_are_aliases():
    assert len(MODES) == 7
    assert Rounding.TIES_TO_EVEN is Rounding.HALF_EVEN
    assert Rounding.TIES_TO_AWAY is Rounding.HALF_AWAY
    assert Rounding.TIES_TO_POSITIVE is Rounding.HALF_UP
    assert Rounding.TIES_TO_ZERO is Rounding.HALF_TOWARD_ZERO
    assert Rounding.TOWARD_NEGATIVE is Rounding.FLOOR
    assert Rounding.TOWARD_POSITIVE is Rounding.CEIL


@pytest.mark.parametrize("rounding", MODES)
def test_exhaustively_for_small_values(rounding):
    for shift in range(8):
        for value in range(-300, 301):
            assert shift_right(value, shift, rounding) == rounded(Fraction(value, 2**shift), rounding), (value, shift)


@pytest.mark.parametrize("rounding", MODES)
@given(value=word(62), shift=st.integers(0, 62))
def test_any_62_bit_value(rounding, value, shift):
    assert shift_right(value, shift, rounding) == rounded(Fraction(value, 2**shift), rounding)


@pytest.mark.parametrize("rounding", MODES)
@given(quotient=st.integers(-(2**20), 2**20), shift=st.integers(1, 40), off=st.integers(-1, 1))
def test_at_ties_and_beside_them(rounding, quotient, shift, off):
    value = (quotient << shift) + (1 << shift - 1) + off
    assert shift_right(value, shift, rounding) == rounded(Fraction(value, 2**shift), rounding)


@pytest.mark.parametrize("rounding", [Rounding.HALF_AWAY, Rounding.HALF_UP])
@given(value=word(32), shift=st.integers(0, 31), off=st.integers(-1, 1), tie=st.booleans())
def test_any_word_and_its_ties(rounding, value, shift, off, tie):
    if tie and 0 < shift < 31:
        value = max(min((value >> shift << shift) + (1 << shift - 1) + off, 2**31 - 1), -(2**31))
    assert shift_right_32(value, shift, rounding) == rounded(Fraction(value, 2**shift), rounding)


@pytest.mark.parametrize("rounding", [Rounding.HALF_AWAY, Rounding.HALF_UP])
def test_words_exhaustively_where_they_are_small(rounding):
    for shift in range(10):
        for value in range(-600, 601):
            assert shift_right_32(value, shift, rounding) == rounded(Fraction(value, 2**shift), rounding), (
                value,
                shift,
            )


@pytest.mark.parametrize(
    ("rounding", "expected"),
    [
        (Rounding.FLOOR, [-3, -2, -2, -1, 0, 0, 1, 1, 2]),
        (Rounding.CEIL, [-2, -2, -1, -1, 0, 1, 1, 2, 2]),
        (Rounding.TOWARD_ZERO, [-2, -2, -1, -1, 0, 0, 1, 1, 2]),
        (Rounding.HALF_EVEN, [-2, -2, -2, -1, 0, 0, 1, 2, 2]),
        (Rounding.HALF_AWAY, [-3, -2, -2, -1, 0, 1, 1, 2, 2]),
        (Rounding.HALF_UP, [-2, -2, -1, -1, 0, 1, 1, 2, 2]),
        (Rounding.HALF_TOWARD_ZERO, [-2, -2, -1, -1, 0, 0, 1, 1, 2]),
    ],
)
def test_halves_written_out(rounding, expected):
    halves = [-5, -4, -3, -2, 0, 1, 2, 3, 4]
    assert [shift_right(value, 1, rounding) for value in halves] == expected

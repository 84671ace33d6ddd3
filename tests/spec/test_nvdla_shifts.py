from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from int8sim.spec.nvdla import (
    half_away,
    shift_left_saturate,
    shift_right_overflows,
    shift_right_saturate,
    shift_right_saturate_64,
    shift_signed_saturate,
)

from . import exact
from .exact import clip, word
from .nvdla_exact import SHIFTS, ends, overflows, shifted

WIDE_SHIFTS = st.integers(0, 80) | st.integers(0, 1023)


@given(word(64), SHIFTS)
@example(2**63 - 1, 63)
@example(-(2**63), 63)
def test_half_away(value, shift):
    assert half_away(value, shift) == exact.half_away(Fraction(value, 2**shift))


@given(word(62), WIDE_SHIFTS, st.integers(1, 62), st.integers(2, 40))
def test_shift_right_saturate(value, shift, width, bits):
    assert shift_right_saturate(value, shift, width, bits) == shifted(value, shift, width, bits)


@given(word(64), WIDE_SHIFTS, st.integers(2, 40))
def test_shift_right_saturate_64(value, shift, bits):
    assert shift_right_saturate_64(value, shift, bits) == shifted(value, shift, 64, bits)


@given(word(64), WIDE_SHIFTS, st.integers(1, 64), st.integers(2, 40))
def test_shift_right_overflows(value, shift, width, bits):
    assert shift_right_overflows(value, shift, width, bits) == overflows(value, shift, width, bits)


@pytest.mark.parametrize("bits", [8, 17])
@given(data=st.data(), shift=st.integers(1, 40))
def test_the_flag_is_that_of_the_value_except_just_below_the_minimum(bits, data, shift):
    """There the value floors beyond the word and rounds back to its end: saturated by the flag, exact by the value."""
    low, high = ends(bits)
    near = data.draw(st.sampled_from([low, high])) * 2**shift + data.draw(st.integers(-(2**shift), 2**shift))
    changed = shift_right_saturate(near, shift, 62, bits) != half_away(near, shift)
    back = near < low * 2**shift and half_away(near, shift) == low
    assert shift_right_overflows(near, shift, 62, bits) == (changed or back)


@given(word(16), SHIFTS, st.sampled_from([16, 32]))
def test_shift_left_saturate(value, shift, bits):
    assert shift_left_saturate(value, shift, bits) == clip(value * 2**shift, *ends(bits))


@given(word(50), st.integers(-16, 15), st.sampled_from([16, 32]))
def test_shift_signed_saturate(value, shift, bits):
    found = shift_signed_saturate(value, shift, 50, bits)
    assert found == clip(exact.half_away(Fraction(value) / Fraction(2) ** shift), *ends(bits))


@given(word(49), SHIFTS)
def test_all_shifters_are_one(value, shift):
    assume(shift < 49)
    assert shift_right_saturate(value, shift, 49, 32) == shift_right_saturate_64(value, shift, 32)
    if shift < 16:
        assert shift_signed_saturate(value, shift, 50, 32) == shift_right_saturate(value, shift, 49, 32)

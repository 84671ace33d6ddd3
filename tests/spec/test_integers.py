from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.integers import Word, clamp, leading_zeros_32, saturate, saturating_add, sign_extend, wrap

from .exact import clip, signed, word

BITS = st.integers(1, 62)
ANY = st.integers(-(2**70), 2**70)


@given(ANY, BITS)
def test_wrap_is_the_congruent_word(value, bits):
    assert wrap(value, bits) == sign_extend(value, bits) == signed(value, bits)


@given(ANY, BITS, st.booleans())
def test_saturate_is_the_nearest_word(value, bits, is_signed):
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    assert saturate(value, bits, is_signed) == clip(value, low, high)
    word_range = Word(bits, is_signed)
    assert (word_range.low, word_range.high) == (low, high)


@pytest.mark.parametrize("bits", range(1, 9))
def test_wrap_and_saturate_exhaustively(bits):
    for value in range(-600, 600):
        assert wrap(value, bits) == signed(value, bits)
        assert saturate(value, bits) == clip(value, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
        assert saturate(value, bits, signed=False) == clip(value, 0, 2**bits - 1)


@given(ANY, ANY, ANY)
def test_clamp(value, one, other):
    low, high = min(one, other), max(one, other)
    assert clamp(value, low, high) == clip(value, low, high)


def test_leading_zeros_at_every_power_of_two():
    for power in range(33):
        for value in (2**power - 1, min(2**power, 2**32 - 1)):
            assert leading_zeros_32(value) == 32 - value.bit_length()


@given(word(32, is_signed=False))
def test_leading_zeros(value):
    assert leading_zeros_32(value) == 32 - value.bit_length()


@given(word(34), word(34), st.integers(2, 34))
def test_saturating_add(acc, product, bits):
    assert saturating_add(acc, product, bits) == clip(acc + product, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1)

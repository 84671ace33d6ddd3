"""Words at their ends, each width."""

from __future__ import annotations

from typing import get_args

import pytest

from int8sim.spec import integers
from int8sim.spec.integers import (
    Word,
    clamp,
    clamp_offset,
    leading_zeros_32,
    saturate,
    saturating_add,
    sign_extend,
    wrap,
)


def test_every_word_is_as_wide_as_its_name():
    """S8: -128 .. 127; U5: 0 .. 31."""
    words = {
        name: get_args(value)[1] for name, value in vars(integers).items() if name[0] in "SU" and name[1:].isdigit()
    }
    assert len(words) >= 29
    for name, word in words.items():
        bits = int(name[1:])
        ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if name[0] == "S" else (0, 2**bits - 1)
        assert (word.bits, word.signed, word.low, word.high) == (bits, name[0] == "S", *ends), name


@pytest.mark.parametrize("bits", [1, 2, 8, 31, 32, 34, 62, 64])
def test_one_beyond_either_end(bits):
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    assert (Word(bits, signed=True).low, Word(bits, signed=True).high) == (low, high)
    assert (Word(bits, signed=False).low, Word(bits, signed=False).high) == (0, 2**bits - 1)
    ends = [low - 1, low, high, high + 1]
    assert [saturate(value, bits) for value in ends] == [low, low, high, high]
    assert (
        [wrap(value, bits) for value in ends] == [sign_extend(value, bits) for value in ends] == [high, low, high, low]
    )
    assert [saturate(value, bits, signed=False) for value in (-1, 0, 2**bits - 1, 2**bits)] == [
        0,
        0,
        *[2**bits - 1] * 2,
    ]
    assert [saturating_add(low, -1, bits), saturating_add(high, 1, bits), saturating_add(low, 1, bits)] == [
        low,
        high,
        low + 1,
    ]


def test_clamp_written_out():
    assert [clamp(value, -3, 5) for value in (-4, -3, 0, 5, 6)] == [-3, -3, 0, 5, 5]
    assert clamp(9, 4, 4) == 4


def test_clamp_offset_written_out():
    assert [clamp_offset(value, 2, -3, 5) for value in (-6, -5, -2, 3, 4)] == [-3, -3, 0, 5, 5]
    assert [clamp_offset(value, -2, -3, 5) for value in (-2, -1, 2, 7, 8)] == [-3, -3, 0, 5, 5]
    assert clamp_offset(2**31 - 1, 32767, -128, 127) == 127
    assert clamp_offset(-(2**31), -32768, -128, 127) == -128


def test_leading_zeros_of_every_length_and_both_neighbours():
    for bits in range(33):
        for value in {2**bits - 1, 2**bits - 2, 2 ** max(bits - 1, 0), 2 ** max(bits - 1, 0) + 1}:
            if 0 <= value < 2**32:
                found = leading_zeros_32(value)
                assert found == 32 - value.bit_length()
                assert type(found) is int

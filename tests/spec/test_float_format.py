"""Float patterns taken apart and put together, against Fractions, struct and NumPy's float16."""

from __future__ import annotations

import struct
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.spec.float_format import (
    bit_length,
    compose,
    exponent_bias,
    exponent_field,
    fraction_bits,
    infinity,
    is_infinite_or_nan,
    is_nan,
    is_negative,
    last_place,
    signed_pattern,
    significand,
)
from int8sim.spec.rounding import Rounding

from .float_exact import EMAX, INFINITE, NORMAL, PRECISION, is_subnormal, pattern_of, patterns, sign_of

WIDTHS = (16, 32, 64)
CODES = {16: ("<e", "<H"), 32: ("<f", "<I"), 64: ("<d", "<Q")}


@pytest.mark.parametrize("width", WIDTHS)
def test_parameters_of_the_formats(width):
    assert fraction_bits(width) == PRECISION[width] - 1
    assert exponent_bias(width) == EMAX[width]
    assert infinity(width) == INFINITE[width]


@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=50)
@given(st.data())
def test_taken_apart(width, data):
    pattern = data.draw(patterns(width))
    value = struct.unpack(CODES[width][0], struct.pack(CODES[width][1], pattern))[0]
    assert is_nan(pattern, width) == (value != value)
    assert is_infinite_or_nan(pattern, width) == (value - value != 0.0)
    assert is_negative(pattern, width) == bool(sign_of(pattern, width))
    assert exponent_field(pattern, width) == pattern % 2 ** (width - 1) // NORMAL[width]
    if value - value == 0.0:
        sign = -1 if is_negative(pattern, width) else 1
        assert sign * significand(pattern, width) * Fraction(2) ** last_place(pattern, width) == Fraction(value)
        flushed = 0 if is_subnormal(pattern, width) else abs(Fraction(value))
        assert significand(pattern, width, flush=True) * Fraction(2) ** last_place(pattern, width) == flushed


@given(patterns(16))
def test_bits_above_the_width_are_ignored(pattern):
    for above in (pattern + 2**16, pattern - 2**20):
        assert significand(above, 16) == significand(pattern, 16)
        assert last_place(above, 16) == last_place(pattern, 16)
        assert is_negative(above, 16) == is_negative(pattern, 16)
        assert is_nan(above, 16) == is_nan(pattern, 16)


@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=100)
@given(rounding=st.sampled_from(Rounding), data=st.data())
def test_put_together(width, rounding, data):
    """At every scale, between neighbours at ties and just beside them, past the greatest and below the least."""
    base = data.draw(patterns(width)) % INFINITE[width]
    magnitude = significand(base, width) * 8 + data.draw(st.integers(-9, 9))
    negative, power = data.draw(st.booleans()), last_place(base, width) - 3
    check(negative, abs(magnitude), power, width, rounding)


@pytest.mark.parametrize("width", WIDTHS)
@settings(max_examples=100)
@given(
    rounding=st.sampled_from(Rounding),
    magnitude=st.integers(0, 2**64 - 1) | st.integers(0, 300),
    power=st.integers(-1200, 1100),
    negative=st.booleans(),
)
def test_any_integer_times_any_power(width, rounding, magnitude, power, negative):
    check(negative, magnitude, power, width, rounding)


def check(negative, magnitude, power, width, rounding):
    value = (-1 if negative else 1) * magnitude * Fraction(2) ** power
    assert compose(negative, magnitude, power, width, rounding) == pattern_of(value, width, rounding, negative)


@pytest.mark.parametrize("step", [37, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("width", [16, 32])
def test_float16_and_what_lies_between(width, step):
    """Each pattern comes back, and the middle of each pair of neighbours goes to the even one."""
    finite = np.arange(INFINITE[16], dtype=np.uint16).view(np.float16)
    same = np.arange(INFINITE[16]).tolist() if width == 16 else finite.astype(np.float32).view(np.uint32).tolist()
    for pattern, expected in list(enumerate(same))[::step]:
        value = significand(pattern, 16), last_place(pattern, 16)
        assert compose(False, *value, width, Rounding.HALF_EVEN) == expected
        assert compose(True, *value, width, Rounding.HALF_EVEN) == expected + 2 ** (width - 1)
        if width == 16:
            middle = 2 * value[0] + 1, value[1] - 1
            assert compose(False, *middle, 16, Rounding.HALF_EVEN) == pattern + pattern % 2
            assert compose(True, *middle, 16, Rounding.TOWARD_ZERO) == pattern + 0x8000
            assert compose(False, *middle, 16, Rounding.CEIL) == pattern + 1


@given(patterns(64))
def test_float64_to_the_others_is_what_numpy_does(pattern):
    value = np.uint64(pattern).view(np.float64)
    if np.isfinite(value):
        parts = bool(np.signbit(value)), significand(pattern, 64), last_place(pattern, 64)
        with np.errstate(over="ignore", under="ignore"):
            assert compose(*parts, 32, Rounding.HALF_EVEN) == int(value.astype(np.float32).view(np.uint32))
            assert compose(*parts, 16, Rounding.HALF_EVEN) == int(value.astype(np.float16).view(np.uint16))


@pytest.mark.parametrize("width", WIDTHS)
def test_signs(width):
    assert signed_pattern(False, 5, width) == 5
    assert signed_pattern(True, 5, width) == 2 ** (width - 1) + 5


def test_bit_length():
    assert bit_length(0) == 0
    for bits in range(1, 65):
        for value in (2 ** (bits - 1), 2 ** (bits - 1) + 1, 2**bits - 1):
            assert bit_length(value) == value.bit_length()

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from int8sim.spec.multipliers import (
    float32_ratio,
    mean_multiplier,
    nvdla_ratio,
    nvdla_scale,
    nvdla_shift,
    tflite_multiplier,
)

from .exact import float32_product, float32_quotient, half_away, scales

REALS = st.floats(2.0**-45, 2.0**40) | st.floats(2.0**-10, 1.0)


def exponent_of(real: Fraction) -> int:
    """e with 2**(e - 1) <= real < 2**e."""
    e = real.numerator.bit_length() - real.denominator.bit_length()
    return e + 1 if real >= Fraction(2) ** e else e


@given(REALS)
def test_tflite_multiplier(real):
    true = Fraction(real)
    exponent = exponent_of(true)
    mantissa = half_away(true / Fraction(2) ** exponent * 2**31)
    if mantissa == 2**31:
        mantissa, exponent = 2**30, exponent + 1
    expected = (0, 0) if exponent < -31 else (mantissa, -exponent)
    assert tflite_multiplier(real) == expected
    if exponent >= -31:
        assert 2**30 <= mantissa < 2**31
        assert abs(Fraction(mantissa) / Fraction(2) ** (31 - exponent) - true) <= true / 2**31


@pytest.mark.parametrize(
    ("real", "expected"),
    [
        (1.0, (2**30, -1)),
        (0.5, (2**30, 0)),
        (0.75, (3 * 2**29, 0)),
        (1 - 2.0**-40, (2**30, -1)),  # the mantissa rounds to 1
        (1 - 2.0**-31, (2**31 - 1, 0)),
        (1 - 2.0**-32, (2**30, -1)),  # a tie, away from zero
        (2.0**-32, (2**30, 31)),
        (math.nextafter(2.0**-32, 0), (2**30, 31)),
        (2.0**-33, (0, 0)),
        (0.0, (0, 0)),
    ],
)
def test_tflite_multiplier_written_out(real, expected):
    assert tflite_multiplier(real) == expected


@given(st.floats(2.0**-30, 2.0**10, width=32), st.booleans())
def test_nvdla_scale_fills_fifteen_bits(real, negative):
    value = -real if negative else real
    shift = nvdla_shift(value)
    scale = nvdla_scale(value, shift)
    assert scale == math.trunc(Fraction(value) * Fraction(2) ** shift)
    assert 2**14 <= abs(scale) < 2**15
    assert 0 <= abs(Fraction(value)) - Fraction(abs(scale)) / Fraction(2) ** shift < Fraction(1, 2) ** shift


def test_nvdla_scale_of_zero_and_of_the_compilers_own():
    assert (nvdla_shift(0.0), nvdla_scale(0.0, 0)) == (0, 0)
    assert (nvdla_shift(1.0), nvdla_scale(1.0, 14)) == (14, 16384)
    assert (nvdla_shift(16557 / 2**23), nvdla_scale(16557 / 2**23, 23)) == (23, 16557)  # the LeNet's first converter


@given(scales(), scales(), scales())
def test_ratios_are_computed_in_their_own_order(x, w, y):
    assert float32_ratio(x, w, y) == float32_quotient(float32_product(x, w), y)
    assert nvdla_ratio(x, w, y) == float32_product(float32_quotient(x, y), w)


@given(st.floats(2.0**-20, 2.0**8), st.integers(1, 2**16))
def test_mean_multiplier(real, count):
    """TensorFlow Lite's text: shift = 63 - clz(count), at most 32, at most 31 + the left shift; truncated quotient."""
    multiplier, right = tflite_multiplier(real)
    assume(multiplier)
    room = min(63 - (64 - count.bit_length()), 32, 31 - right)
    expected = math.floor(Fraction(multiplier) * Fraction(2) ** room / count), right + room
    assert mean_multiplier(real, count) == expected
    found, shift = expected
    true = Fraction(real) / count
    if room == count.bit_length() - 1:
        assert abs(Fraction(found) / Fraction(2) ** (31 + shift) - true) <= true / 2**29

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.dynamic import dynamic_is_defined, dynamic_scale, dynamic_zero_point

from .exact import INFINITY, finite_float32, float32_quotient, float32_sum, half_even, nearest_float32

FINITE = finite_float32()
SMALLEST = 2.0**-149


@given(FINITE, FINITE)
def test_by_fractions(one, other):
    low, high = min(one, other), max(one, other)
    bottom, top = min(low, 0.0), max(high, 0.0)
    width = float32_sum(top, -bottom)
    scale = float32_quotient(width, 255.0) if width else 1.0
    assert dynamic_scale(low, high) == scale
    assert dynamic_is_defined(low, high) == (0.0 < scale < INFINITY)
    if 0.0 < scale < INFINITY:
        quotient = nearest_float32(-Fraction(bottom) / Fraction(scale))
        assert dynamic_zero_point(low, scale) == min(half_even(Fraction(quotient)), 255)
        assert 0 <= dynamic_zero_point(low, scale) <= 255


@pytest.mark.parametrize(
    ("low", "high", "scale", "zero_point"),
    [
        (-100.0, 155.0, 1.0, 100),
        (-100.5, 154.5, 1.0, 100),  # a tie, to even
        (-101.5, 153.5, 1.0, 102),
        (-255.0, 0.0, 1.0, 255),
        (-510.0, -255.0, 2.0, 255),
        (0.0, 510.0, 2.0, 0),
        (5.0, 255.0, 1.0, 0),
        (0.0, 0.0, 1.0, 0),
        (-0.0, -0.0, 1.0, 0),
        (127 * SMALLEST, 128 * SMALLEST, SMALLEST, 0),
        (-382 * SMALLEST, 0.0, SMALLEST, 255),  # 382 / 255 is 1 in units of the smallest; the zero point ends at 255
    ],
)
def test_ranges(low, high, scale, zero_point):
    assert dynamic_scale(low, high) == scale
    assert dynamic_zero_point(low, scale) == zero_point
    assert dynamic_is_defined(low, high)


def test_where_it_is_not_defined():
    """Measured on ONNX Runtime 1.31.1, x86: a quotient that is no number ends at 255."""
    assert dynamic_scale(0.0, 127 * SMALLEST) == 0.0
    assert dynamic_zero_point(0.0, 0.0) == 255
    assert dynamic_zero_point(-SMALLEST, 0.0) == 255
    assert dynamic_scale(-3e38, 3e38) == INFINITY
    assert dynamic_zero_point(-3e38, INFINITY) == 0
    assert dynamic_zero_point(-INFINITY, INFINITY) == 255
    for low, high in [(0.0, 127 * SMALLEST), (-3e38, 3e38), (-INFINITY, 1.0), (0.0, INFINITY)]:
        assert not dynamic_is_defined(low, high)
    for low, high in [(math.nan, 1.0), (0.0, math.nan), (math.nan, math.nan)]:
        assert not dynamic_is_defined(low, high)


@given(st.integers(-600, 0), st.integers(0, 600))
def test_ranges_of_halves(low, high):
    scale = dynamic_scale(low / 2, high / 2)
    exact = Fraction(high - low, 510) if high > low else Fraction(1)
    assert scale == nearest_float32(exact)

from __future__ import annotations

from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.qlinear import (
    leaky_relu_real,
    logistic_fma,
    multiply_float32,
    multiply_float32_is_defined,
    sigmoid_real,
)

from .exact import (
    CODE_RANGES,
    INFINITY,
    finite_float32,
    float32_product,
    float32_quotient,
    float32_sum,
    half_even_clipped,
    nearest_float32,
    scales,
)

CODES = st.integers(-128, 255)
SCALES = scales(2.0**-10, 2.0**3)
TWO_31 = 2.0**31
DIGITS = Context(prec=40)

# MlasLogisticConstants, x**9 and x**10 first
ALPHA = ["4.37031012579801e-11", "1.15627324459942e-07", "6.08574864600143e-05", "8.51377133304701e-03"]
ALPHA += ["2.48287947061529e-01"]
BETA = ["6.10247389755681e-13", "5.76102136993427e-09", "6.29106785017040e-06", "1.70198817374094e-03"]
BETA += ["1.16817656904453e-01", "9.93151921023180e-01"]


def horner(coefficients: list[str], x: float) -> float:
    """One rounding for each product and sum."""
    first, *rest = (nearest_float32(Fraction(text)) for text in coefficients)
    for coefficient in rest:
        first = nearest_float32(Fraction(first) * Fraction(x) + Fraction(coefficient))
    return first


def logistic_definition(x: float) -> float:
    x = min(max(x, -18.0), 18.0)
    square = float32_product(x, x)
    top = float32_product(horner(ALPHA, square), x)
    return max(float32_sum(float32_quotient(top, horner(BETA, square)), 0.5), 0.0)


def exact_logistic(x: float) -> float:
    return float(1 / (1 + DIGITS.exp(Decimal(-x))))


EVERYWHERE = st.floats(-20.0, 20.0, width=32) | st.floats(-1.0, 1.0, width=32) | finite_float32()


@given(EVERYWHERE)
def test_logistic_fma(x):
    assert logistic_fma(x) == logistic_definition(x)
    assert abs(logistic_fma(x) - exact_logistic(min(max(x, -20.0), 20.0))) < 2.5e-7


def test_a_grid_of_logistic_fma(compared):
    """Steps of 1/16 over -19 .. 19, finer ones where the highest powers decide the last bit."""
    points = [k / 16 for k in range(-304, 305)] + [sign * k / 128 for k in range(1152, 2304, 3) for sign in (1, -1)]
    assert [x for x in points if logistic_fma(x) != logistic_definition(x)] == []
    compared(len(points), least=1300)


def test_ends_of_logistic_fma():
    assert logistic_fma(0.0) == 0.5
    for x in (18.0, 18.5, 3e38, INFINITY):
        assert (logistic_fma(x), logistic_fma(-x)) == (1.0, 0.0)
    assert logistic_fma(-17.99) > 0.0  # measured on ONNX Runtime 1.31.1, as the next


@pytest.mark.parametrize("x", [17.482065200805664, 17.631031036376953, 17.695676803588867])
def test_logistic_fma_above_1_and_not_below_0(x):
    assert (logistic_fma(x), logistic_fma(-x)) == (1.0 + 2.0**-23, 0.0)


def through_real(function, x, sx, zx, sy, zy, ends):
    real = function(float32_product(float(x - zx), sx))
    return half_even_clipped(float32_quotient(real, sy), ends[0] - zy, ends[1] - zy) + zy


@given(CODES, scales(2.0**-8, 1.0), CODES, scales(2.0**-9, 2.0**-6), CODES, CODE_RANGES)
def test_sigmoid_real(x, sx, zx, sy, zy, ends):
    assert sigmoid_real(x, sx, zx, sy, zy, *ends) == through_real(logistic_definition, x, sx, zx, sy, zy, ends)


@given(CODES, st.floats(-2.0, 2.0, width=32), SCALES, CODES, SCALES, CODES, CODE_RANGES)
def test_leaky_relu_real(x, slope, sx, zx, sy, zy, ends):
    def leaky(v):
        return v if v >= 0 else float32_product(v, slope)

    assert leaky_relu_real(x, slope, sx, zx, sy, zy, *ends) == through_real(leaky, x, sx, zx, sy, zy, ends)


def value_of(a, b, za, zb, multiplier, zy):
    return float32_sum(float32_product(float((a - za) * (b - zb)), multiplier), float(zy))


@given(CODES, CODES, CODES, CODES, scales(2.0**-16, 2.0**20), CODES, CODE_RANGES)
def test_multiply_float32(a, b, za, zb, multiplier, zy, ends):
    value = value_of(a, b, za, zb, multiplier, zy)
    defined = -TWO_31 <= value < TWO_31
    assert multiply_float32_is_defined(a, b, za, zb, multiplier, zy) == defined
    expected = half_even_clipped(value, *ends) if value < TWO_31 else ends[0]
    assert multiply_float32(a, b, za, zb, multiplier, zy, *ends) == expected


@given(st.integers(-127, 127), st.integers(-127, 127), st.integers(1, 8), st.integers(-128, 127))
def test_multiply_float32_at_ties(a, b, shift, zy):
    """The zero point is in the sum that is rounded: ties go to even codes, not to even differences."""
    exact = Fraction(a * b, 2**shift) + zy
    assert multiply_float32(a + 3, b - 5, 3, -5, 2.0**-shift, zy, -128, 127) == half_even_clipped(exact, -128, 127)


@pytest.mark.parametrize(
    ("a", "b", "za", "zb", "multiplier", "zy", "expected"),
    [(1, 1, 0, 0, 0.5, 1, 2), (1, 3, 0, 0, 0.5, 1, 2), (1, 1, 0, 0, 0.5, 0, 0), (9, 5, 8, 2, 0.5, 1, 2)],
)
def test_small_products(a, b, za, zb, multiplier, zy, expected):
    assert multiply_float32(a, b, za, zb, multiplier, zy, 0, 255) == expected


def test_multiply_float32_is_not_fused():
    """Where a fused multiply-add gives another code."""
    different = 0
    for a in range(131, 256, 4):
        for b in range(1, 256, 5):
            multiplier = nearest_float32(Fraction(255, 2 * a * b))
            exact = Fraction(a * b) * Fraction(multiplier) - 100
            fused = half_even_clipped(nearest_float32(exact), -128, 127)
            found = multiply_float32(a, b, 0, 0, multiplier, -100, -128, 127)
            assert found == half_even_clipped(value_of(a, b, 0, 0, multiplier, -100), -128, 127)
            different += found != fused
    assert different > 10


@pytest.mark.parametrize(("low", "high"), [(-128, 127), (0, 255)])
def test_products_beyond_int32(low, high):
    """Measured on ONNX Runtime 1.31.1, x86: the conversion gives -2**31."""
    assert multiply_float32(1, 1, 0, 0, TWO_31 - 128, 0, low, high) == high
    assert multiply_float32_is_defined(1, 1, 0, 0, TWO_31 - 128, 0)
    assert multiply_float32_is_defined(-1, 1, 0, 0, TWO_31, 0)
    assert not multiply_float32_is_defined(-1, 1, 0, 0, TWO_31 + 256, 0)
    for multiplier in (TWO_31, 2.0**40, 3e38, INFINITY):
        assert multiply_float32(1, 1, 0, 0, multiplier, 0, low, high) == low
        assert multiply_float32(-1, 1, 0, 0, multiplier, 0, low, high) == low
        assert not multiply_float32_is_defined(1, 1, 0, 0, multiplier, 0)
    assert multiply_float32(0, 1, 0, 0, INFINITY, 0, low, high) == low
    assert not multiply_float32_is_defined(0, 1, 0, 0, INFINITY, 0)

"""The float32 activation functions against exact values."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.activations import (
    elu,
    erf,
    erf_series,
    erfc_binary64,
    gelu,
    gelu_tanh,
    hard_sigmoid,
    hard_swish,
    identity,
    leaky_relu,
    sigmoid,
    tanh,
)

from .exact import finite_float32, float32_product, float32_quotient, float32_sum

DIGITS = Context(prec=60)
NEAREST = Decimal("0.50001")
REMAINDERS = finite_float32().map(lambda x: float(np.float32(math.remainder(x, 20.0))))
EVERYWHERE = st.floats(-120.0, 120.0, width=32) | REMAINDERS


def error(found, true):
    """In units of the last place of the exact result."""
    unit = math.ldexp(1.0, max(math.frexp(float(true))[1] - 24, -149))
    return abs(Decimal(found) - true) / Decimal(unit)


def exact_sigmoid(x):
    return DIGITS.divide(Decimal(1), DIGITS.add(Decimal(1), DIGITS.exp(Decimal(-x))))


def exact_tanh(x):
    squared = DIGITS.exp(Decimal(2 * x))
    return DIGITS.divide(DIGITS.subtract(squared, Decimal(1)), DIGITS.add(squared, Decimal(1)))


@given(EVERYWHERE)
def test_sigmoid_error_is_bounded(x):
    assert error(sigmoid(x), exact_sigmoid(x)) <= NEAREST


@given(EVERYWHERE | st.floats(-0.03125, 0.03125, width=32))
def test_tanh_error_is_bounded(x):
    assert error(tanh(x), exact_tanh(x)) <= NEAREST


def test_a_grid_of_both(compared):
    """Steps of 1/512 over -12 .. 12: around the ends of every piece."""
    points = [k / 512 for k in range(-6144, 6145)]
    worst = max(max(error(sigmoid(x), exact_sigmoid(x)), error(tanh(x), exact_tanh(x))) for x in points)
    assert worst <= NEAREST
    compared(2 * len(points), least=24_000)


def test_ends():
    assert [sigmoid(x) for x in (0.0, 1e30, -1e30, 104.0, -104.0)] == [0.5, 1.0, 0.0, 1.0, 0.0]
    assert sigmoid(-103.0) == 2.0**-149
    assert [tanh(x) for x in (1e30, -1e30, 10.0, -10.0)] == [1.0, -1.0, 1.0, -1.0]
    assert math.copysign(1.0, tanh(-0.0)) == -1.0
    assert tanh(1e-45) == float(np.float32(1e-45))


@given(st.floats(-20.0, 20.0, width=32))
def test_hard_swish_by_fractions(x):
    gate = min(max(float32_sum(x, 3.0), 0.0), 6.0)
    assert hard_swish(x) == float32_quotient(float32_product(x, gate), 6.0)


def test_hard_swish_at_its_corners():
    assert [hard_swish(x) for x in (-4.0, -3.0, -1.5, 0.0, 3.0, 4.0)] == [0.0, 0.0, -0.375, 0.0, 3.0, 4.0]


@given(finite_float32(), st.floats(-2.0, 2.0, width=32))
def test_leaky_relu_and_identity(x, slope):
    assert leaky_relu(x, slope) == (x if x > 0 else float32_product(x, slope))
    assert identity(x) == x
    assert Fraction(leaky_relu(abs(x), slope)) == Fraction(abs(x)) or x == 0


def exact_erf(x):
    """By its series without cancellation: every term is positive."""
    square, total, term, n = DIGITS.multiply(x, x), Decimal(0), x, 0
    while abs(term) > abs(x) * Decimal("1e-50"):
        total, n = DIGITS.add(total, term), n + 1
        term = DIGITS.divide(DIGITS.multiply(term, DIGITS.multiply(square, 2)), Decimal(2 * n + 1))
    root = DIGITS.divide(Decimal(2), DIGITS.sqrt(Decimal("3.14159265358979323846264338327950288419716939937510582")))
    return DIGITS.multiply(DIGITS.multiply(root, DIGITS.exp(-square)), total)


def exact_gelu(x):
    share = DIGITS.add(1, exact_erf(DIGITS.divide(Decimal(x), DIGITS.sqrt(Decimal(2)))))
    return DIGITS.multiply(DIGITS.divide(Decimal(x), 2), share)


@given(st.floats(-7.0, 7.0, width=32).filter(bool))
def test_erf_and_gelu_errors_are_bounded(x):
    assert error(erf(x), exact_erf(Decimal(x))) <= NEAREST
    assert error(gelu(x), exact_gelu(x)) <= NEAREST


@given(st.floats(0.5, 10.0), st.floats(0.0, 0.5, width=32))
def test_parts_of_erf(a, b):
    true = 1 - exact_erf(Decimal(a)) if a < 4 else Decimal(math.erfc(a))
    assert abs(Decimal(erfc_binary64(a)) / true - 1) < Decimal(2.0**-39)
    assert abs(Decimal(erf_series(b)) - exact_erf(Decimal(b))) <= Decimal(b) * Decimal(2.0**-49)


@given(EVERYWHERE.filter(bool), st.floats(0.125, 2.0, width=32))
def test_elu_error_is_bounded(x, slope):
    exact = Decimal(x) if x > 0 else DIGITS.multiply(Decimal(slope), DIGITS.subtract(DIGITS.exp(Decimal(x)), 1))
    assert error(elu(x, slope), exact) <= NEAREST


@given(st.floats(-8.0, 8.0, width=32).filter(bool))
def test_gelu_by_its_tangent(x):
    u = 0.79788456080286535588 * (x + 0.044715 * x**3)
    assert math.isclose(gelu_tanh(x), x / (1.0 + math.exp(-2.0 * u)), rel_tol=1e-6, abs_tol=1e-44)


def test_ends_of_gelu_and_elu():
    assert [gelu(x) for x in (-1e30, -15.0, 0.0, 15.0, 2.0**99)] == [0.0, 0.0, 0.0, 15.0, 2.0**99]
    assert [gelu_tanh(x) for x in (-1e10, -20.0, 0.0, 20.0)] == [0.0, 0.0, 0.0, 20.0]
    assert [elu(x, 1.0) for x in (-1e30, -100.0, 0.0, 2.0**99)] == [-1.0, -1.0, 0.0, 2.0**99]
    assert [erf(x) for x in (-1e30, -5.0, 0.0, 5.0)] == [-1.0, -1.0, 0.0, 1.0]


@given(st.floats(-20.0, 20.0, width=32), st.floats(-2.0, 2.0, width=32), st.floats(-2.0, 2.0, width=32))
def test_hard_sigmoid(x, slope, shift):
    line = float32_sum(float32_product(x, slope), shift)
    assert hard_sigmoid(x, slope, shift) == min(max(line, 0.0), 1.0)

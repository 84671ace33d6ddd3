"""The float32 activation functions against exact values."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.activations import hard_swish, identity, leaky_relu, sigmoid, tanh

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

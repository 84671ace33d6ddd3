"""The activation functions where one bit decides: near ties of tanh, the sign of zero, the least float32."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import pytest

from int8sim.spec.activations import leaky_relu, tanh

from .exact import nearest_float32

DIGITS = Context(prec=60)
NEAR_TIES = [  # so near that the series' coefficients decide, each to its last place in float32, or that there is one
    "0x1.71373cp-12",
    "0x1.4f7474p-11",
    "0x1.b79208p-10",
    "0x1.1b9652p-9",
    "0x1.1b965cp-9",
    "0x1.3e48dep-9",
    "0x1.9f2dacp-9",
    "0x1.f1f3ccp-9",
    "0x1.fa453cp-9",
    "0x1.fc4ecap-9",
    "0x1.fe5430p-9",
    "0x1.fe5434p-9",
    "0x1.fe5476p-9",
    "0x1.fe62ccp-9",
]


def exact_tanh(x):
    squared = DIGITS.exp(Decimal(2 * x))
    return Fraction(DIGITS.divide(DIGITS.subtract(squared, Decimal(1)), DIGITS.add(squared, Decimal(1))))


@pytest.mark.parametrize("text", NEAR_TIES)
def test_tanh_at_near_ties(text):
    x = float.fromhex(text)
    assert tanh(x) == nearest_float32(exact_tanh(x))
    assert tanh(-x) == -tanh(x)


def test_leaky_relu_beside_zero():
    """Zero is not above zero: it is multiplied, and gets the slope's sign."""
    assert math.copysign(1.0, leaky_relu(0.0, -1.0)) == -1.0
    assert leaky_relu(2.0**-149, 4.0) == 2.0**-149
    assert leaky_relu(-(2.0**-149), 4.0) == -(2.0**-147)

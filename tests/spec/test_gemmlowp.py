"""gemmlowp's fixed point against its own text, and against the real functions."""

from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.gemmlowp import (
    exp_on_negative_values,
    logistic,
    one_minus_over_one_plus,
    one_over_one_plus,
    tanh,
)

from .gemmlowp_exact import (
    HIGH,
    LOW,
    exp_definition,
    logistic_definition,
    saturated,
    tanh_definition,
    two_over_one_plus,
)

DIGITS = Context(prec=40)
INTEGER_BITS = [4, 5]
POWERS = st.integers(22, 30)  # one factor of the barrel alone
NEGATIVE = (
    st.integers(LOW, 0) | st.integers(-(2**28), 0) | st.builds(lambda bit, a: a - 2**bit, POWERS, st.integers(-999, 0))
)
ANY = NEGATIVE | NEGATIVE.map(lambda a: min(-a, HIGH)) | st.integers(-(2**26), 2**26) | st.sampled_from([0, 1, -1])
BELOW_ONE = st.integers(0, HIGH) | st.sampled_from([0, 1, 2**30, HIGH - 1, HIGH])
UNIT = Fraction(1, 2**31)


@pytest.mark.parametrize("integer_bits", INTEGER_BITS)
@given(NEGATIVE)
def test_exp_on_negative_values(integer_bits, a):
    assert exp_on_negative_values(a, integer_bits) == exp_definition(a, integer_bits)


@pytest.mark.parametrize("integer_bits", INTEGER_BITS)
def test_exp_on_negative_values_is_near_the_real_one(integer_bits):
    for a in range(LOW, 1, 2**31 // 3000):
        true = DIGITS.exp(Decimal(a) / 2 ** (31 - integer_bits)) * 2**31
        assert abs(exp_on_negative_values(a, integer_bits) - true) < 1000  # of 2**31
    assert exp_on_negative_values(0, integer_bits) == HIGH


@given(BELOW_ONE)
def test_one_over_one_plus(a):
    found = one_over_one_plus(a)
    assert found == saturated(two_over_one_plus(a) * 2)
    assert abs(found * UNIT - 1 / (1 + a * UNIT)) < 16 * UNIT


@given(BELOW_ONE)
def test_one_minus_over_one_plus(a):
    found = one_minus_over_one_plus(a)
    assert found == saturated((two_over_one_plus(a) - 2**29) * 4)
    assert abs(found * UNIT - (1 - a * UNIT) / (1 + a * UNIT)) < 32 * UNIT


@given(ANY)
def test_logistic(a):
    assert logistic(a) == logistic_definition(a)
    true = 1 / (1 + DIGITS.exp(Decimal(-a) / 2**27))
    assert abs(logistic(a) - true * 2**31) < 1000


@given(ANY)
def test_tanh(a):
    assert tanh(a) == tanh_definition(a)
    squared = DIGITS.exp(Decimal(2 * a) / 2**27)
    assert abs(tanh(a) - (squared - 1) / (squared + 1) * 2**31) < 1200


def test_the_ends():
    assert [logistic(a) for a in (0, HIGH, LOW)] == [2**30, logistic_definition(HIGH), logistic_definition(LOW)]
    assert [tanh(a) for a in (0, HIGH, LOW)] == [0, tanh_definition(HIGH), tanh_definition(LOW)]
    assert one_over_one_plus(0) == one_minus_over_one_plus(0) == HIGH

"""gemmlowp's fixed point where the rounding of one product decides, against its own text."""

import pytest

from int8sim.spec.gemmlowp import exp_on_negative_values, logistic, one_minus_over_one_plus, one_over_one_plus, tanh

from .gemmlowp_exact import (
    HIGH,
    LOW,
    exp_definition,
    logistic_definition,
    saturated,
    tanh_definition,
    two_over_one_plus,
)

FACTORS = [  # the factors of the barrel alone and together, each with a fraction that shows its last bit
    -33555416,
    -67110248,
    -1073741957,
    -1150145366,
    -(2**30) - 2**29,
    1 - 2**31,
]
POLYNOMIAL = [-3086, -67773198]  # the fourth power is a tie of its division by 4
TIES = [2**29, 3 * 2**29, 13 * 2**27]  # products of half the denominator that are an odd multiple of one half
NEAR = [-1, 0, 1]


@pytest.mark.parametrize("integer_bits", [4, 5])
def test_exp_on_negative_values(integer_bits):
    for a in (LOW, 0, *(each + step for each in FACTORS + POLYNOMIAL for step in NEAR)):
        assert exp_on_negative_values(a, integer_bits) == exp_definition(a, integer_bits), a


def test_exp_on_negative_values_of_one_factor():
    """exp of -16 with 5 integer bits, and of -8 with 4, but for a fraction: by hand."""
    found = exp_on_negative_values(-(2**30), 4), exp_on_negative_values(-(2**30), 5)
    assert found == (exp_definition(-(2**30), 4), exp_definition(-(2**30), 5))
    assert abs(found[0] - 720401) <= 1
    assert abs(found[1] - 242) <= 1


def test_reciprocals_at_ties():
    for a in (0, HIGH, *(tie + step for tie in TIES for step in NEAR)):
        assert one_over_one_plus(a) == saturated(two_over_one_plus(a) * 2), a
        assert one_minus_over_one_plus(a) == saturated((two_over_one_plus(a) - 2**29) * 4), a


def test_beside_zero():
    for a in (-2, -1, 0, 1, 2):
        assert logistic(a) == logistic_definition(a)
        assert tanh(a) == tanh_definition(a)

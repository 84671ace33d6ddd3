"""Where steps made of `double`, `single` and `real_half_away` are defined: the last operand, and the one behind it."""

import pytest

from int8sim.spec import requantize

LEGAL, ODD = 2**30, 2**29


@pytest.mark.parametrize(
    "is_defined",
    [
        requantize.double_is_defined,
        requantize.double_up_is_defined,
        requantize.output_double_is_defined,
        requantize.output_double_up_is_defined,
    ],
)
def test_two_roundings(is_defined):
    """Left by 3, 2**28 - 1 still fits; multipliers are 0 or of 31 bits."""
    assert [is_defined(acc, LEGAL, -3) for acc in (2**28 - 1, 2**28, -(2**28), -(2**28) - 1)] == [
        True,
        False,
        True,
        False,
    ]
    assert [is_defined(5, multiplier, 3) for multiplier in (0, ODD, LEGAL - 1, LEGAL, 2**31 - 1, 2**31)] == [
        True,
        False,
        False,
        True,
        True,
        False,
    ]
    assert [is_defined(0, LEGAL, shift) for shift in (-31, -30, 31, 32)] == [False, True, True, False]


@pytest.mark.parametrize("is_defined", [requantize.single_is_defined, requantize.output_single_is_defined])
def test_one_rounding(is_defined):
    assert [is_defined(acc, LEGAL, -3) for acc in (2**29 - 1, 2**29)] == [True, False]
    assert [is_defined(acc, LEGAL, -3) for acc in (2**28 - 1, 2**28 + 2**27)] == [True, True]
    assert [is_defined(5, multiplier, 3) for multiplier in (0, ODD, LEGAL)] == [True, False, True]


@pytest.mark.parametrize("is_defined", [requantize.real_half_away_is_defined, requantize.output_real_is_defined])
def test_binary64(is_defined):
    assert [is_defined(2**30, multiplier) for multiplier in (1.0, 1.9999, 2.0, -2.0, 2.5)] == [
        True,
        True,
        False,
        False,
        False,
    ]


def test_left_shift():
    assert [requantize.left_shift_is_defined(acc, -1) for acc in (2**30 - 1, 2**30, -(2**30), -(2**30) - 1)] == [
        True,
        False,
        True,
        False,
    ]
    assert requantize.left_shift_is_defined(2**31 - 1, 0)
    assert requantize.left_shift_is_defined(2**31 - 1, 5)

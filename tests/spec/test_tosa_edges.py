"""TOSA where the second rounding decides, and where a shift is too small for any value."""

from __future__ import annotations

import pytest

from int8sim.spec.tosa import add_rescaled_is_defined, apply_scale_32, apply_scale_32_is_defined

QUARTER = 2**30, 32  # multiplier and shift
ONE = 2**30, 30


@pytest.mark.parametrize(
    ("value", "multiplier", "expected"),
    [
        (-1, 2**30, 0),  # -1/4 less 1/4 is a tie: up
        (-1, 2**30 + 1, -1),  # 2**-32 below it
        (0, 2**31 - 1, 0),
        (1, 2**30 - 1, 0),  # 1/4 and 1/4 less 2**-32
        (1, 2**30, 1),
    ],
)
def test_the_second_rounding_of_one_unit(value, multiplier, expected):
    assert apply_scale_32(value, multiplier, 32, True) == expected


@pytest.mark.parametrize("value", [-1, 0])
@pytest.mark.parametrize("shift", [0, 1])
def test_no_value_has_a_shift_below_two(value, shift):
    assert not apply_scale_32_is_defined(value, 2**30, shift)


def test_a_sum_is_defined_by_operands_rounded_twice():
    """A quarter becomes 1, and 1 + 1 does not fit the 2 bits that shift 2 leaves; rounded once it were 0."""
    assert not add_rescaled_is_defined(1, 1, 0, 0, *QUARTER, *ONE, 2**30, 2)
    assert not add_rescaled_is_defined(1, 1, 0, 0, *ONE, *QUARTER, 2**30, 2)
    assert add_rescaled_is_defined(0, 1, 0, 0, *QUARTER, *ONE, 2**30, 2)
    assert add_rescaled_is_defined(1, 0, 0, 0, *ONE, *QUARTER, 2**30, 2)

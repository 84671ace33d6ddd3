"""ONNX Runtime's multiplication where one rounding less gives another code, or another side of 2**31."""

from __future__ import annotations

import pytest

from int8sim.spec.qlinear import multiply_float32, multiply_float32_is_defined

ENDS = -128, 127
ODD = 24929, 673  # their product is 2**24 + 1, in float32 2**24


@pytest.mark.parametrize(
    ("a", "b", "multiplier", "zero_point", "expected"),
    [
        (*ODD, 1.5 * 2.0**-24, -1, 0),  # 1.5 - 1 is a tie; (2**24 + 1) * multiplier is 3 * 2**-25 above 1.5
        (1, 1, 0.5 + 2.0**-24, 2, 2),  # 2.5 + 2**-24 is 2.5 in float32, a tie
        (1, 1, 0.5 + 2.0**-24, 0, 1),
        (-1, 1, 0.5 + 2.0**-24, -2, -2),
    ],
)
def test_multiply_float32_rounds_at_every_step(a, b, multiplier, zero_point, expected):
    assert multiply_float32(a, b, 0, 0, multiplier, zero_point, *ENDS) == expected


@pytest.mark.parametrize(
    ("a", "b", "multiplier", "zero_point", "expected"),
    [
        (*ODD, 2.0**7 - 2.0**-17, 0, True),  # 2**31 - 128; of 2**24 + 1 it would be 2**31 - 2**-17
        (11, 1, 195225776.0, 63, True),  # 2**31 - 112 is 2**31 - 128 in float32; and 63 keeps below 2**31 - 64
        (1, 1, 2.0**31 - 128, 63, True),
        (1, 1, 2.0**31 - 128, 64, False),  # 2**31 - 64 is 2**31 in float32
        (1, 1, 2.0**31, -64, False),  # 2**31 - 64, the same
        (1, 1, 2.0**31, -65, True),
    ],
)
def test_multiply_float32_is_defined_by_rounded_steps(a, b, multiplier, zero_point, expected):
    assert multiply_float32_is_defined(a, b, 0, 0, multiplier, zero_point) is expected

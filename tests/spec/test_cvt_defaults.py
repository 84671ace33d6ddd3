"""cvt: defaults, and what is defined, pattern by pattern."""

from __future__ import annotations

import pytest

from int8sim.spec.cvt import float32_to_int8, float32_to_int8_is_defined, int32_to_int8, pack_saturate
from int8sim.spec.rounding import Rounding


def test_results_are_signed_unless_told():
    assert [int32_to_int8(value) for value in (-129, -128, 127, 128)] == [-128, -128, 127, 127]
    assert [int32_to_int8(value, signed=False) for value in (-1, 0, 255, 256)] == [0, 0, 255, 255]
    assert float32_to_int8(0xC3000000, Rounding.HALF_EVEN) == -128
    assert pack_saturate(-300, 300, 0x12345) == 0x2345807F


@pytest.mark.parametrize(
    ("pattern", "defined"),
    [
        (0x3F800001, True),
        (0x00000001, True),
        (0x7F7FFFFF, True),
        (0xFF800000, True),
        (0x7F800001, False),
        (0xFF800001, False),
        (0x7FFFFFFF, False),
    ],
)
def test_only_nan_is_undefined(pattern, defined):
    assert float32_to_int8_is_defined(pattern, Rounding.HALF_EVEN) is defined
    assert not float32_to_int8_is_defined(pattern, Rounding.HALF_AWAY)

"""XNNPACK's MEAN where the total has more bits than a float32."""

from __future__ import annotations

import pytest

from int8sim.spec.xnnpack import mean_offset_rne

MULTIPLIER = 1.5 * 2.0**-24


@pytest.mark.parametrize(
    ("total", "expected"), [(2**24 + 1, 0), (2**24 + 2, 1), (-(2**24) - 1, -2), (-(2**24) - 2, -3)]
)
def test_the_total_of_a_mean_is_rounded(total, expected):
    """2**24 + 1 is 2**24 in float32, and +-1.5 - 1 a tie, to even; with 2**24 + 2 it is 3 * 2**-24 beyond the tie."""
    assert mean_offset_rne(total, 9, MULTIPLIER, -1.0, -128, 127) == expected

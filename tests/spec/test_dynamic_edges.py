"""Ranges wholly below 0, where the widened end decides."""

from __future__ import annotations

import pytest

from int8sim.spec.dynamic import dynamic_is_defined, dynamic_scale, dynamic_zero_point

SMALLEST = 2.0**-149


@pytest.mark.parametrize("high", [-128, -1, 0])
def test_a_range_below_zero_reaches_up_to_zero_itself(high):
    """128 / 255 units are nearest to 1; 127 / 255 of a range that ended one unit lower would be nearest to 0."""
    assert dynamic_scale(-128 * SMALLEST, high * SMALLEST) == SMALLEST
    assert dynamic_is_defined(-128 * SMALLEST, high * SMALLEST)
    assert dynamic_zero_point(-128 * SMALLEST, SMALLEST) == 128

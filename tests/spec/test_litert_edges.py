"""LiteRT's QUANTIZE at the last quotient that fits."""

from __future__ import annotations

from fractions import Fraction

import pytest

from int8sim.spec.litert import quantize_lanes_is_defined


@pytest.mark.parametrize("sign", [1, -1])
def test_a_quotient_next_to_the_end_is_defined_on_either_side(sign):
    """(1 - 2**-23) / (1 - 2**-24) of 2**31 lies by a fraction nearer to 0 than 2**31 - 128: it is not rounded away."""
    real, scale = sign * (2.0**31 - 2.0**8), 1.0 - 2.0**-24
    assert 2**31 - 129 < abs(Fraction(real) / Fraction(scale)) < 2**31 - 128
    assert quantize_lanes_is_defined(real, scale)
    assert not quantize_lanes_is_defined(sign * (2.0**31 - 2.0**7), 1.0)

"""Sums and quotients of softmax at ties, at float32's roundings and at the ends of int32."""

from __future__ import annotations

import pytest

from int8sim.spec.softmax import table_quotient, table_quotient_is_defined, tflite_quotient, tflite_sum

from .exact import float32_product, float32_quotient, half_even_clipped


@pytest.mark.parametrize(("halves", "expected"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3)])
def test_tflite_sum_at_ties(halves, expected):
    assert tflite_sum(10, halves << 11) == 10 + expected
    assert tflite_sum(-10, halves << 11) == -10 + expected
    assert tflite_sum(0, max((halves << 11) - 1, 0)) == halves // 2


@pytest.mark.parametrize(("halves", "expected"), [(1, 1), (3, 2), (5, 3), (7, 4)])
def test_tflite_quotient_at_ties(halves, expected):
    """The total is 1: a share of halves / 512 is half a code."""
    assert tflite_quotient(halves << 22, 1 << 19, -128, 127) == expected - 128
    assert tflite_quotient((halves << 22) - 2, 1 << 19, -128, 127) == expected - 129


@pytest.mark.parametrize(
    ("exponential", "total", "inverse", "expected"),
    [
        (1.3790091349590886e26, 8.70953133985373e26, 180.0, 29),  # the product is rounded
        (4.6224527881302914e20, 9.076815757043397e20, 162.0, 82),
        (1.4781504120454312e28, 3.406598538290035e28, 174.0, 76),
        (2.6253917774621103e23, 5.27743729867088e23, 198.0, 98),  # the quotient is rounded
        (8102817792.0, 17308059648.0, 157.0, 74),
        (2251399102464.0, 2848415547392.0, 198.0, 156),
        (5.0, 2.0, 1.0, 2),  # ties, to even
        (7.0, 2.0, 1.0, 4),
        (11.0, 4.0, 1.0, 3),
        (3.0, 4.0, 256.0, 192),
    ],
)
def test_table_quotient_rounds_at_every_step(exponential, total, inverse, expected):
    quotient = float32_quotient(float32_product(exponential, inverse), total)
    assert half_even_clipped(quotient, 0, 255) == expected
    assert table_quotient(exponential, total, inverse, 0, 0, 255) == expected
    assert table_quotient(exponential, total, inverse, -128, -128, 127) == expected - 128
    assert table_quotient_is_defined(exponential, total, inverse)


@pytest.mark.parametrize(
    ("quotient", "defined"),
    [(2.0**30, True), (2.0**31 - 128, True), (2.0**31, False), (2.0**31 + 256, False), (2.0**32, False)],
)
def test_table_quotient_at_the_end_of_int32(quotient, defined):
    """Below it the greatest code; from it on unsigned codes end at the zero point, signed ones where the sum wraps."""
    assert table_quotient_is_defined(quotient, 1.0, 1.0) is defined
    assert table_quotient(quotient, 1.0, 1.0, 3, 0, 255) == (255 if defined else 3)
    for zero_point, wrapped in ((-128, 127), (0, -128), (5, -128)):
        assert table_quotient(quotient, 1.0, 1.0, zero_point, -128, 127) == (127 if defined else wrapped)
    assert table_quotient(quotient, 1.0, 1.0, 0, -1, 5) == (5 if defined else -1)
    assert table_quotient(quotient, 2.0, 2.0, 3, 0, 255) == (255 if defined else 3)

"""Quantizers where one rounding less, a tie the other way, or a limit one further gives another code."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from int8sim.spec import affine
from int8sim.spec.affine import (
    asymmetric_scale,
    asymmetric_scale_float32,
    bound_code,
    dequantize,
    half_away_float32,
    quantize_half_away,
    quantize_half_away_is_defined,
    quantize_half_even,
    quantize_half_up,
    quantize_weight_half_away,
    symmetric_scale,
    zero_point_half_away,
    zero_point_half_even,
)

from .exact import INFINITY, float32_product, from_bits, nearest_float32


def test_the_smallest_scale_is_the_smallest_normal_float32():
    assert affine.SMALLEST_NORMAL == from_bits(0x00800000) == 2.0**-126
    assert asymmetric_scale(0.0, 255 * 2.0**-126, 255) == 2.0**-126
    assert asymmetric_scale(0.0, 255 * math.nextafter(2.0**-126, 0.0), 255) == 1.0


def test_symmetric_scale_rounds_the_quotient():
    assert symmetric_scale(1.0, 127) == from_bits(0x3C010204) != 1 / 127
    assert symmetric_scale(0.0, 127) == 0.0


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2.0, 510.0, 2.0),  # widened to 0 below
        (-510.0, -2.0, 2.0),  # and above
        (-255.0, 255.0, 2.0),
        (0.0, 0.0, 1.0),
        (0.0, 255 * 2.0**-126, 2.0**-126),
        (0.0, 254 * 2.0**-126, 1.0),
        (-0.5, 0.5, 1 / 255),
    ],
)
def test_asymmetric_scale(low, high, expected):
    assert asymmetric_scale(low, high, 255) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (2.0, 510.0, 2.0),
        (-510.0, -2.0, 2.0),
        (-255.0, 255.0, 2.0),
        (0.0, 0.0, 1.0),
        (0.0, 255 * 2.0**-149, 2.0**-149),
        (0.0, 2.0**-149, 1.0),  # the quotient is 0
        (0.0, 127 * 2.0**-149, 1.0),
        (-127 * 2.0**-149, 0.0, 1.0),
        (2.0**-149, 128 * 2.0**-149, 2.0**-149),
        (-128 * 2.0**-149, -(2.0**-149), 2.0**-149),  # 128 units wide; 127 of them give the quotient 0
        (-1.0, from_bits(0x3F800001), from_bits(0x3C008081)),  # 2 + 2**-23 is a tie, then the quotient is rounded
        (-1.0, 2.0**-25, from_bits(0x3B808081)),
        (-3.4e38, 3.4e38, INFINITY),
    ],
)
def test_asymmetric_scale_float32(low, high, expected):
    assert asymmetric_scale_float32(low, high, 255) == expected


@pytest.mark.parametrize(
    ("low", "scale", "expected"),
    [
        (-0.5, 1.0, 0),  # ties, to even
        (-1.5, 1.0, 2),
        (-2.5, 1.0, 2),
        (-2.6, 1.0, 3),
        (5.0, 1.0, 0),
        (-1.0, 2.0, 0),
        (-300.0, 1.0, 255),
        (-25.5, 0.1, 255),
        (-1e-9, 1.0, 0),
        (1.0, 2.0**-1074, 0),  # widened to 0, whose quotient is 0 by any scale
    ],
)
def test_zero_point_half_even(low, scale, expected):
    assert zero_point_half_even(low, scale, 0, 255) == expected


@pytest.mark.parametrize(
    ("low", "scale", "expected"),
    [
        (-0.5, 1.0, -128),  # -127.5, away from zero
        (-1.5, 1.0, -127),
        (-127.5, 1.0, -1),
        (-128.5, 1.0, 1),
        (-2.6, 1.0, -125),
        (5.0, 1.0, -128),
        (-1.0, 2.0, -128),
        (-300.0, 1.0, 127),
        (-0.49999997, 1.0, -128),  # the difference is rounded to -127.5
        (-0.4999, 1.0, -128),
        (-0.50000006, 1.0, -128),
        (-128.5 - 2.0**-16, 1 + 2.0**-23, 1),  # the quotient 128.5 - 2**-24 / (1 + 2**-23) is rounded to 128.5, a tie
        (0.0, 2.0**-149, -128),
        (-3e38, 2.0**-99, 127),  # an infinite quotient
    ],
)
def test_zero_point_half_away(low, scale, expected):
    assert zero_point_half_away(low, scale, -128, 127) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *(
            (0.5, 1),
            (-0.5, -1),
            (1.5, 2),
            (-1.5, -2),
            (2.5, 3),
            (0.49999997, 0),
            (-0.49999997, 0),
            (8388607.5, 8388608),
        ),
        *((0.75, 1), (-0.75, -1), (1.25, 1), (-1.25, -1), (0.0, 0), (3.0, 3), (2.0**31, 2**31), (-(2.0**31), -(2**31))),
    ],
)
def test_half_away_float32(value, expected):
    assert half_away_float32(value) == expected
    assert type(half_away_float32(value)) is int


QUOTIENTS = [
    (-29.287601470947266, 0.2914189100265503, -100),
    (-34.3528938293457, 0.49428626894950867, -70),
    (31.1672420501709, 0.3101218044757843, 100),
    (5.0, 2.0, 2),
    (-5.0, 2.0, -2),
    (7.0, 2.0, 4),
]


@pytest.mark.parametrize(("real", "scale", "expected"), QUOTIENTS)
def test_quantize_half_even_rounds_the_quotient(real, scale, expected):
    assert quantize_half_even(real, scale, 0, -128, 127) == expected
    assert quantize_half_even(real, scale, 3, -128, 127) == expected + 3


@pytest.mark.parametrize(
    ("real", "scale", "expected"),
    [
        (6.970973491668701, 0.3983413577079773, 18),
        (23.780336380004883, 0.2749171853065491, 87),
        (-18.919038772583008, 0.6202963590621948, -31),
        (5.0, 2.0, 3),
        (-5.0, 2.0, -3),
    ],
)
def test_quantize_half_away_rounds_the_quotient(real, scale, expected):
    assert quantize_half_away(real, scale, 0, -128, 127) == expected
    assert quantize_half_away(real, scale, -3, -128, 127) == expected - 3
    assert bound_code(real, scale, 2, -128, 127) == expected + 2


BELOW_2_31, BEYOND = from_bits(0x4EFFFFFF), from_bits(0xCF000001)  # 2**31 - 128, -2**31 - 256


@pytest.mark.parametrize(
    ("real", "zero_point", "expected"),
    [
        (BELOW_2_31, 0, 2**15 - 1),
        (BELOW_2_31, -9, 2**15 - 1),
        (2.0**31, 0, -(2**15)),  # from here on the cast gives -2**31, and the sum wraps
        (2.0**31, -1, 2**15 - 1),
        (-(2.0**31), 0, -(2**15)),
        (-(2.0**31), 9, -(2**15)),
        (BEYOND, 0, -(2**15)),
        (BEYOND, -1, 2**15 - 1),
        (-BELOW_2_31, -9, -(2**15)),
    ],
)
def test_quantize_half_away_at_the_ends_of_int32(real, zero_point, expected):
    assert quantize_half_away(real, 1.0, zero_point, -(2**15), 2**15 - 1) == expected


@pytest.mark.parametrize(
    ("real", "scale", "expected"),
    [
        (BELOW_2_31, 1.0, True),
        (-BELOW_2_31, 1.0, True),
        (2.0**31, 1.0, False),
        (-(2.0**31), 1.0, False),
        (2.0**31 - 2, 1.0, True),
        (2.0**31 - 1, 1.0, False),
        (-(2.0**31 - 1), 1.0, False),
        (-(2.0**31) + 1.5, 1.0, True),
        (3.0, 2.0, True),
        (2.0**31, 2.0, True),
        (1.0, 2.0**-31, False),
        (0.0, 1.0, True),
        (INFINITY, 1.0, False),
        (-INFINITY, 1.0, False),
        (math.nan, 1.0, False),
    ],
)
def test_quantize_half_away_is_defined(real, scale, expected):
    assert quantize_half_away_is_defined(real, scale) is expected


@pytest.mark.parametrize(
    ("real", "reciprocal", "expected"),
    [
        (3.443059206008911, 2.4687347412109375, 9),
        (-28.893308639526367, 3.582144260406494, -104),
        (-46.10625457763672, 1.507387638092041, -70),
        (2.5, 1.0, 3),
        (-2.5, 1.0, -3),
        (200.0, 1.0, 127),
        (-200.0, 1.0, -127),
        (2.0**127, 4.0, 127),  # infinite products
        (-(2.0**127), 4.0, -127),
    ],
)
def test_quantize_weight_half_away_rounds_the_product(real, reciprocal, expected):
    assert quantize_weight_half_away(real, reciprocal, -127, 127) == expected


@pytest.mark.parametrize(
    ("real", "reciprocal", "expected"),
    [
        (2.5, 1.0, 3),
        (-2.5, 1.0, -2),
        (-2.75, 1.0, -3),
        (2.25, 1.0, 2),
        (0.49999997, 1.0, 1),  # the sum is a tie and rounds to 1
        (-0.50000006, 1.0, -1),
        (126.5, 1.0, 127),
        (127.5, 1.0, 127),
        (-128.5, 1.0, -128),
        (-129.0, 1.0, -128),
        (5.0, 0.5, 3),
    ],
)
def test_quantize_half_up_written_out(real, reciprocal, expected):
    assert quantize_half_up(real, reciprocal, -128, 127) == expected


def test_quantize_half_up_where_the_product_is_rounded():
    """The exact product is just below a tie, its float32 is the tie."""
    thirds = ((k, nearest_float32(Fraction(2 * k + 1, 6))) for k in range(1, 99))
    found = [(k, x) for k, x in thirds if Fraction(x) * 3 < Fraction(2 * k + 1, 2) == float32_product(x, 3.0)]
    assert len(found) > 5
    assert [quantize_half_up(x, 3.0, -128, 127) for _, x in found] == [k + 1 for k, _ in found]


@pytest.mark.parametrize(
    ("code", "scale", "expected"),
    [
        (1330702154, 0.08201167732477188, 109133120.0),  # the code is rounded to float32
        (404620789, 0.14495640993118286, 58652380.0),
        (349261178, 0.6402505040168762, 223614656.0),
        (3, from_bits(0x3DCCCCCD), from_bits(0x3E99999A)),  # 0.1 * 3, rounded
    ],
)
def test_dequantize_rounds_twice(code, scale, expected):
    assert dequantize(code, scale, 0) == float32_product(nearest_float32(Fraction(code)), scale) == expected
    assert dequantize(code - 5, scale, -5) == expected


@pytest.mark.parametrize(
    ("bound", "scale", "zero_point", "expected"),
    [
        (6.0, 0.05, 0, 120),
        (6.0, 0.02, -128, 127),
        (-1.0, 0.5, 3, 1),
        (0.25, 0.1, 0, 3),  # 2.5 as a float32 quotient
        (1e30, 1e-30, 5, 127),
        (-1e30, 1e-30, 5, -128),
        (-0.125, 0.25, 0, -1),  # a tie, away from zero
    ],
)
def test_bound_code_written_out(bound, scale, zero_point, expected):
    assert bound_code(bound, nearest_float32(Fraction(scale)), zero_point, -128, 127) == expected


@pytest.mark.parametrize(
    ("real", "zero_point", "ends", "code"),
    [
        (-(2.0**31), -9, (-128, 127), 127),  # -2**31 - 9 wraps to 2**31 - 9
        (-(2.0**31), 0, (-128, 127), -128),
        (2.0**31 - 128, 128, (0, 255), 0),  # 2**31 wraps to -2**31
        (2.0**31 - 128, 127, (0, 255), 255),
        (-(2.0**31) - 256, -9, (-128, 127), 127),  # beyond int32: -2**31
    ],
)
def test_sums_at_the_ends_of_int32_wrap(real, zero_point, ends, code):
    """Measured on LiteRT 2.3.0, reference and optimized kernels."""
    assert quantize_half_away(real, 1.0, zero_point, *ends) == code

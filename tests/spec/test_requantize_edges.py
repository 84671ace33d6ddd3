"""Converters where one rounding less, a tie the other way, or a limit one further gives another result."""

from __future__ import annotations

import pytest

from int8sim.spec.requantize import (
    double,
    double_is_defined,
    double_up,
    fixed_point,
    float_rne,
    high_multiply,
    output_double,
    output_double_up,
    output_real,
    output_single,
    quantize_sum,
    real_half_away,
    real_half_away_is_defined,
    single,
    single_is_defined,
)

from .exact import float32_product, float32_quotient, float32_sum, half_even_clipped


@pytest.mark.parametrize(
    ("acc", "multiplier", "expected"),
    [
        (24775, 0.0024419778492301702, 60),  # the product is rounded
        (29939, 0.003557233139872551, 106),
        (29551, 0.0023857061751186848, 70),
        (5, 0.5, 2),
        (-5, 0.5, -2),
        (7, 0.5, 4),
    ],
)
def test_float_rne_rounds_the_product(acc, multiplier, expected):
    assert half_even_clipped(float32_product(float(acc), multiplier), -128, 127) == expected
    assert float_rne(acc, multiplier, 0, -128, 127) == expected
    assert float_rne(acc, multiplier, 1, -128, 127) == expected + 1


@pytest.mark.parametrize(
    ("acc", "rescale", "bias", "scale", "expected"),
    [
        (1071080555, 9.718696958316286e-08, -59.9951171875, 0.6631572246551514, 67),  # the accumulator is rounded
        (869042119, 1.0875117339992357e-07, -12.397031784057617, 0.6703045964241028, 122),
        (831996775, 1.9110723314952338e-07, -19.115188598632812, 1.828567385673523, 77),
        (-26737, 0.004689435940235853, 12.737567901611328, 1.0102590322494507, -111),  # the product is rounded
        (-22820, 0.008129097521305084, 10.148262023925781, 1.5315086841583252, -115),
        (17707, 0.004578369669616222, -27.59161949157715, 0.9635598659515381, 55),
        (23591, 0.001049637096002698, 23.487035751342773, 1.9693478345870972, 24),  # the sum is rounded
        (1647, 0.0027084762696176767, 28.662067413330078, 1.204470157623291, 28),
        (-58, 0.0012586391530930996, 47.18057632446289, 0.6239414215087891, 75),
        (12079, 0.00860681664198637, -19.58465003967285, 0.9024288058280945, 94),  # the quotient is rounded
        (-7418, 0.0011487373849377036, -7.034224510192871, 0.5100182890892029, -30),
        (9451, 0.0018055822001770139, 24.614179611206055, 0.5377901792526245, 78),
        (5, 0.5, 0.0, 1.0, 2),  # ties, to even
        (-5, 0.5, 0.0, 1.0, -2),
        (7, 0.5, 0.0, 1.0, 4),
    ],
)
def test_quantize_sum_rounds_at_every_step(acc, rescale, bias, scale, expected):
    if abs(acc) < 2**24:
        quotient = float32_quotient(float32_sum(float32_product(float(acc), rescale), bias), scale)
        assert half_even_clipped(quotient, -128, 127) == expected
    assert quantize_sum(acc, rescale, bias, scale, -128, 127) == expected


def test_high_multiply_written_out():
    assert [high_multiply(value, 2**30) for value in (-3, -2, -1, 0, 1, 2, 3)] == [-1, -1, 0, 0, 1, 1, 2]
    assert high_multiply(2**31 - 1, 2**31 - 1) == 2**31 - 2
    assert high_multiply(-(2**31), 2**31 - 1) == -(2**31) + 1


@pytest.mark.parametrize(
    ("acc", "multiplier", "shift", "expected"),
    [
        # double, double_up, single
        (6, 2**30, 1, (2, 2, 2)),  # 1.5
        (-6, 2**30, 1, (-2, -1, -1)),
        (-3, 2**30, 0, (-1, -1, -1)),
        (-10, 2**30, 1, (-3, -2, -2)),
        (10, 2**30, 1, (3, 3, 3)),
        (3, 2**30, 1, (1, 1, 1)),  # 0.75: first 2, then 1
        (1, 2**30, 1, (1, 1, 0)),  # 0.25: first 1, then 1
        (-1, 2**30, 1, (0, 0, 0)),
        (7, 2**30, -1, (7, 7, 7)),
        (-7, 3 * 2**29, -2, (-21, -21, -21)),
        (1, 2**31 - 1, -30, (2**30, 2**30, 2**30)),  # 2**30 - 1/2, half up
        (3, 2**30, -31, (-(2**30), -(2**30), 3 * 2**30)),  # 3 << 31 wraps to -2**31
        (-(2**31), 2**31 - 1, 31, (-1, -1, -1)),
        (2**31 - 1, 2**31 - 1, 31, (1, 1, 1)),
    ],
)
def test_fixed_point_schemes_written_out(acc, multiplier, shift, expected):
    assert (
        double(acc, multiplier, shift),
        double_up(acc, multiplier, shift),
        single(acc, multiplier, shift),
    ) == expected
    assert tuple(fixed_point(acc, multiplier, shift, name) for name in ("double", "double_up", "single")) == expected
    outputs = [
        output(acc, multiplier, shift, -4, -128, 127) for output in (output_double, output_double_up, output_single)
    ]
    assert outputs == [min(max(value - 4, -128), 127) for value in expected]


MULTIPLIERS = {-1: False, 0: True, 1: False, 2**30 - 1: False, 2**30: True, 2**31 - 1: True, 2**31: False}
SHIFTS = {-32: False, -31: False, -30: True, 0: True, 31: True, 32: False}


@pytest.mark.parametrize("multiplier", MULTIPLIERS)
@pytest.mark.parametrize("shift", [-30, 0, 31, 32])
def test_legal_multipliers_and_shifts(multiplier, shift):
    legal = MULTIPLIERS[multiplier] and SHIFTS[shift]
    assert double_is_defined(1, multiplier, shift) is legal
    assert single_is_defined(1, multiplier, shift) is legal


@pytest.mark.parametrize("shift", SHIFTS)
def test_legal_shifts(shift):
    assert double_is_defined(0, 2**30, shift) is SHIFTS[shift]
    assert shift < -31 or single_is_defined(0, 2**30, shift) is SHIFTS[shift]


@pytest.mark.parametrize(
    ("acc", "shift", "double_fits", "single_fits"),
    [
        (2**31 - 1, 0, True, True),
        (2**30, -1, False, True),
        (2**30 - 1, -1, True, True),
        (-(2**30), -1, True, True),
        (-(2**30) - 1, -1, False, True),
        (2**30, -2, False, False),
        (-(2**30), -2, False, True),
        (-(2**30) - 1, -2, False, False),
        (2**30 - 1, -2, False, True),
    ],
)
def test_where_32_bits_hold_it(acc, shift, double_fits, single_fits):
    """The left shift before, or the result behind: at multiplier 1/2 one bit apart."""
    assert double_is_defined(acc, 2**30, shift) is double_fits
    assert single_is_defined(acc, 2**30, shift) is single_fits


@pytest.mark.parametrize(
    ("acc", "multiplier", "expected"),
    [
        (1, 0.5, 1),
        (-1, 0.5, -1),
        (3, 0.5, 2),
        (-3, 0.5, -2),
        (5, 0.5, 3),
        (1, 0.49999999999999994, 0),
        (-1, 0.49999999999999994, 0),
        (1, 0.5000000000000001, 1),
        (1, 0.99, 1),
        (-1, 0.99, -1),
        (1, 1.25, 1),
        (-1, 1.25, -1),
        (0, 1e300, 0),
        (-(2**30) - 5, 1.0, -(2**30) - 5),
        (2**31 - 1, 1.0, 2**31 - 1),
        (-(2**31), 1.0, -(2**31)),
        (2**30, 2.0, -(2**31)),
        (2**31 - 1, 1.0000000001, 2**31 - 1),
        (2**31 - 1, 1.0000000003, -(2**31)),
        (-(2**31) + 1, 1.0000000005, -(2**31)),
        (2**31 - 1, 1e300, -(2**31)),
        (-(2**31), 1e300, -(2**31)),
        (7, 2.0**31, -(2**31)),
    ],
)
def test_real_half_away_written_out(acc, multiplier, expected):
    found = real_half_away(acc, multiplier)
    assert found == expected
    assert type(found) is int
    wrapped = expected + 1 - 2**32 * (expected == 2**31 - 1)
    assert output_real(acc, multiplier, 1, -128, 127) == min(max(wrapped, -128), 127)


@pytest.mark.parametrize("sign", [-1, 1])
def test_real_half_away_is_defined_below_the_last_int32(sign):
    assert real_half_away_is_defined(sign * (2**31 - 2), 1.0)
    assert real_half_away_is_defined(sign * (2**31 - 2), 1.0000000002)
    assert not real_half_away_is_defined(sign * (2**31 - 1), 1.0)
    assert not real_half_away_is_defined(sign * 2**30, 2.0)
    assert real_half_away_is_defined(0, 1e300)


def test_real_half_away_keeps_a_sum_below_int32():
    """-2**31 - 1 wraps to the greatest; 2**31 - 1 and 1 to the least."""
    assert output_real(-(2**31), 1.0, -1, -(2**15), 2**15 - 1) == 2**15 - 1
    assert output_real(2**31 - 1, 1.0, 1, -(2**15), 2**15 - 1) == -(2**15)


@pytest.mark.parametrize(
    ("acc", "multiplier", "expected"),
    [
        (1431655765, 3 << 29, False),  # 2**31 - 1/2
        (1908874353, 9 << 27, True),  # 2**31 - 7/8
        (-6700417 << 8, 641 << 21, True),  # -2**31 - 1/2
    ],
)
def test_single_is_defined_by_its_own_rounding(acc, multiplier, expected):
    assert single_is_defined(acc, multiplier, -1) is expected


@pytest.mark.parametrize("scheme", ["", "d", "double_a", "double_uq", "quadruple", "z"])
def test_no_other_name_is_a_scheme(scheme):
    with pytest.raises(ValueError, match="is none of"):
        fixed_point(1, 1 << 30, 0, scheme)

"""TOSA's helpers by exact rational definitions: at ties, at the ends of every requirement, where they are undefined."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec import tosa

from .exact import clip, half_up

VALUES = st.integers(-(2**31), 2**31 - 1)
MULTIPLIERS = st.integers(0, 2**31 - 1) | st.sampled_from([2**30, 2**30 + 1, 2**31 - 1, 1, 0])
SHIFTS = st.integers(2, 62)


def exact_scale(value, multiplier, shift, double):
    """The quotient plus, in the second rounding, 2**30 of the sign, over 2**shift, half up."""
    extra = (2**30 if value >= 0 else -(2**30)) if double and shift > 31 else 0
    return half_up(Fraction(value * multiplier + extra, 2**shift))


@given(VALUES, MULTIPLIERS, SHIFTS, st.booleans())
def test_apply_scale_32(value, multiplier, shift, double):
    assert tosa.apply_scale_32(value, multiplier, shift, double) == exact_scale(value, multiplier, shift, double)


@pytest.mark.parametrize(
    ("value", "multiplier", "shift", "single", "double"),
    [
        (1, 2**30, 31, 1, 1),  # a tie: up
        (-1, 2**30, 31, 0, 0),
        (1, 2**30, 32, 0, 1),  # a quarter and a quarter
        (-1, 2**30, 32, 0, -0),
        (-3, 2**30, 32, -1, -1),  # -3/4, less a quarter
        (-2, 2**30, 32, 0, -1),  # -1/2: single up; less a quarter, down
        (2, 2**30, 33, 0, 0),  # 1/4, 3/8
        (3, 2**30, 33, 0, 1),  # 3/8 + 1/8 is a tie
        (-(2**31), 2**31 - 1, 62, -1, -1),
        (0, 2**30, 32, 0, 0),  # zero takes the positive side: a quarter
    ],
)
def test_ties_of_apply_scale_32(value, multiplier, shift, single, double):
    assert tosa.apply_scale_32(value, multiplier, shift, False) == single
    assert tosa.apply_scale_32(value, multiplier, shift, True) == double


@given(st.integers(-(2**47), 2**47 - 1), st.integers(0, 2**15 - 1), SHIFTS)
def test_apply_scale_16(value, multiplier, shift):
    assert tosa.apply_scale_16(value, multiplier, shift) == half_up(Fraction(value * multiplier, 2**shift))


@pytest.mark.parametrize(
    ("arguments", "defined"),
    [
        ((1, 2**30, 2), True),
        ((1, 2**30, 1), False),
        ((1, 2**30, 62), True),
        ((1, 2**30, 63), False),
        ((1, -1, 31), False),
        ((1, 0, 31), True),
        ((1, 2**31, 40), False),
        ((2**30, 2**30, 31), False),
        ((2**30 - 1, 2**30, 31), True),
        ((-(2**30), 2**30, 31), True),
        ((-(2**30) - 1, 2**30, 31), False),
        ((7, 2**31 - 1, 4), True),
        ((8, 2**31 - 1, 4), False),
        ((-8, 2**31 - 1, 4), True),
        ((1, 2**31 - 1, 2), True),
        ((-2, 2**31 - 1, 2), True),
        ((3, 2**31 - 1, 3), True),
    ],
)
def test_where_apply_scale_32_is_defined(arguments, defined):
    assert tosa.apply_scale_32_is_defined(*arguments) is defined
    assert tosa.output_double_is_defined(*arguments) is defined


@pytest.mark.parametrize(
    ("arguments", "defined"),
    [
        ((2**40, 2**14, 23), False),  # 2**31
        ((2**40 - 2**8, 2**14, 23), False),  # a tie, up to 2**31
        ((2**40 - 2**9, 2**14, 23), True),
        ((-(2**40), 2**14, 23), True),
        ((-(2**40) - 2**9, 2**14, 23), False),
        ((1, 2**15 - 1, 2), True),
        ((1, 2**15, 2), False),
        ((1, -1, 2), False),
        ((1, 0, 2), True),
        ((1, 1, 1), False),
        ((1, 1, 62), True),
        ((1, 1, 63), False),
        ((2**47 - 1, 1, 62), True),
        ((2**47, 1, 62), False),
        ((-(2**47), 1, 62), True),
        ((-(2**47) - 1, 1, 62), False),
    ],
)
def test_where_apply_scale_16_is_defined(arguments, defined):
    assert tosa.apply_scale_16_is_defined(*arguments) is defined


@given(VALUES, st.integers(-128, 127), MULTIPLIERS, SHIFTS, st.integers(-128, 127))
def test_rescale(value, before, multiplier, shift, after):
    x = clip(value, -(2**31) + 128, 2**31 - 129)
    bounds = after, -128, 127
    for function, double in ((tosa.rescale_single, False), (tosa.rescale_double, True)):
        expected = clip(exact_scale(x - before, multiplier, shift, double) + after, -128, 127)
        assert function(x, before, multiplier, shift, *bounds) == expected
    expected = clip(half_up(Fraction((x - before) * (multiplier >> 16), 2**shift)) + after, -128, 127)
    assert tosa.rescale_16(x, before, multiplier >> 16, shift, *bounds) == expected
    for output, double in ((tosa.output_single, False), (tosa.output_double, True)):
        assert output(x, multiplier, shift, *bounds) == clip(
            exact_scale(x, multiplier, shift, double) + after, -128, 127
        )
    assert tosa.mean_rescaled(x, 7, multiplier, shift, *bounds) == tosa.output_double(x, multiplier, shift, *bounds)


CODES = st.integers(-128, 127)
ABOVE = st.integers(2**30, 2**31 - 1)


@given(
    CODES, CODES, CODES, CODES, ABOVE, st.integers(8, 14), ABOVE, st.integers(8, 14), ABOVE, st.integers(48, 54), CODES
)
def test_add_rescaled(a, b, za, zb, ma, sa, mb, sb, m, s, zero):
    total = exact_scale(a - za, ma, sa + 4, True) + exact_scale(b - zb, mb, sb + 4, True)
    expected = clip(exact_scale(total, m, s, True) + zero, -128, 127)
    assert tosa.add_rescaled(a, b, za, zb, ma, sa + 4, mb, sb + 4, m, s, zero, -128, 127) == expected


@given(CODES, CODES, CODES, CODES, ABOVE, st.integers(34, 48), CODES)
def test_multiply_rescaled(a, b, za, zb, multiplier, shift, zero):
    expected = clip(exact_scale((a - za) * (b - zb), multiplier, shift, True) + zero, -128, 127)
    assert tosa.multiply_rescaled(a, b, za, zb, multiplier, shift, zero, -128, 127) == expected


def test_multiply_rescaled_at_ties():
    """One and three quarters, doubled rounding: 1/4 + 1/4 is up, -1/4 - 1/4 is not down; the bounds hold."""
    third = (1 << 30, 32, 0)
    assert [tosa.multiply_rescaled(a, 1, 0, 0, *third, -128, 127) for a in (1, -1, -2, -3)] == [1, 0, -1, -1]
    assert tosa.multiply_rescaled(127, -128, 0, 0, 1 << 30, 30, 5, -100, 100) == -100
    assert tosa.multiply_rescaled(127, 127, 0, 0, 1 << 30, 30, 5, -100, 100) == 100


@given(st.integers(1, 4096), st.data())
def test_average(count, data):
    """The reciprocal is within 2**-30 of 1 / count: the exact quotient, half up, for what 8-bit codes add up to."""
    total = data.draw(st.integers(-255 * count, 255 * count))
    k = (count - 1).bit_length()
    multiplier = (2**30 + 1) * 2**k // count
    expected = half_up(Fraction(total * multiplier, 2 ** (30 + k)))
    assert tosa.average(total, count, 3, -128, 127) == clip(expected + 3, -128, 127)


@pytest.mark.parametrize("count", [1, 2, 3, 4, 6, 7, 9, 49, 64, 2**20])
def test_average_at_exact_quotients(count):
    """Whole multiples come out whole; halves up where the count is even."""
    for quotient in (-128, -1, 0, 1, 127):
        assert tosa.average(quotient * count, count, 0, -128, 127) == quotient
    if count % 2 == 0:
        assert tosa.average(3 * count // 2, count, 0, -128, 127) == 2
        # (2**30 + 1) * 2**k / count is a little above 1 / count, so that -1.5 falls below the tie
        assert tosa.average(-3 * count // 2, count, 0, -128, 127) == -2
    assert tosa.average(200 * count, count, 0, -128, 100) == 100


def test_tables():
    table = [clip(3 * (i - 128), -128, 127) for i in range(256)]
    assert [tosa.table_code(x, table, -120, 120) for x in (-128, -41, -40, 0, 1, 42)] == [-120, -120, -120, 0, 3, 120]
    steps = [(i - 256) * 100 for i in range(513)]
    for x in (-(2**15), -1, 0, 1, 63, 64, 127, 128, 2**15 - 1):
        whole, part = divmod(x, 128)
        assert tosa.table_16(x, steps) == whole * 100 * 128 + part * 100
    assert tosa.table_16(-1, [0] * 256 + [128] + [0] * 256) == 127 * 128


@given(VALUES, st.integers(0, 31))
def test_arithmetic_right_shift(value, shift):
    assert tosa.arithmetic_right_shift(value, shift, True) == half_up(Fraction(value, 2**shift))
    assert tosa.arithmetic_right_shift(value, shift, False) == value // 2**shift


@given(st.floats(2.0**-31, 2.0**20, exclude_min=True))
def test_multiplier(real):
    multiplier, shift = tosa.tosa_multiplier(real)
    assert 2**30 <= multiplier < 2**31
    assert abs(Fraction(multiplier, 2**shift) - Fraction(real)) <= Fraction(1, 2 ** (shift + 1))


def test_multiplier_at_its_ends():
    assert tosa.tosa_multiplier(1.0) == (2**30, 30)
    assert tosa.tosa_multiplier(0.5) == (2**30, 31)
    assert tosa.tosa_multiplier(1 - 2.0**-40) == (2**30, 30)  # the mantissa rounds to 1
    assert tosa.tosa_multiplier(0.5 + 2.0**-32) == (2**30 + 1, 31)  # a tie, away
    assert tosa.tosa_multiplier(2.0**-31) == (2**30, 61)
    assert tosa.tosa_multiplier(2.0**-32) == (2**30, 62)
    assert tosa.tosa_multiplier(2.0**-33) == (2**29, 62)
    assert tosa.tosa_multiplier(2.0**-33 * 1.5) == (3 * 2**28, 62)
    assert tosa.tosa_multiplier(2.0**-80) == (0, 62)


def test_every_rescaling_says_where_it_is_defined():
    """2**30 does not fit shift 31; 2**30 - 1 does. The zero point moves the limit."""
    for function in (tosa.rescale_single_is_defined, tosa.rescale_double_is_defined):
        assert [function(x, 5, 2**30, 31) for x in (2**30 + 4, 2**30 + 5)] == [True, False]
    assert [tosa.rescale_16_is_defined(x, 5, 2**14, 2) for x in (2**19 + 4, 2**19 + 5)] == [True, False]
    for function in (tosa.output_single_is_defined, tosa.output_double_is_defined, tosa.mean_rescaled_is_defined):
        assert [function(acc, 2**30, 31) for acc in (2**30 - 1, 2**30)] == [True, False]


@pytest.mark.parametrize("shift", [2, 11, 31, 32, 62])
def test_what_is_required_keeps_the_result_in_32_bits(shift):
    """The greatest legal operands: below 2**30 and a half."""
    value = min(2 ** (shift - 1), 2**31) - 1
    for x in (value, -value - 1):
        assert tosa.apply_scale_32_is_defined(x, 2**31 - 1, shift)
        assert -(2**31) <= tosa.apply_scale_32(x, 2**31 - 1, shift, True) < 2**31


def test_one_rounding_or_two_in_every_operator():
    """At a quarter: 1 is 0 or, with the second rounding, 1; -2 is 0 or -1."""
    scale = (2**30, 32)
    for one in (
        lambda v: tosa.rescale_single(v + 5, 5, *scale, 3, -9, 9),
        lambda v: tosa.output_single(v, *scale, 3, -9, 9),
    ):
        assert [one(v) for v in (1, -2)] == [3, 3]
    for two in (
        lambda v: tosa.rescale_double(v + 5, 5, *scale, 3, -9, 9),
        lambda v: tosa.output_double(v, *scale, 3, -9, 9),
        lambda v: tosa.mean_rescaled(v, 8, *scale, 3, -9, 9),
        lambda v: tosa.multiply_rescaled(v, 1, 0, 0, *scale, 3, -9, 9),
    ):
        assert [two(v) for v in (1, -2)] == [4, 2]
    assert [tosa.rescale_16(v + 5, 5, 2**14, 16, 3, -9, 9) for v in (1, 2, -2, -3)] == [3, 4, 3, 2]
    whole = (2**30, 30)
    for a, expected in ((1, 1), (-2, -1)):
        assert tosa.add_rescaled(a, 0, 0, 0, *scale, *whole, *whole, 0, -9, 9) == expected
        assert tosa.add_rescaled(0, a, 0, 0, *whole, *scale, *whole, 0, -9, 9) == expected
        assert tosa.add_rescaled(a, 0, 0, 0, *whole, *whole, *scale, 0, -9, 9) == expected
    assert [tosa.average(total, 4, 0, -9, 9) for total in (1, 2, -1, -3)] == [0, 1, 0, -1]


def test_the_first_bit_shifted_out():
    assert [tosa.arithmetic_right_shift(v, 1, True) for v in (1, -1, 3, 2)] == [1, 0, 2, 1]


def test_where_sums_products_and_averages_are_defined():
    add = (2**30, 12, 2**30, 12, 2**30)
    assert tosa.add_rescaled_is_defined(127, -128, 0, 0, *add, 40)
    assert not tosa.add_rescaled_is_defined(127, -128, 0, 0, *add, 1)
    assert not tosa.add_rescaled_is_defined(127, 0, 0, 0, 2**30, 7, 2**30, 12, 2**30, 40)
    assert not tosa.add_rescaled_is_defined(0, 127, 0, 0, 2**30, 12, 2**30, 7, 2**30, 40)
    assert not tosa.add_rescaled_is_defined(64, 64, 0, 0, 2**30, 12, 2**30, 12, 2**30, 26)  # 2**25 needs shift 27
    assert tosa.add_rescaled_is_defined(64, 64, 0, 0, 2**30, 12, 2**30, 12, 2**30, 27)
    assert tosa.add_rescaled_is_defined(-128, 127, 0, -1, 2**30, 12, 2**30, 12, 2**30, 26)  # the sum is 0
    assert tosa.multiply_rescaled_is_defined(4, 4, 0, 0, 2**30, 6)
    assert not tosa.multiply_rescaled_is_defined(4, 8, 0, 0, 2**30, 6)
    assert tosa.multiply_rescaled_is_defined(4, 8, 1, -1, 2**30, 6)  # 27
    assert not tosa.multiply_rescaled_is_defined(4, 8, -1, 1, 2**30, 6)  # 35
    assert tosa.add_rescaled_is_defined(100, -100, 99, -99, 2**30, 2, 2**30, 2, 2**30, 2)
    assert not tosa.add_rescaled_is_defined(100, -100, -99, -99, 2**30, 2, 2**30, 2, 2**30, 40)
    assert not tosa.add_rescaled_is_defined(100, -100, 99, 99, 2**30, 2, 2**30, 2, 2**30, 40)
    assert tosa.multiply_rescaled_is_defined(9, 9, 8, 8, 2**30, 2)
    assert not tosa.multiply_rescaled_is_defined(9, 9, -8, 8, 2**30, 2)
    assert not tosa.multiply_rescaled_is_defined(9, 9, 8, -8, 2**30, 2)
    assert tosa.average_is_defined(2**29 - 1, 1)
    assert not tosa.average_is_defined(2**29, 1)
    assert tosa.average_is_defined(2**29, 2)
    assert tosa.reciprocal_scale(1) == (2**30 + 1, 30)
    assert tosa.reciprocal_scale(3) == ((2**30 + 1) * 4 // 3, 32)
    assert tosa.reciprocal_scale(4) == ((2**30 + 1), 32)
    assert tosa.reciprocal_scale(5) == ((2**30 + 1) * 8 // 5, 33)

"""16-bit activations by exact definitions: multipliers, sums, softmax's tables and quotients."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec import wide
from int8sim.spec.float32 import exp_binary64

from .exact import clip, half_up, multiply_by_quantized_multiplier

DIGITS = Context(prec=50)
LEGAL = st.integers(2**30, 2**31 - 1)
CODES = st.integers(-(2**15), 2**15 - 1)


def test_reduced_multiplier():
    """Half up at bit 16; beyond 0x7FFF0000 the result would be 2**15."""
    values = [2**30, 2**30 + 2**15 - 1, 2**30 + 2**15, 0x7FFEFFFF, 0x7FFF0000, 2**31 - 1, 0]
    assert [wide.reduced_multiplier(value) for value in values] == [2**14, 2**14, 2**14 + 1, 32767, 32767, 32767, 0]
    assert wide.reduced_multiplier(0x7FFE7FFF) == 32766
    assert wide.reduced_multiplier(0x7FFE8000) == 32767


@given(st.integers(-(2**47), 2**47 - 1), st.integers(0, 2**15 - 1), st.integers(-7, 31), CODES)
def test_scale_and_output(acc, multiplier, shift, zero):
    exact = half_up(Fraction(acc * multiplier) / Fraction(2) ** (15 + shift))
    assert wide.scale_wide(acc, multiplier, shift) == exact
    assert wide.output_wide(acc, multiplier, shift, zero, -3000, 30000) == clip(exact + zero, -3000, 30000)


def test_ties_of_scale():
    assert [wide.scale_wide(acc, 2**14, 0) for acc in (1, -1, 3, -3, 2)] == [1, 0, 2, -1, 1]
    assert [wide.scale_wide(acc, 2**14, -7) for acc in (1, -1)] == [64, -64]


@pytest.mark.parametrize(
    ("arguments", "defined"),
    [
        ((2**47 - 1, 2**14, 0), True),
        ((2**47, 2**14, 0), False),
        ((-(2**47), 2**14, 0), True),
        ((-(2**47) - 1, 2**14, 0), False),
        ((0, 2**15 - 1, 0), True),
        ((0, 2**15, 0), False),
        ((0, 0, 0), True),
        ((0, -1, 0), False),
        ((0, 1, -7), True),
        ((0, 1, -8), False),
        ((0, 1, 31), True),
        ((0, 1, 32), False),
    ],
)
def test_where_output_is_defined(arguments, defined):
    assert wide.output_wide_is_defined(*arguments) is defined


@pytest.mark.parametrize(
    ("function", "defined", "sign"),
    [
        (wide.add_double_16, wide.add_double_16_is_defined, 1),
        (wide.subtract_double_16, wide.subtract_double_16_is_defined, -1),
    ],
)
@given(CODES, CODES, LEGAL, st.integers(0, 6), LEGAL, st.integers(0, 6), LEGAL, st.integers(8, 16))
def test_sums_and_differences(function, defined, sign, a, b, ma, sa, mb, sb, m, s):
    scaled = multiply_by_quantized_multiplier
    total = scaled(scaled(a * 2**15, ma, sa) + sign * scaled(b * 2**15, mb, sb), m, s)
    assert function(a, b, ma, sa, mb, sb, m, s, -30000, 32000) == clip(total, -30000, 32000)
    assert defined(a, b, ma, sa, mb, sb, m, s)


@pytest.mark.parametrize(
    ("defined", "sign"), [(wide.add_double_16_is_defined, 1), (wide.subtract_double_16_is_defined, -1)]
)
def test_where_sums_and_differences_are_defined(defined, sign):
    """32767 << 15 has 30 bits: one more to the left fits, two do not. -32768 << 15 is -2**30."""
    sound = (2**30, 0, 2**30, 0, 2**30, 14)
    assert defined(32767, -32768, *sound)
    for place in (0, 2, 4):
        assert not defined(5, 5, *(2**29 if i == place else v for i, v in enumerate(sound)))
    assert defined(32767, 0, 2**30, -1, 2**30, 0, 2**30, 14)
    assert not defined(32767, 0, 2**30, -2, 2**30, 0, 2**30, 14)
    assert not defined(0, 32767, 2**30, 0, 2**30, -2, 2**30, 14)
    assert defined(-32768, sign * -32768, 2**30, 0, 2**30, 0, 2**30, -1)  # the sum is -2**30
    assert not defined(-32768, sign * -32768, 2**30, 0, 2**30, 0, 2**30, -2)
    assert defined(-32768, sign * 32767, 2**30, 0, 2**30, 0, 2**30, -2)  # the sum is -2**14


def test_look_up():
    """At every code: the exact interpolation, half up."""
    table = [((37 * i * i) % 4001) - 2000 for i in range(513)]
    for value in range(-(2**15), 2**15, 7):
        whole, part = divmod(value + 2**15, 128)
        expected = table[whole] + half_up(Fraction((table[whole + 1] - table[whole]) * part, 128))
        assert wide.look_up_16(value, table) == expected
    assert wide.look_up_16(32767, [0] * 512 + [128]) == 127
    assert wide.look_up_16(64, [0] * 257 + [1] + [0] * 255) == 1  # a tie, up
    assert wide.look_up_16(64, [0] * 257 + [-1] + [0] * 255) == 0


EXPONENTIALS = wide.table_16(exp_binary64, -10.0, 0.0)
RECIPROCALS = wide.table_16(wide.one_over_one_plus, 0.0, 1.0)


@pytest.mark.parametrize(
    ("table", "start", "end", "function"),
    [
        (EXPONENTIALS, -10, 0, lambda x: DIGITS.exp(x)),
        (RECIPROCALS, 0, 1, lambda x: DIGITS.divide(Decimal(1), 1 + x)),
    ],
    ids=["exp", "reciprocal"],
)
def test_tables(table, start, end, function, compared):
    """Every entry by the formula in 50 digits; 1.0 saturates."""
    half = Decimal("0.5")

    def away(value):
        return int(value + half.copy_sign(value))

    def real(i):
        return function(Decimal(start) + Decimal(end - start) * i / 512) * 32768

    for i in range(512):
        between = away((real(i + 1) + away(real(i))) / 2)
        error = between - away(real(Decimal(i) + half))
        assert table[i] == min(away(real(i)) - away(Decimal(error) / 2), 32767)
    assert table[512] == min(away(real(512)), 32767)
    assert len(table) == 513
    compared(513, 513)


def test_one_over_one_plus():
    assert [wide.one_over_one_plus(x) for x in (0.0, 1.0, 3.0)] == [1.0, 0.5, 0.25]


@given(st.integers(-65535, 0), LEGAL, st.integers(-2, 6))
def test_exponential(difference, multiplier, shift):
    place = clip(multiply_by_quantized_multiplier(difference, multiplier, shift) + 32767, -(2**15), 2**15 - 1)
    expected = wide.look_up_16(place, EXPONENTIALS)
    assert wide.exponential_16(difference, multiplier, shift, EXPONENTIALS) == expected


def test_where_the_exponential_is_defined():
    assert [wide.exponential_16_is_defined(-(2**15), 2**30, shift) for shift in (-16, -17)] == [True, False]
    assert not wide.exponential_16_is_defined(0, 2**29, 0)


@given(st.lists(st.integers(0, 32767), min_size=1, max_size=20))
def test_quotient(others):
    """The quotient within the table's error of the real one: a unit of 2**-13 at most."""
    shares = [32767, *others]
    total = 0
    for share in shares:
        total = wide.sum_16(total, share)
    assert total == sum(shares)
    for share in shares:
        found = wide.quotient_16(share, total, RECIPROCALS, 0, 32767)
        assert abs(found - share * 32768 / total) <= 4


def test_quotient_by_its_steps():
    """One share alone is 1, which saturates; sums at the ends of an octave; the bounds hold."""
    assert wide.quotient_16(32767, 32767, RECIPROCALS, 0, 32767) == 32767
    assert wide.quotient_16(32767, 65536, RECIPROCALS, 0, 32767) == half_up(Fraction(32767 * 32767, 65536))
    assert wide.quotient_16(32767, 65536, RECIPROCALS, 0, 9000) == 9000
    assert wide.quotient_16(0, 65536, RECIPROCALS, 7, 9000) == 7
    middle = wide.look_up_16(0, RECIPROCALS)  # 1 / 1.5
    assert wide.quotient_16(20000, 98304, RECIPROCALS, 0, 32767) == half_up(Fraction(20000 * middle, 2**16))
    assert wide.quotient_16(20000, 3, RECIPROCALS, 0, 10**9) == half_up(Fraction(20000 * middle, 2))


@given(st.integers(1, 2**31 - 1))
def test_the_sum_is_normalized_half_up(total):
    """Bits 30 .. 14 of the sum shifted to the top, plus the bit below them."""
    shifted = total * 2 ** (31 - total.bit_length())
    place = clip(half_up(Fraction(shifted, 2**14)) - 2**16 - 2**15, -(2**15), 2**15 - 1)
    shift = total.bit_length() - 1
    if shift:
        expected = half_up(Fraction(30000 * wide.look_up_16(place, RECIPROCALS), 2**shift))
        assert wide.quotient_16(30000, total, RECIPROCALS, 0, 2**31) == expected
    assert math.log2(shifted) >= 30

"""cvt where it turns: ends of words, ties, subnormals, infinities and NaN, written out or against Fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest

from int8sim.spec.cvt import (
    clamp_to_one,
    extend,
    float16_to_int8,
    float32_to_int8,
    float_to_float,
    float_to_integer,
    float_to_integer_is_defined,
    float_to_integral,
    int32_to_int8,
    integer_to_float,
    integer_to_integer,
    integer_to_integer_is_defined,
    pack_saturate_to,
    read,
)
from int8sim.spec.rounding import Rounding

from .exact import rounded
from .float_exact import INFINITE, NORMAL, ONE, PRECISION, ends, pattern_of, to_word, value_of

FLOATS = (16, 32, 64)
WORDS = [(bits, is_signed) for bits in (8, 16, 32, 64) for is_signed in (True, False)]
EVEN = Rounding.HALF_EVEN


def signs(pattern: int, width: int) -> tuple[int, int]:
    return pattern, pattern + 2 ** (width - 1)


def numbers(width: int) -> list[int]:
    """Patterns around every place where a function turns: magnitudes, with their neighbours."""
    halves = [Fraction(n, 2) for n in (1, 2, 3, 4, 5, 253, 254, 255, 256, 257, 509, 510, 511, 512)]
    powers = [Fraction(2) ** n for n in (-3, -2, 10, 11, 15, 16, 23, 24, 31, 32, 52, 53, 63, 64, 65)]
    at = {pattern_of(value, width, EVEN) for value in (*halves, *powers)}
    at |= {1, 2, NORMAL[width], 2 * NORMAL[width], INFINITE[width] - 2, 1 + NORMAL[width] // 2}
    return sorted({each + off for each in at for off in (-1, 0, 1) if each + off < INFINITE[width]})


@pytest.mark.parametrize("source", FLOATS)
def test_integers_of_floats(source):
    for magnitude in numbers(source):
        for pattern in signs(magnitude, source):
            value = value_of(pattern, source)
            for rounding in Rounding:
                for bits, is_signed in WORDS:
                    expected = to_word(value, rounding, *ends(bits, is_signed))
                    assert float_to_integer(pattern, source, bits, is_signed, rounding) == expected


@pytest.mark.parametrize("source", FLOATS)
@pytest.mark.parametrize(("bits", "is_signed"), WORDS)
def test_infinities_and_nan_as_integers(source, bits, is_signed):
    low, high = ends(bits, is_signed)
    infinite = INFINITE[source]
    for rounding in Rounding:
        assert float_to_integer(infinite, source, bits, is_signed, rounding) == high
        assert float_to_integer(infinite + 2 ** (source - 1), source, bits, is_signed, rounding) == low
        for nan in (infinite + 1, 2 ** (source - 1) - 1, 2**source - 1):
            expected = 0 if max(source, bits) < 64 else low if is_signed else 2 ** (bits - 1)
            assert float_to_integer(nan, source, bits, is_signed, rounding) == expected


@pytest.mark.parametrize("source", FLOATS)
def test_flushed_operands_are_zero_before_they_are_rounded(source):
    """The greatest subnormal and the least normal number, away from zero."""
    for flush, expected in ((False, 1), (True, 0)):
        subnormal, normal = signs(NORMAL[source] - 1, source), signs(NORMAL[source], source)
        assert float_to_integer(subnormal[0], source, 32, True, Rounding.CEIL, flush) == expected
        assert float_to_integer(subnormal[1], source, 32, True, Rounding.FLOOR, flush) == -expected
        assert float_to_integer(normal[0], source, 32, True, Rounding.CEIL, flush) == 1
        assert float_to_integer(normal[1], source, 32, True, Rounding.FLOOR, flush) == -1


def test_defaults_and_order_of_operands():
    """Signed, not flushed, not saturating; -200.5, 200.5 and the least float32."""
    assert float32_to_int8(0xC3488000, EVEN) == -128
    assert float32_to_int8(0x43488000, EVEN, signed=False) == 200
    assert [float32_to_int8(1, Rounding.CEIL, True, flush) for flush in (False, True)] == [1, 0]
    assert float32_to_int8(1, Rounding.CEIL) == float_to_integer(1, 32, 8, True, Rounding.CEIL) == 1
    assert [float16_to_int8(0x5A44, EVEN), float16_to_int8(0x5A44, EVEN, signed=False)] == [127, 200]
    assert [float16_to_int8(pattern, Rounding.CEIL) for pattern in (1, 0xDA44, 0x5660)] == [1, -128, 102]
    assert [int32_to_int8(value) for value in (-200, -5, 200)] == [-128, -5, 127]
    assert integer_to_integer(300, 16, True, 8, True) == 44
    assert integer_to_float(2, 32, EVEN) == 0x40000000
    assert float_to_float(0x40000000, 32, 32, EVEN) == 0x40000000
    assert float_to_float(1, 32, 32, EVEN) == 1
    assert float_to_integral(0x40200000, 32, EVEN) == 0x40000000
    assert float_to_integral(1, 32, Rounding.CEIL) == 0x3F800000
    assert [extend(-1), extend(-1, 8), extend(0x1FF, 8)] == [0xFFFFFFFF, 0xFF, 0xFF]


def test_flush_is_defined_for_float32_alone():
    for rounding in Rounding:
        defined = rounding in (Rounding.HALF_EVEN, Rounding.TOWARD_ZERO, Rounding.FLOOR, Rounding.CEIL)
        assert float_to_integer_is_defined(0x3C00, 16, rounding) == defined
        assert float_to_integer_is_defined(0x3C00, 32, rounding, True) == defined
        assert not float_to_integer_is_defined(0x3C00, 64, rounding, True)


@pytest.mark.parametrize(("bits", "is_signed"), WORDS)
def test_words_at_their_ends(bits, is_signed):
    """One beyond an end comes back at the other; saturated, it stays."""
    low, high = ends(bits, is_signed)
    for value, wrapped, near in ((low - 1, high, low), (low, low, low), (high, high, high), (high + 1, low, high)):
        assert read(value, bits, is_signed) == wrapped
        if bits < 64:
            assert integer_to_integer(value, 64, True, bits, is_signed) == wrapped
            assert integer_to_integer(value, 64, True, bits, is_signed, saturating=True) == near


def test_where_saturation_is_legal():
    """Of a word to a narrower one, or to one of the other sign that is not wider than needed."""
    legal = integer_to_integer_is_defined
    assert [legal(8, True, bits, True, True) for bits in (8, 16, 32)] == [False, False, False]
    assert [legal(8, True, bits, False, True) for bits in (8, 16, 32)] == [True, True, True]
    assert [legal(8, False, bits, True, True) for bits in (8, 16, 32)] == [True, False, False]
    assert [legal(16, is_signed, 8, is_signed, True) for is_signed in (True, False)] == [True, True]
    assert [legal(16, False, 16, False, True), legal(8, True, 8, True), legal(8, True, 8, False)] == [False, True, True]


@pytest.mark.parametrize("width", FLOATS)
def test_floats_of_integers(width):
    """Where a tie begins, at the ends of words, and beyond float16."""
    precision = PRECISION[width]
    powers = [2**power for power in (precision, precision + 1, precision + 2, 16, 31, 32, 63, 64)]
    near = (0, 65504, 65520, *powers)
    for value in {sign * each + off for each in near for off in range(-5, 6) for sign in (1, -1)}:
        if -(2**63) <= value < 2**64:
            for rounding in Rounding:
                expected = pattern_of(Fraction(value), width, rounding)
                assert integer_to_float(value, width, rounding) == expected
                assert integer_to_float(value, width, rounding, saturating=True) == (ONE[width] if value > 0 else 0)


@pytest.mark.parametrize("width", FLOATS)
@pytest.mark.parametrize("source", FLOATS)
def test_floats_of_floats(source, width):
    for magnitude in numbers(source):
        for pattern in signs(magnitude, source):
            negative = pattern != magnitude
            for rounding in Rounding:
                expected = pattern_of(value_of(pattern, source), width, rounding, negative)
                assert float_to_float(pattern, source, width, rounding) == expected
                clamped = 0 if negative else min(expected, ONE[width])
                assert float_to_float(pattern, source, width, rounding, saturating=True) == clamped


@pytest.mark.parametrize("width", FLOATS)
@pytest.mark.parametrize("source", FLOATS)
def test_infinities_and_nan_as_floats(source, width):
    for flush in (False, True):
        for pattern, expected in zip(signs(INFINITE[source], source), signs(INFINITE[width], width), strict=True):
            assert float_to_float(pattern, source, width, EVEN, flush) == expected
        assert float_to_float(INFINITE[source], source, width, EVEN, flush, saturating=True) == ONE[width]
        for nan in (INFINITE[source] + 1, 2 ** (source - 1) - 1, 2**source - 1):
            assert float_to_float(nan, source, width, EVEN, flush) == 2 ** (width - 1) - 1
            assert float_to_float(nan, source, width, EVEN, flush, saturating=True) == 0


@pytest.mark.parametrize("rounding", Rounding, ids=lambda rounding: rounding.name)
def test_flushed_floats(rounding):
    """f32 operands and results alone, and after rounding: what rounds up to the least normal number stays."""
    for negative in (False, True):
        sign16, sign32, sign64 = (negative * 2 ** (width - 1) for width in FLOATS)
        assert float_to_float(sign32 + 0x007FFFFF, 32, 32, rounding, True) == sign32
        assert float_to_float(sign32 + 0x00800000, 32, 32, rounding, True) == sign32 + 0x00800000
        assert float_to_float(sign32 + 0x007FFFFF, 32, 64, rounding, True) == sign64
        assert float_to_float(sign32 + 0x007FFFFF, 32, 64, rounding) == sign64 + 0x380FFFFFC0000000
        assert float_to_float(sign16 + 0x03FF, 16, 32, rounding, True) == sign32 + 0x387FC000
        assert float_to_float(sign16 + 0x0001, 16, 64, rounding, True) == sign64 + 0x3E70000000000000
        assert float_to_float(sign32 + 0x33800000, 32, 16, rounding, True) == sign16 + 0x0001
        assert float_to_float(sign64 + 0x380FFFFFC0000000, 64, 32, rounding, True) == sign32
        assert float_to_float(sign64 + 0x380FFFFFC0000000, 64, 32, rounding) == sign32 + 0x007FFFFF
        up = rounded(Fraction(-3 if negative else 3, 4), rounding) != 0
        assert float_to_float(sign64 + 0x380FFFFFF0000000, 64, 32, rounding, True) == sign32 + up * 0x00800000
        assert float_to_float(sign64 + 1, 64, 64, rounding, True) == sign64 + 1


@pytest.mark.parametrize("width", FLOATS)
def test_integral_floats(width):
    """A zero keeps the sign; what has no fraction is itself; saturated, 0 or 1."""
    for magnitude in numbers(width):
        for pattern in signs(magnitude, width):
            negative = pattern != magnitude
            for rounding in Rounding:
                value = Fraction(rounded(value_of(pattern, width), rounding))
                expected = pattern_of(value, width, rounding, negative)
                assert float_to_integral(pattern, width, rounding) == expected
                clamped = 0 if negative else min(expected, ONE[width])
                assert float_to_integral(pattern, width, rounding, saturating=True) == clamped


@pytest.mark.parametrize("width", FLOATS)
def test_specials_as_integral_floats(width):
    """Infinities stay, a NaN is all ones; subnormal float32 is flushed before it is rounded away from zero."""
    for pattern in signs(INFINITE[width], width):
        assert float_to_integral(pattern, width, EVEN) == pattern
    assert float_to_integral(INFINITE[width], width, EVEN, saturating=True) == ONE[width]
    assert float_to_integral(INFINITE[width] + 2 ** (width - 1), width, EVEN, saturating=True) == 0
    assert float_to_integral(INFINITE[width] + 1, width, EVEN) == 2 ** (width - 1) - 1
    assert float_to_integral(INFINITE[width] + 1, width, EVEN, saturating=True) == 0
    one, sign = 0 if width == 32 else ONE[width], 2 ** (width - 1)
    assert float_to_integral(NORMAL[width] - 1, width, Rounding.CEIL, True) == one
    assert float_to_integral(sign + NORMAL[width] - 1, width, Rounding.FLOOR, True) == sign + one
    assert float_to_integral(NORMAL[width], width, Rounding.CEIL, True) == ONE[width]


@pytest.mark.parametrize("width", FLOATS)
def test_clamped_to_one(width):
    one, top = ONE[width], 2 ** (width - 1)
    assert [clamp_to_one(each, width) for each in (one - 1, one, one + 1, INFINITE[width])] == [one - 1, one, one, one]
    assert [clamp_to_one(top + each, width) for each in (0, 1, one, INFINITE[width])] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("bits", "is_signed", "expected"),
    [
        (16, True, 0x80007FFF),
        (16, False, 0x0000FFFF),
        (8, True, 0x5678807F),
        (8, False, 0x567800FF),
        (4, True, 0x34567887),
        (4, False, 0x3456780F),
        (2, True, 0x23456789),
        (2, False, 0x23456783),
    ],
)
def test_fields_of_packed_words(bits, is_signed, expected):
    """-70000 above, 70000 below, the rest of 0x12345678 over both."""
    assert pack_saturate_to(-70_000, 70_000, 0x12345678, bits, is_signed) == expected
    assert pack_saturate_to(1, 0, 0, bits, is_signed) == 2**bits

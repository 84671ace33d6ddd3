from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.float32 import (
    exp,
    exp_binary64,
    float16,
    float32,
    float32_bits,
    float32_from_bits,
    fma,
    half_even,
    log,
    power,
    power_of_two,
)

from . import exact
from .exact import INFINITY, finite_float32, finite_patterns, from_bits, nearest_float32, to_bits

FINITE = finite_float32()
DIGITS = Context(prec=50)
GREATEST = from_bits(0x7F7FFFFF)
BEYOND = math.ldexp(2**25 - 1, 103)  # halfway from the greatest float32 to 2**128: a tie that goes to infinity


def same(found: float, expected: float) -> bool:
    return found == expected and math.copysign(1.0, found) == math.copysign(1.0, expected)


@given(st.floats(allow_nan=False, allow_infinity=False) | FINITE)
def test_float32_is_the_nearest(value):
    expected = nearest_float32(Fraction(value)) if value else value
    assert same(float32(value), expected)


@given(FINITE, st.integers(-2, 2))
def test_float32_between_neighbours(value, steps):
    """The binary64 values around the midpoint of two neighbouring float32."""
    above = from_bits(to_bits(abs(value)) + 1)
    middle = (abs(value) + above) / 2 if above < INFINITY else BEYOND
    for _ in range(abs(steps)):
        middle = math.nextafter(middle, INFINITY if steps > 0 else 0.0)
    assert same(float32(middle), nearest_float32(Fraction(middle)))
    assert same(float32(-middle), nearest_float32(Fraction(-middle)))


@given(st.integers(-(2**53), 2**53))
def test_float32_of_integers(value):
    assert float32(value) == nearest_float32(Fraction(value))


def test_float32_beyond_the_range_and_specials():
    assert float32(BEYOND) == INFINITY
    assert float32(math.nextafter(BEYOND, 0)) == GREATEST
    assert float32(-1e300) == -INFINITY
    assert float32(INFINITY) == INFINITY
    assert float32(-INFINITY) == -INFINITY
    assert math.isnan(float32(math.nan))
    assert same(float32(-1e-60), -0.0)


@given(finite_patterns())
def test_bits(pattern):
    assert same(float32_from_bits(pattern), from_bits(pattern))
    assert float32_bits(from_bits(pattern)) == pattern == to_bits(from_bits(pattern))


@given(FINITE, FINITE)
def test_sums_products_and_quotients_are_the_ieee_ones(x, y):
    """The claim of the module: one more rounding of the binary64 result is the float32 result."""
    for found, true in ((x + y, Fraction(x) + Fraction(y)), (x * y, Fraction(x) * Fraction(y))):
        if true:
            assert same(float32(found), nearest_float32(true))
    if x and y:
        assert same(float32(x / y), nearest_float32(Fraction(x) / Fraction(y)))


@given(st.integers(-(2**25), 2**25), st.integers(1, 2**10))
def test_half_even(numerator, denominator):
    value = float32(numerator / denominator)
    assert half_even(value) == exact.half_even(Fraction(value))


def test_half_even_written_out():
    assert [half_even(v) for v in (0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 8388607.5)] == [0, 2, 2, 0, -2, -2, 8388608]


@given(FINITE, FINITE, FINITE)
def test_fma_of_any_finite_values(x, y, z):
    true = Fraction(x) * Fraction(y) + Fraction(z)
    expected = nearest_float32(true) if true else x * y + z  # the sign of an exact zero is IEEE's
    assert same(fma(x, y, z), expected)


@given(FINITE, st.floats(0.5, 2, width=32), st.integers(-3, 3), st.integers(-160, 0))
def test_fma_where_most_cancels_or_little_is_added(x, y, steps, exponent):
    """z near the rounded product, of either sign, or far below it: where rounding twice goes wrong."""
    near = nearest_float32(-Fraction(x) * Fraction(y) * (1 + Fraction(steps, 2**23))) if x else 0.0
    for z in (near, -near, float32(math.ldexp(x, exponent)), float32(math.ldexp(1.0, exponent))):
        true = Fraction(x) * Fraction(y) + (Fraction(z) if abs(z) < INFINITY else 0)
        if abs(z) < INFINITY and true:
            assert same(fma(x, y, z), nearest_float32(true))


def test_fma_where_rounding_to_double_first_is_wrong():
    x, z = 1 + 2.0**-12, 2.0**-60
    assert fma(x, x, z) == nearest_float32(Fraction(x) ** 2 + Fraction(z)) == 1 + 2.0**-11 + 2.0**-23
    assert float32(x * x + z) == 1 + 2.0**-11
    assert fma(x, x, -z) == 1 + 2.0**-11


def test_fma_beyond_the_range():
    assert fma(GREATEST, 2.0, 0.0) == INFINITY
    assert fma(GREATEST, 2.0, -GREATEST) == GREATEST
    assert fma(-GREATEST, GREATEST, GREATEST) == -INFINITY
    assert fma(2.0**-149, 2.0**-149, 0.0) == 0.0
    assert fma(2.0**-149, 0.5, 2.0**-149) == 2.0**-148  # a tie, to even


@pytest.mark.parametrize("exponent", range(-126, 128))
def test_power_of_two(exponent):
    assert power_of_two(exponent) == math.ldexp(1.0, exponent)


def exp_error(x: float) -> Decimal:
    """In units of the last place of the exact result."""
    true = DIGITS.exp(Decimal(x))
    unit = math.ldexp(1.0, max(math.frexp(float(true))[1] - 24, -149))
    return abs(Decimal(exp(x)) - true) / Decimal(unit)


WORST = Decimal("1.0234")  # tools/exp_error.py --stride 1


@given(st.floats(-104.0, from_bits(0x42B17217), width=32))
def test_exp_error_is_bounded(x):
    assert exp_error(x) <= WORST


@pytest.mark.parametrize("pattern", [0x426D2304, 0x41D5BC4E, 0xC0BB5D46, 0xC28DFBD6, 0x4179F25C])
def test_exp_error_at_its_worst_arguments(pattern):
    assert Decimal(1) < exp_error(from_bits(pattern)) <= WORST


def test_exp_at_zero_and_around():
    assert exp(0.0) == exp(-0.0) == exp(2.0**-149) == exp(-(2.0**-149)) == 1.0


def test_exp_beyond_the_ends():
    for x in (-104.0, -105.0, -1e38, -INFINITY):
        assert same(exp(x), 0.0)
    for x in (88.7229, 89.0, 100.0, 1e38, INFINITY):
        assert exp(x) == INFINITY


def _neighbours(x: float, count: int) -> list[float]:
    """`count` float32 values from x toward zero, ascending."""
    values = [from_bits(to_bits(x) - i) for i in range(count)]
    return sorted(values)


@pytest.mark.parametrize("end", [-104.0, -103.2789, -87.33654, 88.72284])
def test_exp_is_monotone_at_its_ends(end):
    """The underflow to zero, the smallest subnormals, the step to subnormals, the overflow."""
    results = [exp(x) for x in _neighbours(float32(end + 0.001 * (1 if end > 0 else -1)), 400)]
    assert results == sorted(results)


def test_exp_overflows_and_underflows_where_the_exact_value_does():
    below, above = from_bits(0x42B17217), from_bits(0x42B17218)  # ln of the greatest float32 lies between
    assert exp(below) < INFINITY
    assert exp(above) == INFINITY
    smallest = [x for x in _neighbours(-104.0, 100_000)[::7] if exp(x) > 0.0]
    assert DIGITS.exp(Decimal(smallest[0])) > Decimal(2) ** -151


POSITIVE = FINITE.map(abs).filter(bool)
NEAR_ONE = st.integers(-(2**12), 2**12).map(lambda steps: from_bits(0x3F800000 + steps))


@given(POSITIVE | NEAR_ONE)
def test_log_is_within_its_bound(x):
    true = DIGITS.ln(Decimal(x))
    assert abs(Decimal(log(x)) - true) <= abs(true) / 2**50


@pytest.mark.parametrize("exponent", range(-149, 128))
def test_log_of_powers_of_two(exponent):
    assert log(math.ldexp(1.0, exponent)) == pytest.approx(exponent * math.log(2), rel=2**-50)


def power_error(x: float, y: float, found: float) -> Decimal:
    """In units of the last place of the exact result."""
    true = DIGITS.exp(DIGITS.multiply(Decimal(y), DIGITS.ln(Decimal(x))))
    unit = math.ldexp(1.0, max(math.frexp(float(true))[1] - 24, -149))
    return abs(Decimal(found) - true) / Decimal(unit)


NEAREST = Decimal("0.50001")


@given(POSITIVE | NEAR_ONE, st.floats(-150.0, 127.99))
def test_power_error_is_bounded(x, exponent):
    """The exponent is chosen so that the result has any magnitude, subnormals among them."""
    y = float32(exponent / math.log2(x)) if x != 1.0 else float32(exponent)
    found = power(x, y)
    if abs(y) < INFINITY and 0.0 < found < INFINITY:
        assert power_error(x, y, found) <= NEAREST


@given(st.floats(0.5, 100.0, width=32), st.sampled_from([-0.75, -0.5, 0.25, 0.75, 1.5, 2.0, 3.0, -5.0]))
def test_power_as_local_response_normalization_takes_it(x, y):
    assert power_error(x, y, power(x, y)) <= NEAREST


@given(st.floats(-105.0, 105.0))
def test_exp_binary64_error_is_bounded(x):
    true = DIGITS.exp(Decimal(x))
    assert abs(Decimal(exp_binary64(x)) - true) <= true / 2**45


@given(FINITE)
def test_power_of_one_is_the_value_itself(x):
    assert same(power(x, 1.0), x)
    assert power(x, 0.0) == power(1.0, x) == 1.0


@given(FINITE.filter(bool), st.integers(-9, 9))
def test_whole_powers_of_negative_values_have_the_sign_of_an_odd_exponent(x, y):
    magnitude = power(abs(x), float(y))
    assert same(power(-abs(x), float(y)), -magnitude if y % 2 else magnitude)


@given(FINITE.filter(lambda x: x < 0.0), st.floats(-100, 100, width=32).filter(lambda y: y != round(y)))
def test_other_powers_of_negative_values_are_nan(x, y):
    assert math.isnan(power(x, y))


def test_power_at_its_ends():
    for zero, y, expected in (
        (0.0, 2.5, 0.0),
        (-0.0, 3.0, -0.0),
        (-0.0, 2.0, 0.0),
        (0.0, -2.0, INFINITY),
        (-0.0, -3.0, -INFINITY),
        (-0.0, -2.0, INFINITY),
    ):
        assert same(power(zero, y), expected)
    assert power(2.0, 127.0) == math.ldexp(1.0, 127)
    assert power(2.0, 128.0) == power(1.5, 1e30) == power(0.5, -1e30) == INFINITY
    assert power(2.0, -149.0) == math.ldexp(1.0, -149)
    assert same(power(2.0, -150.0), 0.0)  # a tie, to even
    assert same(power(0.5, 1e30), 0.0)
    assert power(-2.0, 16777216.0) == INFINITY  # every float32 from 2**24 on is even
    assert power(-2.0, 127.0) == -math.ldexp(1.0, 127)


def test_float16_is_numpys_at_every_float16_and_at_every_tie(compared):
    """All 63,488 finite float16 values, the midpoint above each, and that midpoint's two float32 neighbours."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    exact = halves[np.isfinite(halves)].astype(np.float32)
    middle = np.unique((exact[:-1].astype(np.float64) + exact[1:]) / 2).astype(np.float32)
    near = [np.nextafter(middle, np.float32(side)) for side in (-np.inf, np.inf)]
    values = np.concatenate([exact, middle, *near, np.float32([65519.996, 65520.0, -65520.0, 3e38])])
    with np.errstate(over="ignore"):
        expected = values.astype(np.float16).astype(np.float32)
    found = np.array([float16(value) for value in values.tolist()], np.float32)
    assert np.array_equal(found.view(np.uint32), expected.view(np.uint32))
    compared(len(values), least=200_000)

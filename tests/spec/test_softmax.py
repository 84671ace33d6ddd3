from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from int8sim.spec.float32 import exp
from int8sim.spec.multipliers import tflite_multiplier
from int8sim.spec.softmax import (
    table_exponential,
    table_quotient,
    table_quotient_is_defined,
    table_sum,
    tflite_exponential,
    tflite_quotient,
    tflite_sum,
)

from .exact import (
    INFINITY,
    clip,
    divide_by_power_of_two,
    doubling_high_multiply,
    finite_float32,
    float32_product,
    float32_quotient,
    float32_sum,
    half_even_clipped,
    nearest_float32,
    scales,
    signed,
)
from .gemmlowp_exact import exp_definition, two_over_one_plus

HIGH = 2**31 - 1


def reciprocal_definition(total: int) -> tuple[int, int]:
    """1 / total: (mantissa, bits over unit)."""
    headroom = 32 - total.bit_length()
    return clip(two_over_one_plus((total << headroom) - 2**31) * 2, -(2**31), HIGH), 12 - headroom


def parameters(scale: float) -> tuple[int, int, int]:
    """multiplier, right shift, least difference of an input scale."""
    multiplier, shift = tflite_multiplier(min(scale * 2.0**26, 2.0**31 - 1))
    return multiplier, shift, -math.floor(31 * 2**26 / 2**-shift)


def row_definition(row: list[int], scale: float) -> list[int]:
    multiplier, shift, least = parameters(scale)
    shares = []
    for code in row:
        difference = code - max(row)
        scaled = doubling_high_multiply(signed(difference << -shift, 32), multiplier)
        shares.append(exp_definition(scaled, 5) if difference >= least else None)
    mantissa, over = reciprocal_definition(sum(divide_by_power_of_two(s, 12) for s in shares if s is not None))
    exponent = over + 31 - 8
    quotients = [
        None if s is None else divide_by_power_of_two(doubling_high_multiply(mantissa, s), exponent) for s in shares
    ]
    return [-128 if quotient is None else clip(quotient - 128, -128, 127) for quotient in quotients]


def row_by_steps(row: list[int], scale: float) -> list[int]:
    shares = [tflite_exponential(code - max(row), *parameters(scale)) for code in row]
    total = 0
    for share in shares:
        total = tflite_sum(total, share)
    return [tflite_quotient(share, total, -128, 127) for share in shares]


ROWS = st.lists(st.integers(-128, 127), min_size=1, max_size=40)


@given(ROWS, scales(2.0**-12, 2.0**3))
def test_tflite_rows(row, scale):
    assert row_by_steps(row, scale) == row_definition(row, scale)


@pytest.mark.parametrize("scale", [2.0**-25.5, 2.0**-12, 0.1, 1.0, 31.9, 2.0**5, 2.0**12])
@pytest.mark.parametrize("row", [[0], [127, -128], [-128] * 511, list(range(-128, 128)), [5, 5, 4, -100]], ids=len)
def test_tflite_rows_at_extreme_scales_and_lengths(row, scale):
    scale = nearest_float32(Fraction(scale))
    assert row_by_steps(row, scale) == row_definition(row, scale)


@given(ROWS, scales(2.0**-6, 2.0**2))
def test_tflite_rows_are_near_the_real_softmax(row, scale):
    shares = [math.exp((code - max(row)) * scale) for code in row]
    for found, share in zip(row_by_steps(row, scale), shares, strict=True):
        assert abs(found - min(256 * share / sum(shares) - 128, 127)) < 0.51


@given(st.integers(2**19, 2**28), st.integers(0, 2**31 - 1))
def test_tflite_quotient_is_near_the_real_one(total, exponential):
    assume(exponential <= total * 2**12)
    true = 256 * Fraction(exponential, total * 2**12)
    assert abs(tflite_quotient(exponential, total, 0, 10**6) - true) <= Fraction(1, 2) + Fraction(1, 2**18)


@given(st.integers(0, 2**30), st.integers(0, HIGH))
def test_tflite_sum(total, exponential):
    assert tflite_sum(total, exponential) == total + divide_by_power_of_two(exponential, 12)


def test_tflite_exponential_below_the_least_difference():
    multiplier, shift, least = parameters(1.0)
    assert least == -15
    assert tflite_exponential(least - 1, multiplier, shift, least) == 0
    assert tflite_exponential(least, multiplier, shift, least) > 0
    assert tflite_exponential(0, multiplier, shift, least) == HIGH


def test_table_exponential():
    table = [float(i) for i in range(256)]
    assert [table_exponential(d, table) for d in (0, -1, -255)] == [255.0, 254.0, 0.0]


FINITE = finite_float32()


@given(FINITE, FINITE)
def test_table_sum(total, exponential):
    assert table_sum(total, exponential) == float32_sum(total, exponential)


@given(st.floats(2.0**-100, 2.0**127, width=32), st.floats(1, 2.0**127, width=32), st.integers(1, 2**16), st.booleans())
def test_table_quotient(exponential, total, inverse, is_signed):
    low, high, zero_point = (-128, 127, -128) if is_signed else (0, 255, 3)
    quotient = float32_quotient(float32_product(exponential, float(inverse)), total)
    found = table_quotient(exponential, total, float(inverse), zero_point, low, high)
    if table_quotient_is_defined(exponential, total, float(inverse)):
        assert quotient < 2**31
        assert found == half_even_clipped(quotient, low - zero_point, high - zero_point) + zero_point
    else:
        assert quotient >= 2**31
        assert found == (clip(signed(-(2**31) + zero_point, 32), low, high) if is_signed else zero_point)


def test_table_quotient_of_a_row_of_one():
    """Measured on ONNX Runtime 1.31.1: the product overflows; int8 ends at 127, uint8 at the zero point."""
    share = 2.0**127
    assert table_quotient(share, share, 256.0, -128, -128, 127) == 127
    assert table_quotient(share, share, 256.0, 0, 0, 255) == 0
    assert not table_quotient_is_defined(share, share, 256.0)


@given(st.lists(st.integers(-128, 127), min_size=1, max_size=30))
def test_float_softmax_of_the_definition_sums_to_one(row):
    shares = [exp(float(code - max(row))) for code in row]
    assert max(shares) == 1.0
    assert all(0.0 <= share < INFINITY for share in shares)

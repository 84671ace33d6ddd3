from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.multipliers import mean_multiplier
from int8sim.spec.pooling import (
    average_dequantized,
    average_half_away,
    average_real,
    mean_double,
    mean_rne,
    sum_codes,
    sum_offset,
    sum_real,
)

from .exact import (
    CODE_RANGES,
    clip,
    finite_float32,
    float32_product,
    float32_quotient,
    float32_sum,
    half_away,
    half_even_clipped,
    multiply_by_quantized_multiplier,
    nearest_float32,
    scales,
    word,
)

TOTALS = word(32) | st.integers(-(2**15), 2**15)
COUNTS = st.integers(1, 2**12)
CODES = st.integers(-128, 255)
SCALES = scales(2.0**-10, 2.0**6)


@given(TOTALS, CODES, CODES)
def test_sums(total, x, zero_point):
    assert sum_codes(total, x) == total + x
    assert sum_offset(total, x, zero_point) == total + x - zero_point


@given(finite_float32(), CODES, SCALES, CODES)
def test_sum_real(total, x, scale, zero_point):
    assert sum_real(total, x, scale, zero_point) == float32_sum(total, float32_product(float(x - zero_point), scale))


@given(TOTALS, COUNTS, CODE_RANGES)
def test_average_half_away(total, count, ends):
    assert average_half_away(total, count, *ends) == clip(half_away(Fraction(total, count)), *ends)


@pytest.mark.parametrize("count", range(1, 20))
def test_average_half_away_is_the_engines_truncated_quotient(count):
    for total in range(-300, 301):
        biased = total + count // 2 if total > 0 else total - count // 2
        quotient = abs(biased) // count * (1 if biased > 0 else -1)
        assert average_half_away(total, count, -128, 127) == clip(quotient, -128, 127)


@given(finite_float32() | SCALES, COUNTS, SCALES, CODES, CODE_RANGES)
def test_average_real(total, count, scale, zero_point, ends):
    value = float32_sum(float32_quotient(float32_quotient(total, count), scale), zero_point)
    assert average_real(total, count, scale, zero_point, *ends) == half_even_clipped(value, *ends)


@given(TOTALS, COUNTS, scales(), CODES, CODE_RANGES)
def test_mean_rne(total, count, multiplier, zero_point, ends):
    product = float32_product(nearest_float32(Fraction(total)), multiplier)
    expected = half_even_clipped(product, ends[0] - zero_point, ends[1] - zero_point) + zero_point
    assert mean_rne(total, count, multiplier, zero_point, *ends) == expected


@given(st.integers(-(2**15), 2**15), st.integers(1, 256), scales(2.0**-6, 2.0**4), CODES, CODE_RANGES)
def test_mean_double(total, count, ratio, zero_point, ends):
    multiplier, shift = mean_multiplier(ratio, count)
    expected = clip(multiply_by_quantized_multiplier(total, multiplier, shift) + zero_point, *ends)
    assert mean_double(total, count, multiplier, shift, zero_point, *ends) == expected


@given(TOTALS, COUNTS, SCALES, SCALES, CODE_RANGES)
def test_average_dequantized(total, count, from_scale, scale, ends):
    mean = float32_quotient(float32_product(nearest_float32(Fraction(total)), from_scale), count)
    assert average_dequantized(total, count, from_scale, scale, *ends) == half_even_clipped(
        float32_quotient(mean, scale), *ends
    )

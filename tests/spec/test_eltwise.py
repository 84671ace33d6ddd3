from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.eltwise import (
    add_dequantized,
    add_double,
    add_fma,
    add_fma_is_defined,
    maximum_code,
    minimum_code,
    requantize_real,
    subtract_double,
)
from int8sim.spec.multipliers import tflite_multiplier

from .exact import (
    CODE_RANGES,
    clip,
    float32_product,
    float32_quotient,
    float32_sum,
    half_even_clipped,
    multiply_by_quantized_multiplier,
    nearest_float32,
    scales,
)

CODES = st.integers(-128, 255)
SCALES = scales(2.0**-10, 2.0**3)


@pytest.mark.parametrize(("function", "sign"), [(add_double, 1), (subtract_double, -1)])
@given(CODES, CODES, CODES, CODES, CODES, SCALES, SCALES, SCALES, CODE_RANGES)
def test_sums_and_differences(function, sign, a, b, za, zb, zy, sa, sb, sy, ends):
    twice = 2 * max(sa, sb)
    ma, ea = tflite_multiplier(sa / twice)
    mb, eb = tflite_multiplier(sb / twice)
    mo, eo = tflite_multiplier(twice / (2**20 * sy))
    left = multiply_by_quantized_multiplier((a - za) * 2**20, ma, ea)
    right = multiply_by_quantized_multiplier((b - zb) * 2**20, mb, eb)
    expected = clip(multiply_by_quantized_multiplier(left + sign * right, mo, eo) + zy, *ends)
    assert function(a, b, za, zb, ma, ea, mb, eb, mo, eo, zy, *ends) == expected
    if eo >= 0:  # the engine's own condition: the last multiplier is below 1
        true = (Fraction(sa) * (a - za) + sign * Fraction(sb) * (b - zb)) / Fraction(sy)
        assert abs(expected - clip(round(true) + zy, *ends)) <= 1


@given(CODES, CODES, SCALES, SCALES, scales(2.0**-6, 2.0**8) | SCALES.map(lambda s: -s), CODE_RANGES)
def test_add_fma(a, b, ra, rb, fixed, ends):
    inner = nearest_float32(Fraction(b) * Fraction(rb) + Fraction(fixed))
    value = nearest_float32(Fraction(a) * Fraction(ra) + Fraction(inner))
    assert add_fma(a, b, ra, rb, fixed, *ends) == half_even_clipped(value, *ends)


@pytest.mark.parametrize(
    ("a", "b", "a_ratio", "b_ratio", "fixed", "expected", "otherwise"),
    [
        (-45, 73, 0.7706501483917236, 0.8609544634819031, -33.67041778564453, -5, -6),
        (-62, -23, 1.31403386592865, 1.4410401582717896, 124.11402130126953, 10, 9),
        (28, -41, 1.2849714756011963, 0.731654942035675, 9.518651008605957, 15, 16),
    ],
)
def test_add_fma_where_its_order_and_its_fusion_decide(a, b, a_ratio, b_ratio, fixed, expected, otherwise):
    assert add_fma(a, b, a_ratio, b_ratio, fixed, -128, 127) == expected
    assert add_fma(b, a, b_ratio, a_ratio, fixed, -128, 127) == otherwise
    unfused = float32_sum(float32_product(a, a_ratio), float32_sum(float32_product(b, b_ratio), fixed))
    assert half_even_clipped(unfused, -128, 127) == otherwise


@pytest.mark.parametrize(("low", "high"), [(-128, 127), (0, 255)])
def test_add_fma_beyond_int32(low, high):
    """Measured on ONNX Runtime 1.31.1, x86: the conversion gives -2**31."""
    assert add_fma(1, 0, 2.0**31 - 128, 1.0, 0.0, low, high) == high
    assert add_fma_is_defined(1, 0, 2.0**31 - 128, 1.0, 0.0)
    assert add_fma_is_defined(0, -1, 1.0, 2.0**31, 0.0)
    assert not add_fma_is_defined(0, -1, 1.0, 2.0**31, -256.0)
    for ratio in (2.0**31, 2.0**60):
        assert add_fma(1, 0, ratio, 1.0, 0.0, low, high) == low
        assert add_fma(0, 1, 1.0, ratio, 0.0, low, high) == low
        assert add_fma(-1, 0, ratio, 1.0, 0.0, low, high) == low
        assert not add_fma_is_defined(1, 0, ratio, 1.0, 0.0)


@given(CODES, CODES, SCALES, SCALES, SCALES, CODE_RANGES)
def test_add_dequantized(a, b, sa, sb, sy, ends):
    total = float32_sum(float32_product(float(a), sa), float32_product(float(b), sb))
    assert add_dequantized(a, b, sa, sb, sy, *ends) == half_even_clipped(float32_quotient(total, sy), *ends)


@given(CODES, SCALES, CODES, SCALES, CODES, CODE_RANGES)
def test_requantize_real(x, s, z, sy, zy, ends):
    quotient = float32_quotient(float32_product(float(x - z), s), sy)
    assert requantize_real(x, s, z, sy, zy, *ends) == half_even_clipped(quotient, ends[0] - zy, ends[1] - zy) + zy


@given(CODES, SCALES, CODES)
def test_requantize_real_to_the_same_scale_keeps_the_code(x, s, z):
    assert requantize_real(x, s, z, s, z, -128, 255) == x


def test_the_greater_and_the_lesser_code():
    pairs = [(-128, 127), (5, 5), (7, -3)]
    assert [maximum_code(a, b, -100, 100) for a, b in pairs] == [100, 5, 7]
    assert [minimum_code(a, b, -100, 100) for a, b in pairs] == [-100, 5, -3]

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.affine import (
    asymmetric_scale,
    asymmetric_scale_float32,
    bound_code,
    clamp_code,
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

from .exact import (
    CODE_RANGES,
    INFINITY,
    clip,
    finite_float32,
    float32_product,
    float32_quotient,
    float32_sum,
    half_away,
    half_even,
    half_even_clipped,
    nearest_float32,
    scales,
    signed,
    word,
)

FINITE = finite_float32()
CODES = st.integers(-128, 255)
ZERO_POINTS = st.integers(-128, 255)
SCALES = scales()
BOUNDS = st.floats(-(2.0**40), 2.0**40, width=32)
ENDS = st.sampled_from([(-128, 127), (0, 255)])


def rounded_clipped(value: float, low: int, high: int) -> int:
    """Half away, then clipped."""
    if abs(value) == INFINITY:
        return high if value > 0 else low
    return clip(half_away(Fraction(value)), low, high)


@given(st.floats(0.0, 2.0**60), st.sampled_from([7, 127, 32767]))
def test_symmetric_scale(amax, high):
    assert symmetric_scale(amax, high) == nearest_float32(Fraction(amax / high))


@given(FINITE, FINITE, ENDS)
def test_onnxruntimes_asymmetric_rule(one, other, ends):
    low, high = min(one, other), max(one, other)
    scale = asymmetric_scale(low, high, 255)
    width = float(Fraction(max(high, 0.0)) - Fraction(min(low, 0.0))) / 255
    assert scale == (width if width >= 2.0**-126 else 1.0)
    zero_point = zero_point_half_even(low, scale, *ends)
    real = Fraction(float(ends[0] - min(low, 0.0) / scale))
    assert zero_point == clip(half_even(real), *ends)
    check_real_zero(nearest_float32(Fraction(scale)), zero_point, *ends)


@given(FINITE, FINITE)
def test_tflites_asymmetric_rule(one, other):
    low, high = min(one, other), max(one, other)
    scale = asymmetric_scale_float32(low, high, 255)
    width = float32_quotient(float32_sum(max(high, 0.0), -min(low, 0.0)), 255.0)
    assert scale == (width if width > 0 else 1.0)
    zero_point = zero_point_half_away(low, scale, -128, 127)
    if scale < INFINITY:
        real = float32_sum(-128.0, -float32_quotient(min(low, 0.0), scale))
        assert zero_point == clip(half_away(Fraction(real)), -128, 127)
        check_real_zero(scale, zero_point, -128, 127)


def check_real_zero(scale: float, zero_point: int, low: int, high: int) -> None:
    """Real zero has a code of its own, whichever rounding makes it."""
    assert low <= zero_point <= high
    assert dequantize(zero_point, scale, zero_point) == 0.0
    assert quantize_half_even(0.0, scale, zero_point, low, high) == zero_point
    assert quantize_half_away(0.0, scale, zero_point, low, high) == zero_point


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 255.0, 0), (-255.0, 0.0, 255), (-127.5, 127.5, 128), (1.0, 255.0, 0), (-255.0, -1.0, 255), (0.0, 0.0, 0)],
)
def test_zero_points_of_onnxruntime(low, high, expected):
    assert asymmetric_scale(low, high, 255) == 1.0
    assert zero_point_half_even(low, 1.0, 0, 255) == expected


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.0, 255.0, -128), (-255.0, 0.0, 127), (-127.5, 127.5, -1), (-128.5, 126.5, 1), (0.0, 0.0, -128)],
)
def test_zero_points_of_tflite(low, high, expected):
    """At scale 1: -128 - low, a tie away from zero."""
    assert asymmetric_scale_float32(low, high, 255) == 1.0
    assert zero_point_half_away(low, 1.0, -128, 127) == expected


@given(FINITE.filter(lambda v: abs(v) < 2**62) | st.integers(-9999, 9999).map(lambda n: n / 2))
def test_half_away_float32(value):
    assert half_away_float32(value) == half_away(Fraction(value))


@given(FINITE, SCALES | FINITE.filter(lambda v: v > 0), ZERO_POINTS, CODE_RANGES)
def test_quantize_half_even(real, scale, zero_point, ends):
    quotient = float32_quotient(real, scale)
    expected = half_even_clipped(quotient, ends[0] - zero_point, ends[1] - zero_point) + zero_point
    assert quantize_half_even(real, scale, zero_point, *ends) == expected


@given(st.integers(-999, 999), st.integers(-20, 10), ZERO_POINTS)
def test_quantize_at_ties(halves, exponent, zero_point):
    scale = 2.0**exponent
    real, tie = halves * scale / 2, Fraction(halves, 2)
    assert quantize_half_even(real, scale, zero_point, -128, 255) == clip(half_even(tie) + zero_point, -128, 255)
    assert quantize_half_away(real, scale, zero_point, -128, 255) == clip(half_away(tie) + zero_point, -128, 255)


@pytest.mark.parametrize("ends", [(-128, 127), (0, 255)])
@pytest.mark.parametrize("zero_point", [-128, -3, 0, 5, 127])
def test_huge_values_infinities_and_nan(ends, zero_point):
    low, high = ends
    for real in (3e9, 1e20, 3.4e38, INFINITY):
        assert quantize_half_even(real, 1.0, zero_point, low, high) == high
        assert quantize_half_even(-real, 1.0, zero_point, low, high) == low
        assert not quantize_half_away_is_defined(real, 1.0)
        for value in (real, -real):  # the cast gives -2**31 either way, and the sum wraps
            expected = high if zero_point < 0 else low
            assert quantize_half_away(value, 1.0, zero_point, low, high) == expected
    assert quantize_half_even(math.nan, 1.0, zero_point, low, high) == low
    assert quantize_half_away(math.nan, 1.0, zero_point, low, high) == (high if zero_point < 0 else low)
    assert not quantize_half_away_is_defined(math.nan, 1.0)


@given(FINITE, SCALES, ZERO_POINTS, CODE_RANGES)
def test_quantize_half_away(real, scale, zero_point, ends):
    quotient = float32_quotient(real, scale)
    whole = half_away(Fraction(quotient)) if abs(quotient) < INFINITY else 2**31
    whole = whole if -(2**31) <= whole < 2**31 else -(2**31)
    assert quantize_half_away(real, scale, zero_point, *ends) == clip(signed(whole + zero_point, 32), *ends)
    if quantize_half_away_is_defined(real, scale) and abs(whole) < 2**30:
        assert quantize_half_away(real, scale, zero_point, *ends) == clip(whole + zero_point, *ends)


@given(FINITE, SCALES | FINITE, CODE_RANGES)
def test_quantize_weight_half_away(real, reciprocal, ends):
    product = float32_product(real, reciprocal)
    assert quantize_weight_half_away(real, reciprocal, *ends) == rounded_clipped(product, *ends)


@given(FINITE | st.integers(-999, 999).map(lambda n: n / 2), SCALES | st.just(1.0), CODE_RANGES)
def test_quantize_half_up(real, reciprocal, ends):
    value = float32_sum(float32_product(real, reciprocal), 0.5)
    floor = value if abs(value) == INFINITY else math.floor(value)
    expected = clip(floor, *ends) if abs(value) < INFINITY else (ends[1] if value > 0 else ends[0])
    assert quantize_half_up(real, reciprocal, *ends) == expected


@pytest.mark.parametrize("real", [3e9, 3.4e38, INFINITY, 2.0**31, 2.0**31 - 128])
def test_quantize_half_up_to_32_bits(real):
    low, high = -(2**31), 2**31 - 1
    assert quantize_half_up(real, 1.0, low, high) == (high if real >= 2**31 else int(real))
    assert quantize_half_up(-real, 1.0, low, high) == max(low, -(2**31) if real >= 2**31 else -int(real))


@given(word(32) | CODES, SCALES | FINITE, ZERO_POINTS)
def test_dequantize(code, scale, zero_point):
    expected = float32_product(nearest_float32(Fraction(code - zero_point)), scale)
    assert dequantize(code, scale, zero_point) == expected


@given(CODES, scales(2.0**-30, 2.0**30), ZERO_POINTS)
def test_quantize_undoes_dequantize(code, scale, zero_point):
    real = dequantize(code, scale, zero_point)
    assert quantize_half_even(real, scale, zero_point, -128, 255) == code
    assert quantize_half_away(real, scale, zero_point, -128, 255) == code


@given(CODES, CODE_RANGES)
def test_clamp_code(code, ends):
    assert clamp_code(code, *ends) == clip(code, *ends)


@given(BOUNDS | st.sampled_from([0.0, 6.0, -1.0, 1.0, INFINITY, -INFINITY]), SCALES, st.integers(-128, 127), ENDS)
def test_bound_code(bound, scale, zero_point, ends):
    zero_point = clip(zero_point, *ends)
    expected = rounded_clipped(float32_quotient(bound, scale), ends[0] - zero_point, ends[1] - zero_point) + zero_point
    assert bound_code(bound, scale, zero_point, *ends) == expected
    if bound == 0.0:
        assert expected == zero_point

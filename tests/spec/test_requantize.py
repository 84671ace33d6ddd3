from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

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

from .exact import (
    CODE_RANGES,
    MULTIPLIERS,
    SHIFTS,
    clip,
    doubling_high_multiply,
    finite_float32,
    float32_product,
    float32_quotient,
    float32_sum,
    half_away,
    half_even_clipped,
    half_up,
    multiply_by_quantized_multiplier,
    nearest_float32,
    scales,
    signed,
    word,
)

ACC = word(32)
ZERO_POINTS = st.integers(-128, 255)


@given(ACC, scales() | finite_float32(), ZERO_POINTS, CODE_RANGES)
def test_float_rne(acc, multiplier, zero_point, ends):
    product = float32_product(nearest_float32(Fraction(acc)), multiplier)
    expected = half_even_clipped(product, ends[0] - zero_point, ends[1] - zero_point) + zero_point
    assert float_rne(acc, multiplier, zero_point, *ends) == expected


@given(st.integers(-1000, 1000), ZERO_POINTS)
def test_float_rne_at_ties(halves, zero_point):
    """Rounded to even before the zero point is added: an odd zero point does not move the ties."""
    expected = clip((halves >> 1) + (halves & 1 and halves >> 1 & 1) + zero_point, -128, 127)
    assert float_rne(halves, 0.5, zero_point, -128, 127) == expected


@pytest.mark.parametrize(
    ("acc", "multiplier", "expected", "in_one_rounding"),
    [
        (35841667, 3.7665657259822183e-07, 14, 13),
        (46091453, 3.579839642497973e-07, 16, 17),
        (68354436, 3.730555135916802e-07, 25, 26),
    ],
)
def test_float_rne_rounds_the_accumulator_first(acc, multiplier, expected, in_one_rounding):
    assert float_rne(acc, multiplier, 0, -128, 127) == expected
    assert half_even_clipped(nearest_float32(Fraction(acc) * Fraction(multiplier)), -128, 127) == in_one_rounding


@given(ACC, scales(), finite_float32() | scales(), scales(), CODE_RANGES)
def test_quantize_sum(acc, rescale, bias, scale, ends):
    real = float32_sum(float32_product(nearest_float32(Fraction(acc)), rescale), bias)
    assert quantize_sum(acc, rescale, bias, scale, *ends) == half_even_clipped(float32_quotient(real, scale), *ends)


@given(ACC, MULTIPLIERS | word(31, is_signed=False))
def test_high_multiply_is_gemmlowps(value, multiplier):
    assert high_multiply(value, multiplier) == doubling_high_multiply(value, multiplier)
    assert high_multiply(value, multiplier) == half_up(Fraction(value * multiplier, 2**31))


@given(st.integers(-(2**20), 2**20), st.integers(0, 10))
def test_high_multiply_at_ties(odd, power):
    value, multiplier = 2 * odd + 1, 2 ** (30 - power)  # odd / 2**(power + 1)
    assert high_multiply(value, multiplier) == doubling_high_multiply(value, multiplier)


@given(ACC, MULTIPLIERS, SHIFTS)
def test_double(acc, multiplier, shift):
    expected = multiply_by_quantized_multiplier(acc, multiplier, shift)
    assert double(acc, multiplier, shift) == expected == fixed_point(acc, multiplier, shift, "double")
    if double_is_defined(acc, multiplier, shift):
        first = half_up(Fraction(acc) * 2 ** max(-shift, 0) * multiplier / 2**31)
        assert expected == half_away(Fraction(first, 2 ** max(shift, 0)))


@given(ACC, MULTIPLIERS, SHIFTS)
def test_double_up(acc, multiplier, shift):
    left = signed(acc * 2 ** max(-shift, 0), 32)
    first = doubling_high_multiply(left, multiplier)
    expected = half_up(Fraction(first, 2 ** max(shift, 0)))
    assert double_up(acc, multiplier, shift) == expected == fixed_point(acc, multiplier, shift, "double_up")


@given(ACC, MULTIPLIERS, SHIFTS)
def test_single(acc, multiplier, shift):
    expected = half_up(Fraction(acc * multiplier) / Fraction(2) ** (31 + shift))
    assert single(acc, multiplier, shift) == expected == fixed_point(acc, multiplier, shift, "single")
    legal = multiplier == 0 or multiplier >= 2**30
    assert single_is_defined(acc, multiplier, shift) == (legal and -(2**31) <= expected < 2**31)


@given(st.integers(-(2**12), 2**12), st.integers(1, 12))
def test_the_three_schemes_differ_only_by_how_ties_go(quotient, shift):
    """At multiplier 1/2 the first rounding of `double` is exact for even accumulators; the tie is the shift's."""
    acc = 2 * (quotient * 2**shift + 2 ** (shift - 1))
    tie = Fraction(2 * quotient + 1, 2)
    assert double(acc, 2**30, shift) == half_away(tie)
    assert double_up(acc, 2**30, shift) == single(acc, 2**30, shift) == half_up(tie)


def test_fixed_point_refuses_other_schemes():
    with pytest.raises(ValueError, match="'triple'"):
        fixed_point(1, 1 << 30, 0, "triple")


@given(ACC, word(31, is_signed=False), st.integers(-32, 32))
def test_double_is_defined(acc, multiplier, shift):
    fits = -(2**31) <= acc * 2 ** max(-shift, 0) < 2**31
    legal = (multiplier == 0 or multiplier >= 2**30) and -30 <= shift <= 31
    assert double_is_defined(acc, multiplier, shift) == (fits and legal)


@given(ACC, st.floats(2.0**-40, 2.0**4) | st.sampled_from([0.5, 0.25, 1.5, 2.0**20, 1e30]))
def test_real_half_away(acc, multiplier):
    product = Fraction(float(Fraction(acc) * Fraction(multiplier)))  # one binary64 rounding
    nearest = half_away(product)
    expected = nearest if -(2**31) <= nearest < 2**31 else -(2**31)
    assert real_half_away(acc, multiplier) == expected
    if real_half_away_is_defined(acc, multiplier):
        assert expected == nearest


def test_real_half_away_beyond_int32():
    assert real_half_away(2**31 - 1, 1.0) == 2**31 - 1
    assert real_half_away(2**30, 2.0) == -(2**31)
    assert real_half_away(-(2**30), 2.5) == -(2**31)
    assert not real_half_away_is_defined(2**30, 2.0)
    assert output_real(2**30, 2.0, -3, -128, 127) == 127  # -2**31 - 3 wraps
    assert output_real(2**30, 2.0, 3, -128, 127) == -128


@given(ACC, st.floats(2.0**-30, 2.0**4), ZERO_POINTS, CODE_RANGES)
def test_output_real(acc, multiplier, zero_point, ends):
    total = signed(real_half_away(acc, multiplier) + zero_point, 32)
    assert output_real(acc, multiplier, zero_point, *ends) == clip(total, *ends)


@pytest.mark.parametrize("scheme", ["double", "double_up", "single"])
@given(acc=ACC, multiplier=MULTIPLIERS, shift=SHIFTS, zero_point=ZERO_POINTS, ends=CODE_RANGES)
def test_outputs_add_the_zero_point_and_clamp(scheme, acc, multiplier, shift, zero_point, ends):
    output = {"double": output_double, "double_up": output_double_up, "single": output_single}[scheme]
    expected = clip(fixed_point(acc, multiplier, shift, scheme) + zero_point, *ends)
    assert output(acc, multiplier, shift, zero_point, *ends) == expected


def test_engines_disagree_where_published():
    """One accumulator, five roundings of a half: the reason there are schemes at all."""
    acc, half = -1, 2**30  # -1 / 2
    assert double(acc, half, 0) == 0
    assert double(-2, half, 1) == -1
    assert double_up(-2, half, 1) == 0
    assert single(-2, half, 1) == 0
    assert real_half_away(-1, 0.5) == -1
    assert float_rne(-1, 0.5, 0, -128, 127) == 0


@given(ACC, MULTIPLIERS)
def test_every_scheme_is_near_the_real_product(acc, multiplier):
    assume(multiplier)
    true = Fraction(acc * multiplier, 2**36)
    for function in (double, double_up, single):
        assert abs(function(acc, multiplier, 5) - true) <= Fraction(1, 2) + Fraction(1, 64)

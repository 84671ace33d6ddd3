"""XNNPACK's arithmetic by exact definitions: every code where they are few, and each rounding's ties."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from int8sim.spec.activations import sigmoid, tanh
from int8sim.spec.xnnpack import (
    add_shifted,
    bound_code,
    leaky_relu_8_bit,
    mean_offset_rne,
    multiply_rne,
    quantize_rne,
    requantize_8_bit,
    sigmoid_code,
    tanh_code,
    weighted_half_up,
)

from .exact import (
    CODE_RANGES,
    clip,
    finite_float32,
    float32_product,
    float32_quotient,
    float32_sum,
    from_bits,
    half_even_clipped,
    half_up,
    nearest_float32,
    scales,
    to_bits,
    word,
)

CODES = st.integers(-128, 127)
ENDS = (-128, 127)


@given(st.sampled_from([0.0, 6.0, 1.0, -1.0, math.inf, -math.inf]) | finite_float32(), scales(), CODES, CODE_RANGES)
@example(6.0, 4.0, 0, ENDS)
@example(6.0, 4.0, -3, ENDS)
@example(1.0, 2.0, 0, ENDS)
@example(-1.0, 2.0, 1, ENDS)
@example(math.inf, 1.0, 0, ENDS)
@example(-math.inf, 1.0, 0, ENDS)
def test_bound_code(bound, scale, zero_point, ends):
    quotient = float32_quotient(bound, scale)
    assert bound_code(bound, scale, zero_point, *ends) == half_even_clipped(float32_sum(quotient, zero_point), *ends)


@given(
    CODES, CODES, CODES, CODES, st.integers(0, 2**21), st.integers(0, 2**21), st.integers(13, 30), CODES, CODE_RANGES
)
@example(1, 0, 0, 0, 2**20, 0, 21, 0, ENDS)
@example(-1, 0, 0, 0, 2**20, 0, 21, 0, ENDS)
@example(0, 1, 0, 0, 0, 2**20, 21, 0, ENDS)
@example(0, -3, 0, 0, 0, 2**20, 21, 5, ENDS)
def test_add(a, b, za, zb, ma, mb, shift, zero_point, ends):
    total = Fraction((a - za) * ma + (b - zb) * mb, 2**shift)
    assert add_shifted(a, b, za, zb, ma, mb, shift, zero_point, *ends) == clip(half_up(total) + zero_point, *ends)


@given(CODES, CODES, CODES, CODES, scales(2.0**-16, 2.0**8), CODES, CODE_RANGES)
@example(1, 1, 0, 0, 0.5, 0, ENDS)
@example(3, 1, 0, 0, 0.5, 1, ENDS)
@example(-1, 1, 0, 0, 0.5, 1, ENDS)
def test_multiply(a, b, za, zb, multiplier, zero_point, ends):
    product = float32_product(float((a - za) * (b - zb)), multiplier)
    expected = half_even_clipped(product, ends[0] - zero_point, ends[1] - zero_point) + zero_point
    assert multiply_rne(a, b, za, zb, multiplier, zero_point, *ends) == expected


@given(
    word(32) | st.integers(-30000, 30000),
    scales(2.0**-12, 2.0**4),
    finite_float32() | st.integers(-300, 300).map(float),
    CODE_RANGES,
)
@example(170, 0.25, -93.0, ENDS)
@example(14, 0.25, -93.0, ENDS)
@example(3, 0.5, 0.0, ENDS)
@example(5, 0.5, 0.0, ENDS)
def test_mean(total, multiplier, offset, ends):
    product = float32_product(nearest_float32(Fraction(total)), multiplier)
    expected = half_even_clipped(float32_sum(product, offset), *ends)
    assert mean_offset_rne(total, 7, multiplier, offset, *ends) == expected


EIGHT_BITS = [1, 2, 127, 128, 129, 255, 256, 257, 384, 1000, 32767, 32768, -1, -128, -384, -32767]


@pytest.mark.parametrize("multiplier", EIGHT_BITS)
@pytest.mark.parametrize("zero_points", [(0, 0), (-128, 5), (127, -7)])
def test_requantize_and_leaky_relu(multiplier, zero_points):
    """Every code; a tie is rounded up."""
    source, target = zero_points
    for x in range(-128, 128):
        above = clip(half_up(Fraction((x - source) * multiplier, 256)) + target, *ENDS)
        other = clip(half_up(Fraction((x - source) * 300, 256)) + target, 3, 99)
        assert requantize_8_bit(x, source, multiplier, target, *ENDS) == above
        assert leaky_relu_8_bit(x, source, multiplier, 300, target, *ENDS) == (
            above if x >= source else clip(half_up(Fraction((x - source) * 300, 256)) + target, *ENDS)
        )
        assert leaky_relu_8_bit(x, source, 300, multiplier, target, 3, 99) == (
            other if x >= source else clip(half_up(Fraction((x - source) * multiplier, 256)) + target, 3, 99)
        )


REALS = finite_float32() | st.integers(-600, 600).map(lambda n: n / 2) | st.sampled_from([math.inf, -math.inf])


@given(REALS, scales() | st.just(1.0), CODES, CODE_RANGES)
@example(0.5, 1.0, 0, ENDS)
@example(1.5, 1.0, 0, ENDS)
@example(-2.5, 1.0, 1, ENDS)
@example(math.inf, 1.0, -1, ENDS)
@example(-math.inf, 1.0, 1, ENDS)
def test_quantize(real, inverse_scale, zero_point, ends):
    product = float32_product(real, inverse_scale)
    expected = half_even_clipped(product, ends[0] - zero_point, ends[1] - zero_point) + zero_point
    assert quantize_rne(real, inverse_scale, zero_point, *ends) == expected


@pytest.mark.parametrize("zero_point", [-128, -1, 0, 1, 127])
def test_not_a_number_becomes_the_greatest_code(zero_point):
    assert quantize_rne(math.nan, 1.0, zero_point, -100, 99) == 99


@given(CODES, scales(2.0**-9, 2.0), CODES, st.sampled_from([128.0, 256.0, 100.0]), CODES, CODE_RANGES)
def test_functions_of_one_code(x, scale, from_zero_point, inverse, zero_point, ends):
    real = float32_product(float(x - from_zero_point), scale)
    for found, function in ((sigmoid_code, sigmoid), (tanh_code, tanh)):
        value = float32_sum(float32_product(function(real), inverse), zero_point)
        assert found(x, scale, from_zero_point, inverse, zero_point, *ends) == half_even_clipped(value, *ends)


@pytest.mark.parametrize(
    ("x", "scale", "expected", "otherwise"),
    [
        (-73, 0.032050225883722305, -106, -105),
        (-91, 0.04701812565326691, -124, -125),
        (-33, 0.12965604662895203, -124, -125),
        (-31, 0.044483426958322525, -76, -77),
    ],
)
def test_a_share_near_a_tie_is_rounded_with_its_zero_point(x, scale, expected, otherwise):
    """The sum with -128 is rounded to float32 first: near half way it becomes a tie, which goes to even."""
    share = float32_product(sigmoid(float32_product(float(x), scale)), 256.0)
    assert half_even_clipped(share, 0, 255) - 128 == otherwise
    assert sigmoid_code(x, scale, 0, 256.0, -128, *ENDS) == expected


def beside(draw: random.Random, value: Fraction) -> float:
    """A float32 at, or a few units of the last place beside, a positive value."""
    return from_bits(to_bits(nearest_float32(value)) + draw.randint(-2, 2))


def drawn(draw: random.Random, low: int = 0x3C000000, high: int = 0x42000000) -> float:
    """A float32 between two bit patterns."""
    return from_bits(draw.randrange(low, high))


def test_near_ties_every_step_is_float32():
    """Operands beside those that make a half: the last bit of each product, quotient and sum decides."""
    draw = random.Random(6)
    for place in range(3000):
        half, zero_point = place % 100 + Fraction(1, 2), draw.randint(-60, 20)
        bound = drawn(draw)
        scale = beside(draw, Fraction(bound) / half)
        value = float32_sum(float32_quotient(bound, scale), zero_point)
        assert bound_code(bound, scale, zero_point, *ENDS) == half_even_clipped(value, *ENDS)
        inverse = drawn(draw)
        real = beside(draw, half / Fraction(inverse))
        product = float32_product(real, inverse)
        expected = half_even_clipped(product, -128 - zero_point, 127 - zero_point) + zero_point
        assert quantize_rne(real, inverse, zero_point, *ENDS) == expected
        total, offset = draw.choice([draw.randrange(1, 3000), draw.randrange(2**24, 2**31)]), float(zero_point - 60)
        multiplier = beside(draw, (place % 9 + Fraction(1, 2)) / total)
        scaled = float32_product(nearest_float32(Fraction(total)), multiplier)
        expected = half_even_clipped(float32_sum(scaled, offset), *ENDS)
        assert mean_offset_rne(total, 9, multiplier, offset, *ENDS) == expected


@pytest.mark.parametrize(("found", "function"), [(sigmoid_code, sigmoid), (tanh_code, tanh)])
def test_near_ties_of_a_function(found, function):
    draw = random.Random(7)
    for place in range(2000):
        x, scale, zero_point = draw.randint(1, 127), drawn(draw, 0x3B000000, 0x3D000000), draw.randint(-60, 20)
        share = function(float32_product(float(x), scale))
        inverse = beside(draw, (place % 100 + Fraction(1, 2)) / Fraction(share))
        value = float32_sum(float32_product(share, inverse), zero_point)
        assert found(x, scale, 0, inverse, zero_point, *ENDS) == half_even_clipped(value, *ENDS)


def test_the_sum_of_four_cells():
    """bilinear_place is held in test_resize_tflite.py."""
    assert [weighted_half_up(acc, 2, -128, 127) for acc in (-6, -2, 1, 2, 6)] == [-1, 0, 0, 1, 2]
    assert weighted_half_up(6, 2, -128, 1) == weighted_half_up(-600, 2, 1, 127) == 1

"""LiteRT's optimized kernels: each loop by its own definition, on both sides of where one ends and the other begins."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from int8sim.spec.litert import (
    add_lanes,
    add_number_lanes,
    dequantize_lanes,
    in_vector_loop,
    mean_lanes,
    multiply_lanes,
    multiply_lanes_is_defined,
    output_lanes,
    output_lanes_is_defined,
    quantize_lanes,
    quantize_lanes_is_defined,
    reciprocal_quotient,
    requantize_lanes,
    requantize_lanes_is_defined,
)
from int8sim.spec.multipliers import tflite_multiplier

from .exact import (
    CODE_RANGES,
    MULTIPLIERS,
    SHIFTS,
    clip,
    divide_by_power_of_two,
    doubling_high_multiply,
    finite_float32,
    float32_product,
    float32_quotient,
    float32_sum,
    from_bits,
    half_away,
    half_even,
    half_up,
    multiply_by_quantized_multiplier,
    nearest_float32,
    scales,
    signed,
    to_bits,
    word,
)

CODES = st.integers(-128, 127)
SIZES = st.integers(1, 100)
RANGES = st.sampled_from([(-128, 127), (-127, 127), (0, 127), (-128, -1), (3, 99)])


def ties_up(x: int, multiplier: int, shift: int) -> int:
    """As TensorFlow Lite's two roundings, the second with ties toward plus infinity."""
    high = doubling_high_multiply(signed(x * 2 ** max(-shift, 0), 32), multiplier)
    return half_up(Fraction(high, 2 ** max(shift, 0)))


def in_body(place: int, size: int, lanes: int) -> bool:
    """Whether a loop over whole groups of `lanes` reaches the place."""
    return place // lanes < size // lanes


@st.composite
def places(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(SIZES)
    return draw(st.integers(0, size - 1) | st.just(size - 1)), size


@pytest.mark.parametrize("lanes", [1, 2, 4, 8, 16])
def test_in_vector_loop(lanes):
    for size in range(1, 70):
        found = [bool(in_vector_loop(place, size, lanes)) for place in range(size)]
        assert found == [in_body(place, size, lanes) for place in range(size)]
    assert in_vector_loop(2**31 - 17, 2**31 - 1, 16)
    assert not in_vector_loop(2**31 - 16, 2**31 - 1, 16)


@given(word(32), MULTIPLIERS, SHIFTS, st.integers(0, 1), st.integers(-128, 127), CODE_RANGES)
@example(-3, 2**30, 1, 1, 0, (-128, 127))
@example(-3, 2**30, 1, 0, 0, (-128, 127))
@example(-6, 2**30, 2, 1, 5, (-128, 127))
def test_output_and_mean(x, multiplier, shift, vector, zero_point, ends):
    scaled = (ties_up if vector else multiply_by_quantized_multiplier)(x, multiplier, shift)
    expected = clip(scaled + zero_point, *ends)
    assert output_lanes(x, multiplier, shift, vector, zero_point, *ends) == expected
    assert mean_lanes(x, 9, multiplier, shift, vector, zero_point, *ends) == expected


@given(st.integers(-255, 255), MULTIPLIERS, st.integers(0, 4), CODES, CODES, RANGES, places())
@example(-3, 2**30, 1, 0, 0, (-128, 127), (15, 16))
@example(-3, 2**30, 1, 0, 0, (-128, 127), (15, 31))
@example(-3, 2**30, 1, 0, 0, (-128, 127), (16, 31))
@example(-3, 2**30, 1, 0, 0, (-128, 127), (7, 15))
@example(3, 2**30 + 1, -2, 0, 0, (-128, 127), (0, 16))
def test_requantize(difference, multiplier, shift, from_zero_point, zero_point, ends, where):
    scaled = (ties_up if in_body(*where, 16) else multiply_by_quantized_multiplier)(difference, multiplier, shift)
    x = difference + from_zero_point
    found = requantize_lanes(x, *where, from_zero_point, multiplier, shift, zero_point, *ends)
    assert found == clip(scaled + zero_point, *ends)


@given(word(32), st.integers(-31, 31))
@example(2**24, -7)
@example(2**24 - 1, -7)
def test_what_is_defined(x, shift):
    legal = shift > -31
    fits = abs(x * 2 ** max(-shift, 0)) < 2**31 or x * 2 ** max(-shift, 0) == -(2**31)
    assert output_lanes_is_defined(x, 2**30, shift) == (fits and legal)
    assert requantize_lanes_is_defined(x + 3, 3, 2**30, shift) == (fits and legal)
    assert multiply_lanes_is_defined(x + 3, 2, 3, 1, 2**30, shift) == (fits and legal)
    assert multiply_lanes_is_defined(100, 100, 0, 0, 2**30, -17)
    assert not multiply_lanes_is_defined(200, 200, 0, 0, 2**30, -17)


def half_away_of_quotient(real: float, scale: float) -> int:
    """half_away of the quotient rounded to float64."""
    return half_away(Fraction(real / scale))


def quantized(real: float, where: tuple[int, int], scale: float) -> int:
    if math.isnan(real) or math.isinf(real):
        return -(2**31)
    inverse = float32_quotient(1.0, scale)
    product = float32_product(real, inverse)
    if in_body(*where, 8):
        nearest = half_even(Fraction(product)) if math.isfinite(product) else 2**40
    else:
        nearest = half_away_of_quotient(real, scale)
    return nearest if -(2**31) <= nearest < 2**31 else -(2**31)


REALS = finite_float32() | st.sampled_from([math.inf, -math.inf, math.nan, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 4e9, -4e9])
EDGES = st.sampled_from([2.0**31, 2.0**31 - 128, -(2.0**31), -(2.0**31) - 256, 2.0**30])


@given(
    REALS | EDGES | st.integers(-600, 600).map(lambda n: n / 2),
    scales(2.0**-6, 2.0**6) | st.just(1.0),
    CODES,
    RANGES,
    places(),
)
@example(0.5, 1.0, 0, (-128, 127), (7, 8))
@example(0.5, 1.0, 0, (-128, 127), (8, 15))
@example(-2.5, 1.0, 0, (-128, 127), (8, 15))
@example(1.5, 1.0, 0, (-128, 127), (8, 15))
@example(-1.5, 1.0, 0, (-128, 127), (8, 15))
@example(-0.5, 1.0, 0, (-128, 127), (8, 15))
@example(0.4999999701976776, 1.0, 0, (-128, 127), (8, 15))
@example(-0.4999999701976776, 1.0, 0, (-128, 127), (8, 15))
@example(2.0**31, 1.0, -5, (-128, 127), (0, 8))
@example(2.0**31, 1.0, -5, (-128, 127), (0, 7))
@example(2.0**31, 1.0, 5, (-128, 127), (0, 7))
@example(-(2.0**31), 1.0, -5, (-128, 127), (0, 8))
@example(-(2.0**31), 1.0, 5, (-128, 127), (0, 7))
@example(0.1648324579000473, 0.021977661177515984, 116, (-128, 127), (5, 6))
@example(0.1648324579000473, 0.021977661177515984, 116, (-128, 127), (5, 8))
def test_quantize(real, scale, zero_point, ends, where):
    real = nearest_float32(Fraction(real)) if math.isfinite(real) else real
    inverse = float32_quotient(1.0, scale)
    expected = clip(signed(quantized(real, where, scale) + zero_point, 32), *ends)
    assert quantize_lanes(real, *where, scale, inverse, zero_point, *ends) == expected


def test_quantize_is_defined():
    assert quantize_lanes_is_defined(3.0, 0.5)
    assert quantize_lanes_is_defined(-(2.0**31) + 256, 1.0)
    assert quantize_lanes_is_defined(2.0**31 - 256, 1.0)
    assert quantize_lanes_is_defined(2.0**31 - 128.5, 1.0)
    assert quantize_lanes_is_defined(2.0**32 - 512, 2.0)
    assert not quantize_lanes_is_defined(2.0**30, 0.5)
    assert not quantize_lanes_is_defined(-(2.0**31) + 128, 1.0)
    assert not any(quantize_lanes_is_defined(real, 1.0) for real in (2.0**31, -(2.0**31), 2.0**31 - 128))
    assert not any(quantize_lanes_is_defined(real, 1.0) for real in (math.inf, -math.inf, math.nan))


@given(CODES, scales(), CODES, places())
@example(100, 0.0371, 17, (7, 8))
@example(100, 0.0371, 17, (7, 15))
@example(100, 0.0371, 17, (8, 15))
def test_dequantize(code, scale, zero_point, where):
    scale = nearest_float32(Fraction(scale))
    if in_body(*where, 8):
        expected = float32_sum(float32_product(float(code), scale), -float32_product(float(zero_point), scale))
    else:
        expected = float32_product(float(code - zero_point), scale)
    assert dequantize_lanes(code, *where, scale, zero_point) == expected


@pytest.mark.parametrize("place", range(40))
def test_dequantize_differs_between_the_loops(place):
    """A code, scale and zero point where the two formulas differ."""
    scale = nearest_float32(Fraction(0.0371))
    code = next(
        c for c in range(-128, 128) if dequantize_lanes(c, 0, 8, scale, 17) != dequantize_lanes(c, 0, 7, scale, 17)
    )
    body = dequantize_lanes(code, 0, 8, scale, 17)
    assert (dequantize_lanes(code, place, 40 + place % 3, scale, 17) == body) == in_body(place, 40 + place % 3, 8)


SCALES = scales(2.0**-10, 2.0**3)


def add_expected(a, b, where, za, zb, ma, sa, mb, sb, mo, so, zy, ends):
    if not in_body(*where, 16):
        left = multiply_by_quantized_multiplier((a - za) * 2**20, ma, sa)
        right = multiply_by_quantized_multiplier((b - zb) * 2**20, mb, sb)
        return clip(multiply_by_quantized_multiplier(left + right, mo, so) + zy, *ends)
    left = doubling_high_multiply(math.floor((a - za) * Fraction(2) ** (20 - sa)), ma)
    right = doubling_high_multiply(math.floor((b - zb) * Fraction(2) ** (20 - sb)), mb)
    total = divide_by_power_of_two(doubling_high_multiply(left + right, mo), max(so, 0))
    return clip(clip(signed(total + zy, 16), -128, 127), *ends)


@given(CODES, CODES, CODES, CODES, CODES, SCALES, SCALES, scales(2.0**-17, 2.0**6), RANGES, places())
@example(127, 127, -128, -128, 127, 1.0, 1.0, 2.0**-10, (-128, 127), (0, 16))
@example(127, 127, -128, -128, 127, 1.0, 1.0, 2.0**-10, (-128, 127), (0, 15))
@example(100, -3, 0, 0, 0, 2.0**-10, 8.0, 2.0**-15, (-128, 127), (0, 16))
def test_add(a, b, za, zb, zy, sa, sb, sy, ends, where):
    twice = 2 * max(sa, sb)
    assume(twice / (2**20 * sy) < 1)
    parameters = (
        *tflite_multiplier(sa / twice),
        *tflite_multiplier(sb / twice),
        *tflite_multiplier(twice / (2**20 * sy)),
    )
    expected = add_expected(a, b, where, za, zb, *parameters, zy, ends)
    assert add_lanes(a, b, *where, za, zb, *parameters, zy, *ends) == expected


@given(CODES, CODES, CODES, CODES, CODES, SCALES, SCALES, scales(2.0**-17, 2.0**6), RANGES, places())
@example(100, -3, 0, 0, 0, 2.0**-10, 8.0, 2.0**-15, (-128, 127), (0, 8))
@example(100, -3, 0, 0, 0, 2.0**-10, 8.0, 2.0**-15, (-128, 127), (8, 15))
def test_add_of_a_number(a, b, za, zb, zy, sa, sb, sy, ends, where):
    twice = 2 * max(sa, sb)
    assume(twice / (2**20 * sy) < 1)
    (ma, na), (mb, nb) = (tflite_multiplier(scale / twice) for scale in (sa, sb))
    mo, so = tflite_multiplier(twice / (2**20 * sy))
    if in_body(*where, 8):
        left = doubling_high_multiply((a - za) * 2**20, ma) // 2**na
        right = doubling_high_multiply((b - zb) * 2**20, mb) // 2**nb
        total = divide_by_power_of_two(doubling_high_multiply(left + right, mo), so)
        expected = clip(clip(signed(total + zy, 16), -128, 127), *ends)
    else:
        expected = add_expected(a, b, (0, 1), za, zb, ma, na, mb, nb, mo, so, zy, ends)
    assert add_number_lanes(a, b, *where, za, zb, ma, na, mb, nb, mo, so, zy, *ends) == expected


FINE = st.integers(14, 24) | st.integers(0, 31)


@given(CODES, CODES, CODES, CODES, FINE, FINE, st.integers(0, 3), MULTIPLIERS, places())
@example(100, 0, 0, 0, 21, 20, 0, 2**31 - 1, (0, 16))
@example(-101, 0, 0, 0, 21, 20, 0, 2**31 - 1, (0, 16))
@example(100, 0, 0, 0, 22, 20, 0, 2**31 - 1, (0, 16))
@example(0, 100, 0, 0, 20, 22, 0, 2**31 - 1, (0, 16))
def test_add_of_any_shifts(a, b, za, zb, sa, sb, shift, multiplier, where):
    parameters = multiplier, sa, 2**31 - 1, sb, 2**31 - 1, shift
    expected = add_expected(a, b, where, za, zb, *parameters, 3, (-128, 127))
    assert add_lanes(a, b, *where, za, zb, *parameters, 3, -128, 127) == expected


@pytest.mark.parametrize(("difference", "shift", "expected"), [(-20, 1, -3), (20, 1, 3), (-12, 1, -2), (-8, 0, -2)])
def test_the_sums_shift_rounds_half_away_in_the_vector_loop_too(difference, shift, expected):
    """Both multipliers are one half: a quarter of the difference, rounded half up, then shifted."""
    parameters = 2**30, 20, 2**30, 20, 2**30, shift
    assert add_lanes(difference, 0, 0, 16, 0, 0, *parameters, 0, -128, 127) == expected
    assert add_lanes(0, difference, 0, 16, 0, 0, *parameters, 0, -128, 127) == expected


@given(CODES, CODES, CODES, CODES, MULTIPLIERS, st.integers(-6, 20), CODES, RANGES, places())
@example(-3, 1, 0, 0, 2**30, 1, 0, (-128, 127), (0, 16))
@example(-3, 1, 0, 0, 2**30, 1, 0, (-128, 127), (0, 15))
@example(3, 1, 0, 0, 2**30, 1, 0, (-128, 127), (0, 16))
@example(127, 127, -128, -128, 2**31 - 1, 0, 127, (-128, 127), (15, 16))
@example(127, 127, -128, -128, 2**31 - 1, 0, 127, (-128, 127), (15, 31))
@example(127, 127, -128, -128, 2**31 - 1, 0, 127, (-128, 127), (16, 31))
@example(127, -128, -128, 127, 2**31 - 1, 0, -128, (-128, 127), (0, 16))
@example(127, -128, -128, 127, 2**31 - 1, 0, -128, (-128, 127), (0, 15))
@example(127, -128, -128, 127, 2**30, 0, -120, (-128, 127), (0, 16))
def test_multiply(a, b, za, zb, multiplier, shift, zero_point, ends, where):
    scaled = multiply_by_quantized_multiplier((a - za) * (b - zb), multiplier, shift)
    if in_body(*where, 16):
        scaled = clip(signed(clip(scaled, -(2**15), 2**15 - 1) + zero_point, 16), -128, 127) - zero_point
    found = multiply_lanes(a, b, *where, za, zb, multiplier, shift, zero_point, *ends)
    assert found == clip(scaled + zero_point, *ends)


SHARES = st.floats(2.0**-40, 1.0, width=32)


@given(SHARES, st.floats(1.0, 400.0, width=32), st.sampled_from([1 / 256, 1 / 128, 1.0]), CODES, RANGES)
@example(0.5, 1.0, 1.0, 0, (-128, 127))
@example(0.25, 1.0, 1.0, 0, (-128, 127))
@example(1.0, 1.0, 1 / 256, -128, (-128, 127))
@example(2.0**-7, 4.0, 1 / 256, -128, (-128, 127))
def test_reciprocal_quotient(exponential, total, scale, zero_point, ends):
    """A half is added in float32, and the whole part taken."""
    inverse = float32_quotient(1.0, float32_product(total, scale))
    shifted = float32_sum(float32_product(exponential, inverse), 0.5)
    assert reciprocal_quotient(exponential, total, scale, zero_point, *ends) == clip(
        math.floor(Fraction(shifted)) + zero_point, *ends
    )


def test_near_ties_every_step_is_float32():
    """Scales and shares beside those that make a half: the last bit of each product decides."""
    draw = random.Random(5)
    for place in range(3000):
        total, scale = (from_bits(draw.randrange(0x3F800000, 0x43000000)) for _ in "ab")
        half = Fraction(total) * Fraction(scale) * (place % 120 + Fraction(1, 2))
        share = from_bits(to_bits(nearest_float32(half)) + draw.randint(-2, 2))
        step = from_bits(draw.randrange(0x3C000000, 0x42000000))
        inverse = float32_quotient(1.0, step)
        real = from_bits(to_bits(nearest_float32((place % 100 + Fraction(1, 2)) / Fraction(inverse))) + place % 5 - 2)
        nearest = clip(half_even(Fraction(float32_product(real, inverse))) - 7, -128, 127)
        assert quantize_lanes(real, 0, 8, step, inverse, -7, -128, 127) == nearest
        inverse = float32_quotient(1.0, float32_product(total, scale))
        expected = math.floor(Fraction(float32_sum(float32_product(share, inverse), 0.5)))
        assert reciprocal_quotient(share, total, scale, 3, -128, 127) == clip(expected + 3, -128, 127)

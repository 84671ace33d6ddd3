"""TensorFlow Lite's functions of one and two codes against its own text, written again, and against real values."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.multipliers import tflite_multiplier
from int8sim.spec.tflite_elementwise import (
    hard_swish_fixed,
    leaky_relu_double,
    leaky_relu_double_is_defined,
    logistic_fixed,
    logistic_table,
    logistic_table_is_defined,
    multiply_double,
    multiply_double_is_defined,
    narrow_multiplier,
    prelu_double,
    prelu_double_is_defined,
    requantize_double,
    requantize_double_is_defined,
    tanh_fixed,
    tanh_table,
    tanh_table_is_defined,
)

from .exact import (
    CODE_RANGES,
    HALF,
    MULTIPLIERS,
    SHIFTS,
    clip,
    divide_by_power_of_two,
    float32_product,
    float32_quotient,
    float32_sum,
    half_away,
    multiply_by_quantized_multiplier,
    nearest_float32,
    scales,
    signed,
    word,
)
from .gemmlowp_exact import logistic_definition, tanh_definition

DIGITS = Context(prec=40)
CODES = st.integers(-128, 127) | st.sampled_from([-128, -127, 0, 127])
ZERO_POINTS = st.integers(-128, 127) | st.sampled_from([-128, 0, 127])
EVERY_CODE = range(-128, 128)
INT8 = -128, 127


def fits(value, multiplier, shift):
    """Whether the left shift loses nothing, and the multiplier is one that a real number gives."""
    legal = multiplier == 0 or 2**30 <= multiplier < 2**31
    return legal and -31 < shift <= 31 and -(2**31) <= value * 2 ** max(-shift, 0) < 2**31


@given(CODES, CODES, ZERO_POINTS, ZERO_POINTS, MULTIPLIERS, SHIFTS, ZERO_POINTS, CODE_RANGES)
def test_multiply_double(a, b, a_zero, b_zero, multiplier, shift, zero_point, ends):
    product = (a - a_zero) * (b - b_zero)
    scaled = multiply_by_quantized_multiplier(product, multiplier, shift)
    found = multiply_double(a, b, a_zero, b_zero, multiplier, shift, zero_point, *ends)
    assert found == clip(scaled + zero_point, *ends)
    assert multiply_double_is_defined(a, b, a_zero, b_zero, multiplier, shift) == fits(product, multiplier, shift)


@given(CODES, ZERO_POINTS, MULTIPLIERS, SHIFTS, ZERO_POINTS, CODE_RANGES)
def test_requantize_double(x, from_zero, multiplier, shift, zero_point, ends):
    scaled = multiply_by_quantized_multiplier(x - from_zero, multiplier, shift)
    assert requantize_double(x, from_zero, multiplier, shift, zero_point, *ends) == clip(scaled + zero_point, *ends)
    assert requantize_double_is_defined(x, from_zero, multiplier, shift) == fits(x - from_zero, multiplier, shift)


@given(CODES, ZERO_POINTS, MULTIPLIERS, SHIFTS, MULTIPLIERS, st.booleans(), SHIFTS, ZERO_POINTS, CODE_RANGES)
def test_leaky_relu_double(x, from_zero, up, up_shift, down, negative, down_shift, zero_point, ends):
    difference, slope = x - from_zero, -down if negative else down
    multiplier, shift = (up, up_shift) if difference >= 0 else (down, down_shift)
    scaled = multiply_by_quantized_multiplier(difference, multiplier, shift)
    scaled = -scaled if negative and difference < 0 else scaled
    given = x, from_zero, up, up_shift, slope, down_shift
    assert leaky_relu_double(*given, zero_point, *ends) == clip(scaled + zero_point, *ends)
    assert leaky_relu_double_is_defined(*given) == fits(difference, multiplier, shift)


def test_a_negative_slope_at_ties():
    """-0.5 times -1, -3 ... : measured on LiteRT 2.3.0 and tflite-micro, toward zero."""
    half = 2**30, 0, -(2**30), 0
    assert [leaky_relu_double(x, 0, *half, 0, *INT8) for x in (-20, -19, -3, -1, 1, 3)] == [10, 9, 1, 0, 1, 2]


@given(
    word(31, is_signed=False) | st.sampled_from([2**31 - 2**15 - 1, 2**31 - 2**15, 2**31 - 1, 2**30, 2**15, 2**15 - 1])
)
def test_narrow_multiplier(multiplier):
    """DownScaleInt32ToInt16Multiplier, as its text has it."""
    whole = math.floor(Fraction(multiplier, 2**16) + HALF)
    assert narrow_multiplier(multiplier) == (2**15 - 1 if multiplier >= 2**31 - 1 - 2**15 else whole)


def high_multiply_16(a, b):
    """gemmlowp's SaturatingRoundingDoublingHighMul of 16-bit words: nudge by sign, divide, truncate."""
    nudged = a * b + (2**14 if a * b >= 0 else 1 - 2**14)
    return math.trunc(Fraction(nudged, 2**15))


def divide_16(value, exponent):
    """gemmlowp's RoundingDivideByPOT of 16-bit words: its mask is 16 bits wide."""
    mask = signed(2**exponent - 1, 16)
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + ((value & mask) > threshold)


def hard_swish_definition(x, from_zero, multiplier, exponent, gate_multiplier, gate_exponent, zero_point):
    """reference/hard_swish.h; exponents: positive to the left."""
    fine = (x - from_zero) * 128
    preshift = high_multiply_16(fine, multiplier)
    gate = fine
    if gate_exponent > 0:
        gate = clip(gate * 2 ** (gate_exponent - 1), -(2**15), 2**15 - 1)
    gate = high_multiply_16(gate, gate_multiplier)
    if gate_exponent > 0:
        gate = clip(gate * 2, -(2**15), 2**15 - 1)
    if gate_exponent < 0:
        gate = divide_16(gate, -gate_exponent)
    gate = math.floor(Fraction(gate + 2**15, 2))
    product = math.trunc(Fraction(gate * preshift, 2**15))
    return clip(divide_16(product, -exponent) + zero_point, *INT8)


NARROW = st.integers(2**14, 2**15 - 1) | st.sampled_from([0, 2**14, 2**15 - 1])
RIGHT = st.integers(0, 31) | st.sampled_from([0, 1, 14, 15, 16, 17])
EITHER = st.integers(-31, 31) | st.sampled_from([-2, -1, 0, 1, 14, 15, 16, 17])


@given(ZERO_POINTS, NARROW, RIGHT, NARROW, EITHER, ZERO_POINTS)
def test_hard_swish_fixed(from_zero, multiplier, shift, gate_multiplier, gate_shift, zero_point):
    for x in EVERY_CODE:
        numbers = multiplier, -shift, gate_multiplier, -gate_shift, zero_point
        found = hard_swish_fixed(x, from_zero, multiplier, shift, gate_multiplier, gate_shift, zero_point, *INT8)
        assert found == hard_swish_definition(x, from_zero, *numbers), x


@given(ZERO_POINTS, scales(2.0**-7, 2.0**-3), scales(2.0**-7, 2.0**-3), CODE_RANGES)
def test_hard_swish_is_near_the_real_one(from_zero, scale, output_scale, ends):
    multiplier, shift = tflite_multiplier(scale / 128 / output_scale)
    gate, gate_shift = tflite_multiplier(scale / 128 / (3 / 32768))
    numbers = narrow_multiplier(multiplier), shift, narrow_multiplier(gate), gate_shift
    for x in EVERY_CODE:
        real = (x - from_zero) * scale
        true = clip(round(real * min(max(real + 3, 0), 6) / 6 / output_scale) + 5, *ends)
        assert abs(hard_swish_fixed(x, from_zero, *numbers, 5, *ends) - true) <= 1


def radius_of(left):
    """CalculateInputRadius for 4 integer bits."""
    return math.floor(Fraction(15 * 2**27, 2**left))


def fixed_definition(function, fraction_bits, zero_point, x, from_zero, multiplier, left):
    difference = x - from_zero
    if difference <= -radius_of(left):
        return -128
    if difference >= radius_of(left):
        return 127
    raw = function(multiply_by_quantized_multiplier(difference, multiplier, -left))
    return clip(divide_by_power_of_two(raw, 31 - fraction_bits) + zero_point, *INT8)


LEFT = st.integers(0, 31) | st.integers(20, 27)


@pytest.mark.parametrize(
    ("function", "definition", "bits", "zero_point"),
    [(logistic_fixed, logistic_definition, 8, -128), (tanh_fixed, tanh_definition, 7, 0)],
)
@given(ZERO_POINTS, st.integers(2**30, 2**31 - 1), LEFT, CODE_RANGES)
def test_fixed_point(function, definition, bits, zero_point, from_zero, multiplier, left, ends):
    for x in (*range(-128, 128, 5), 126, 127, from_zero, clip(from_zero + 1, *INT8), clip(from_zero - 1, *INT8)):
        expected = fixed_definition(definition, bits, zero_point, x, from_zero, multiplier, left)
        found = function(x, from_zero, multiplier, -left, radius_of(left), *ends)
        assert found == clip(expected, *ends), x


@pytest.mark.parametrize("scale", [2.0**-8, 2.0**-5, 0.0625, 0.1, 1.0, 3.75, 7.5, 7.75, 16.0])
def test_fixed_point_is_near_the_real_functions(scale):
    multiplier, shift = tflite_multiplier(scale * 2**27)
    for x in EVERY_CODE:
        given = x, 3, multiplier, shift, radius_of(-shift)
        sigmoid = 0.5 + 0.5 * math.tanh((x - 3) * scale / 2)
        if given[-1] > 0:
            assert abs(logistic_fixed(*given, *INT8) - clip(256 * sigmoid - 128, *INT8)) < 0.51
            assert abs(tanh_fixed(*given, *INT8) - clip(128 * math.tanh((x - 3) * scale), *INT8)) < 0.51


def test_a_radius_of_zero_leaves_the_ends_only():
    assert [logistic_fixed(x, 0, 2**30, -31, 0, *INT8) for x in (-1, 0, 1)] == [-128, -128, 127]
    assert [tanh_fixed(x, 0, 2**30, -31, 0, *INT8) for x in (-1, 0, 1)] == [-128, -128, 127]


def exact_logistic(real):
    """1 / (1 + expf(-real)): expf and each step to the nearest float32."""
    power = nearest_float32(Fraction(DIGITS.exp(-Decimal(real)))) if real > -89 else math.inf
    return float32_quotient(1.0, float32_sum(1.0, power)) if power < math.inf else 0.0


def exact_tanh(real):
    squared = DIGITS.exp(Decimal(2 * min(max(real, -20.0), 20.0)))
    return nearest_float32(Fraction(DIGITS.divide(squared - 1, squared + 1)))


def table_definition(function, x, scale, from_zero, output_scale, zero_point):
    """LUTPopulate, as its text has it."""
    real = float32_product(scale, float(x - from_zero))
    rescaled = float32_product(function(real), float32_quotient(1.0, output_scale))
    return half_away(Fraction(rescaled)) + zero_point


TABLES = [
    (logistic_table, logistic_table_is_defined, exact_logistic),
    (tanh_table, tanh_table_is_defined, exact_tanh),
]


@pytest.mark.parametrize(("function", "is_defined", "exact"), TABLES)
@given(CODES, scales(2.0**-10, 2.0**3), ZERO_POINTS, scales(2.0**-30, 1.0), ZERO_POINTS, CODE_RANGES)
def test_tables(function, is_defined, exact, x, scale, from_zero, output_scale, zero_point, ends):
    inverse = float32_quotient(1.0, output_scale)
    given = x, scale, from_zero, inverse, zero_point, *ends
    expected = clip(table_definition(exact, x, scale, from_zero, output_scale, zero_point), *ends)
    assert function(*given) == expected or not is_defined(*given)


@pytest.mark.parametrize("exponent", [-9, -7, -5, -4, -3, 0])
@pytest.mark.parametrize(("function", "is_defined", "exact"), TABLES)
def test_tables_of_every_code(function, is_defined, exact, exponent):
    scale = nearest_float32(Fraction(5, 4) * Fraction(2) ** exponent)
    output_scale, zero_point = (1 / 256, -128) if function is logistic_table else (1 / 128, 0)
    for x in EVERY_CODE:
        given = x, scale, 7, 1 / output_scale, zero_point, *INT8
        assert is_defined(*given)
        assert function(*given) == clip(table_definition(exact, x, scale, 7, output_scale, zero_point), *INT8)


@pytest.mark.parametrize("code", [-7, -3, -1, 1, 2])
@pytest.mark.parametrize(("function", "is_defined", "exact"), TABLES)
def test_a_table_is_undefined_where_the_library_decides(function, is_defined, exact, code):
    """The inverse scale puts the value half way between codes, and 2**-19 of it away from there."""
    value = exact(code * 0.25)
    for place in (0.5, 3.5, 40.5):
        inverse = nearest_float32(Fraction(place) / abs(Fraction(value)))
        beside = [nearest_float32(Fraction(inverse) * (1 + Fraction(sign, 2**19))) for sign in (-1, 1)]
        assert not is_defined(code, 0.25, 0, inverse, 0, *INT8)
        assert all(is_defined(code, 0.25, 0, each, 0, *INT8) for each in beside)
        assert abs(function(code, 0.25, 0, beside[1], 0, *INT8)) == math.ceil(place)
        assert abs(function(code, 0.25, 0, beside[0], 0, *INT8)) == math.floor(place)


def test_how_far_the_library_may_be_off():
    """Undefined within 0.2 of 2**-22 of a tie, defined from 1.9 of it on; float32's own steps are less than 0.75."""
    for code in range(1, 60):
        value = Fraction(exact_tanh(code * 0.03125))
        for place in (0.5, 3.5, 9.5, 40.5, 100.5):
            ties = {part: Fraction(place) / value * (1 + Fraction(part, 10 * 2**22)) for part in (-19, -2, 2, 19)}
            found = {
                part: tanh_table_is_defined(code, 0.03125, 0, nearest_float32(tie), 0, *INT8)
                for part, tie in ties.items()
            }
            assert found == {-19: True, -2: False, 2: False, 19: True}


@pytest.mark.parametrize(("function", "is_defined", "exact"), TABLES)
def test_a_table_is_undefined_beyond_int32(function, is_defined, exact):
    """logistic(30) and tanh(30) are 1."""
    below, at = nearest_float32(Fraction(2**31 - 1024)), 2.0**31
    assert is_defined(127, 1.0, 97, below, -128, *INT8)
    assert not is_defined(127, 1.0, 97, at, -128, *INT8)
    assert function(127, 1.0, 97, below, -128, *INT8) == function(127, 1.0, 97, at, -128, *INT8) == 127
    assert tanh_table(-128, 1.0, 0, at, 127, *INT8) == -128


def test_prelu_double():
    """One half above the zero point, a quarter of the product with the slope below it; ties half up, then half away."""
    numbers = 1, -1, 2**30, 0, 2**30, 1
    assert [prelu_double(x, 3, *numbers, 5, *INT8) for x in (-3, -1, 0, 1, 2, 6)] == [1, 3, 4, 5, 6, 8]
    assert prelu_double(-128, -128, *numbers, 0, *INT8) == 127
    assert prelu_double_is_defined(-1, 127, 0, 0, 2**30, 0, 2**30, -24)
    assert not prelu_double_is_defined(-2, 127, 0, 0, 2**30, 0, 2**30, -24)
    assert prelu_double_is_defined(2, 127, 0, 0, 2**30, 0, 2**30, -24)
    assert not prelu_double_is_defined(2, 1, 0, 0, 2**30, -31, 2**30, 0)

"""TensorFlow Lite's functions of codes at ties, at the ends of their words, and to the last bit of a float32."""

import math
from decimal import Context, Decimal
from fractions import Fraction

import pytest

from int8sim.spec.tflite_elementwise import (
    hard_swish_fixed,
    leaky_relu_double,
    leaky_relu_double_is_defined,
    logistic_fixed,
    logistic_table,
    logistic_table_is_defined,
    multiply_double_is_defined,
    requantize_double_is_defined,
    tanh_fixed,
    tanh_table,
    tanh_table_is_defined,
)

from .exact import float32_product, float32_quotient, float32_sum, from_bits, nearest_float32, to_bits

DIGITS = Context(prec=40)
INT8 = -128, 127
WIDE = 0, 0, 255  # zero point and ends of the codes below
TIE = Fraction(201, 2)


def exact_logistic(real):
    """expf, the sum and the quotient, each to the nearest float32."""
    return float32_quotient(1.0, float32_sum(1.0, nearest_float32(Fraction(DIGITS.exp(Decimal(-real))))))


def exact_tanh(real):
    squared = DIGITS.exp(Decimal(2 * real))
    return nearest_float32(Fraction(DIGITS.divide(squared - 1, squared + 1)))


def stepped(value, steps):
    """The float32 so many places from a positive one."""
    return from_bits(to_bits(value) + steps)


def inverse_to_the_tie(value):
    """The least float32 whose float32 product with a positive value is 100.5 or more."""
    found = stepped(nearest_float32(TIE / Fraction(value)), -4)
    while float32_product(value, found) < TIE:
        found = stepped(found, 1)
    return found


def test_the_least_32_bit_word_is_a_product_and_its_opposite_is_none():
    assert multiply_double_is_defined(1, -2, 0, 0, 2**30, -30)
    assert multiply_double_is_defined(-2, 1, 0, 0, 2**30, -30)
    assert not multiply_double_is_defined(-1, -2, 0, 0, 2**30, -30)
    assert not multiply_double_is_defined(-1, -1, 0, 1, 2**30, -30)
    assert not multiply_double_is_defined(-1, -2, 1, -1, 2**30, -30)
    assert [requantize_double_is_defined(x, 0, 2**30, -30) for x in (-2, 2)] == [True, False]


def test_a_slope_of_minus_one_unit_is_negative():
    """-2**31 / 2**31, negated."""
    assert leaky_relu_double(-1, 0, 2**30, 0, -1, -31, 0, *INT8) == 1


def test_zero_takes_the_upper_multiplier():
    """Which of the two is the illegal one."""
    assert [leaky_relu_double_is_defined(x, 0, 2**30, 0, 5, 0) for x in (-1, 0, 1)] == [False, True, True]
    assert [leaky_relu_double_is_defined(x, 0, 5, 0, 2**30, 0) for x in (-1, 0, 1)] == [True, False, False]


def test_hard_swish_at_ties():
    """64.5 goes up to 65 (gate 32767), -64.5 up to -64 (gate 16383); a gate's 8192.5 to 8193, -8192.5 to -8192."""
    assert hard_swish_fixed(1, 0, 16512, 0, 32767, -10, 0, *INT8) == 64
    assert hard_swish_fixed(-1, 0, 16512, 0, 32767, 16, 0, *INT8) == -31
    assert hard_swish_fixed(127, -1, 16553, 7, 16385, -1, 0, *INT8) == 49  # 6208 / 128 is a tie, 6207 / 128 below it
    assert hard_swish_fixed(-128, 0, 16512, 5, 16385, -1, 0, *INT8) == -65  # -2064 / 32 is a tie
    assert hard_swish_fixed(127, 0, 16706, 7, 16449, -1, 0, *INT8) == 48  # 8160.25 of the gate to 8160


def test_hard_swish_gates():
    """By 0 nothing moves; from 16 on -1 stays -1: a gate of 16383. A word saturates before its multiplication."""
    assert hard_swish_fixed(64, 0, 16384, 6, 16384, 0, 0, *INT8) == 36
    assert hard_swish_fixed(-1, 0, 16384, 0, 256, 16, 0, *INT8) == -31
    assert hard_swish_fixed(127, 0, 16384, 7, 8192, -3, 0, *INT8) == 48
    assert hard_swish_fixed(-127, 0, 16384, 7, 8192, -3, 0, *INT8) == -16


@pytest.mark.parametrize(("function", "raw", "code"), [(logistic_fixed, 273583329, 99), (tanh_fixed, 287135214, 125)])
def test_fixed_point_ties(function, raw, code):
    """The function of raw / 2**27 is exactly half way to the next code, and the lower one is even: away from zero.

    Of -raw, tanh is half way too; the logistic function, 2**31 - 1 less its opposite, is just below.
    """
    given = 4 * raw, -27, 15, *INT8
    assert function(4, 0, *given) == code
    assert function(4, 0, 4 * (raw - 16), *given[1:]) == code - 1
    assert function(-4, 0, *given) == -code


@pytest.mark.parametrize(
    ("function", "codes"), [(logistic_fixed, [-128, -1, 1, 127]), (tanh_fixed, [-128, -2, 2, 127])]
)
def test_fixed_point_ends(function, codes):
    """From the radius on the ends of int8, and nothing beyond them inside it, even if the clamp would let it pass."""
    assert [function(x, 0, 2**30, -20, 5, -200, 255) for x in (-5, -4, 4, 5)] == codes
    assert [function(x, 0, 2**31 - 1, -27, 15, -200, 255) for x in (14, 15)] == [127, 127]


@pytest.mark.parametrize(
    ("function", "exact"), [(logistic_table, exact_logistic), (tanh_table, exact_tanh)], ids=["logistic", "tanh"]
)
def test_tables_to_the_last_bit(function, exact):
    """With the least inverse scale that takes the value to 100.5 the code is 101; with the float32 below it, 100."""
    for x in range(-3, 120):
        scale = nearest_float32(Fraction(x + 9, 1400 + x))
        value = exact(float32_product(scale, float(x + 5)))
        inverse = inverse_to_the_tie(value)
        assert function(x, scale, -5, inverse, *WIDE) == 101, x
        assert function(x, scale, -5, stepped(inverse, -1), *WIDE) == 100, x


def test_tables_of_an_infinite_inverse_scale():
    """float32(1 / scale) of a subnormal scale."""
    assert logistic_table(1, 0.25, 0, math.inf, 0, *INT8) == tanh_table(1, 0.25, 0, math.inf, -100, *INT8) == 127
    assert tanh_table(-1, 0.25, 0, math.inf, 100, *INT8) == -128
    assert not logistic_table_is_defined(1, 0.25, 0, math.inf, 0, *INT8)


def test_tables_far_from_zero():
    assert [logistic_table(x, 8.0, 0, 256.0, -128, *INT8) for x in (-128, 127)] == [-128, 127]
    assert [tanh_table(x, 8.0, 0, 128.0, 0, *INT8) for x in (-128, 127)] == [-128, 127]
    assert [tanh_table_is_defined(x, 8.0, 0, 2.0**31, 0, *INT8) for x in (-128, 127)] == [False, False]
    assert [tanh_table_is_defined(x, 8.0, 0, 2.0**30, 0, *INT8) for x in (-128, 127)] == [True, True]


TABLES = [  # of -1.75 and of 1.75: expf is above 1, so that its error counts
    pytest.param(logistic_table_is_defined, exact_logistic, -1, id="logistic"),
    pytest.param(tanh_table_is_defined, exact_tanh, 1, id="tanh"),
]


@pytest.mark.parametrize(("is_defined", "exact", "sign"), TABLES)
def test_undefined_at_a_tie_whatever_the_zero_points(is_defined, exact, sign):
    inverse = inverse_to_the_tie(exact(1.75 * sign))
    assert not is_defined(7 * sign, 0.25, 0, inverse, *WIDE)
    assert not is_defined(12 * sign, 0.25, 5 * sign, inverse, *WIDE)
    assert not is_defined(2 * sign, 0.25, -5 * sign, inverse, -100, *INT8)
    assert is_defined(12 * sign, 0.25, -5 * sign, inverse, *WIDE)


@pytest.mark.parametrize(("is_defined", "exact", "sign"), TABLES)
def test_defined_where_both_codes_clamp_to_one(is_defined, exact, sign):
    x, inverse = 7 * sign, inverse_to_the_tie(exact(1.75 * sign))
    assert [is_defined(x, 0.25, 0, inverse, 0, 0, high) for high in (100, 101)] == [True, False]
    assert [is_defined(x, 0.25, 0, inverse, 0, low, 127) for low in (100, 101)] == [False, True]
    assert [is_defined(x, 0.25, 0, inverse, 27, 0, high) for high in (127, 128)] == [True, False]


def inverse_between(value, steps):
    """The inverse scale at which the float32 `steps` places above the value is a tie, and the one below that is not."""
    found = inverse_to_the_tie(stepped(value, steps))
    assert float32_product(stepped(value, steps - 1), found) < TIE
    return found


@pytest.mark.parametrize(("value", "steps", "expected"), [(0.625, 3, True), (0.875, 4, False)])
def test_the_library_error_to_the_last_bit(value, steps, expected):
    """2**-22 of 0.625 is 2.5 places, to the even float32 2 of them away; of 0.875 it is 3.5, to the one 4 away."""
    real = nearest_float32(Fraction(math.atanh(value)))
    assert exact_tanh(real) == value
    assert tanh_table_is_defined(1, real, 0, inverse_between(value, steps), *WIDE) == expected


def test_the_library_error_of_expf_is_a_factor():
    """e**x, x = 5 * 2**-25, times 1 - 2**-22 is below the middle of two float32; divided by 1 + 2**-22 it is above.

    The lower makes the share 1/2 + 2**-24 and the code 101; the upper 1/2 and the code 100, as 1 + 2**-22 does.
    """
    real, error = -5 * 2.0**-25, Fraction(1, 2**22)
    power = Fraction(DIGITS.exp(Decimal(-real)))
    shares = [
        float32_quotient(1.0, float32_sum(1.0, nearest_float32(value)))
        for value in (power * (1 - error), power / (1 + error), power * (1 + error))
    ]
    assert shares == [0.5 + 2.0**-24, 0.5, 0.5 - 2.0**-23]
    inverse = stepped(201.0, -1)
    assert [float32_product(share, inverse) >= TIE for share in shares] == [True, False, False]
    assert not logistic_table_is_defined(-1, -real, 0, inverse, *WIDE)

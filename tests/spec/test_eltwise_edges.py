"""Sums where one rounding less, a tie the other way or another order of operands gives another code."""

from __future__ import annotations

import pytest

from int8sim.spec import eltwise
from int8sim.spec.eltwise import add_dequantized, add_double, add_double_is_defined, add_fma, requantize_real

from .exact import (
    clip,
    float32_product,
    float32_quotient,
    float32_sum,
    half_even_clipped,
    multiply_by_quantized_multiplier,
)

LEGAL = 2**30  # a multiplier of one half


def test_left_shifts_of_both_widths():
    """As add.cc has them: 20 for 8-bit codes, 15 for 16-bit ones."""
    assert (eltwise.ADD_LEFT_SHIFT, eltwise.ADD_LEFT_SHIFT_16) == (20, 15)


def test_an_operand_keeps_its_value_up_to_31_bits():
    """127 << 20 << 4 is 2**31 - 2**24; one bit more to the left would leave the word."""
    for shift, defined in ((-4, True), (-5, False)):
        assert add_double_is_defined(127, 0, 0, 0, LEGAL, shift, LEGAL, 0, LEGAL, 0) is defined
        assert add_double_is_defined(0, 127, 0, 0, LEGAL, 0, LEGAL, shift, LEGAL, 0) is defined


def test_the_sum_is_of_operands_that_were_shifted_left():
    """64 << 20 << 4, halved, is 2**29: left by 1 it is 2**30, by 2 too much."""
    for shift, defined in ((-1, True), (-2, False)):
        assert add_double_is_defined(64, 0, 0, 0, LEGAL, -4, LEGAL, 0, LEGAL, shift) is defined
        assert add_double_is_defined(0, 64, 0, 0, LEGAL, 0, LEGAL, -4, LEGAL, shift) is defined


@pytest.mark.parametrize("shifts", [(0, 0, 3), (-1, 2, 0), (3, -2, -1), (-10, -10, -20)])
def test_add_double_with_shifts_of_both_signs(shifts):
    """A left shift is the accumulator's, never the multiplier's."""
    a_shift, b_shift, shift = shifts
    for a, b in ((0, 1), (-1, 0), (100, -100), (-128, 127)):
        left = multiply_by_quantized_multiplier((a - 3) * 2**20, 0x40000001, a_shift)
        right = multiply_by_quantized_multiplier((b + 4) * 2**20, 0x66666666, b_shift)
        expected = clip(multiply_by_quantized_multiplier(left + right, 0x7FFFFFFF, shift) + 5, -(2**15), 2**15 - 1)
        arguments = a, b, 3, -4, 0x40000001, a_shift, 0x66666666, b_shift, 0x7FFFFFFF, shift, 5
        assert add_double(*arguments, -(2**15), 2**15 - 1) == expected


def test_add_double_written_out():
    """Halves of both operands, half of their sum, two bits fewer than the shift back."""
    assert add_double(3, 4, 1, 2, 2**30, 0, 2**30, 0, 2**30, 18, 9, -128, 127) == 13
    assert add_double(-6, 4, 1, 2, 2**30, 0, 2**30, 0, 2**30, 18, 9, -128, 127) == 4
    assert add_double(0, -32768, -113, -32768, 662664727, -19, 80689861, 17, 32768, -10, 5, 0, 127) == 5


@pytest.mark.parametrize(
    ("a", "b", "fixed", "expected"), [(-5, 0, 0.0, -2), (5, 0, 0.0, 2), (0, 7, 0.0, 4), (0, 9, 0.0, 4), (1, 1, 1.5, 2)]
)
def test_add_fma_at_ties(a, b, fixed, expected):
    assert add_fma(a, b, 0.5, 0.5, fixed, -128, 127) == expected


@pytest.mark.parametrize(
    ("a", "b", "a_scale", "b_scale", "scale", "expected"),
    [
        (52, -11, 1.3615617752075195, 1.323123574256897, 1.3553458452224731, 41),  # the first product is rounded
        (-55, -75, 0.2589457333087921, 0.03693435341119766, 0.6671409010887146, -25),
        (-53, 127, 1.9008443355560303, 0.6436513066291809, 0.5352404713630676, -36),
        (63, -111, 0.9528884291648865, 1.3575098514556885, 4.648801326751709, -20),  # the second product is rounded
        (2, -73, 1.7233446836471558, 0.4285164773464203, 0.9126233458518982, -30),
        (94, -71, 2.297424077987671, 2.103689193725586, 2.2574894428253174, 29),
        (-27, -2, 1.4582945108413696, 0.039596088230609894, 0.8134668469429016, -49),  # the sum is rounded
        (-73, -60, 0.7170293927192688, 0.28084006905555725, 4.771968841552734, -14),
        (-31, 114, 0.18393965065479279, 0.8187363743782043, 4.736962795257568, 19),
        (-50, -113, 0.962695300579071, 0.04441755264997482, 0.5684914588928223, -94),  # the quotient is rounded
        (3, -93, 0.382450133562088, 0.9809614419937134, 1.0295093059539795, -88),
        (-114, -78, 1.534247636795044, 0.4104241132736206, 2.189601182937622, -94),
        (5, 0, 0.5, 1.0, 1.0, 2),  # ties, to even
        (0, 7, 1.0, 0.5, 1.0, 4),
        (-5, 0, 0.5, 1.0, 1.0, -2),
    ],
)
def test_add_dequantized_rounds_at_every_step(a, b, a_scale, b_scale, scale, expected):
    total = float32_sum(float32_product(float(a), a_scale), float32_product(float(b), b_scale))
    assert half_even_clipped(float32_quotient(total, scale), -128, 127) == expected
    assert add_dequantized(a, b, a_scale, b_scale, scale, -128, 127) == expected


@pytest.mark.parametrize(
    ("x", "from_scale", "scale", "expected"),
    [
        (206, 0.16026344895362854, 0.3816678524017334, 87),  # the real value is rounded
        (156, 2.0023841857910156, 3.0180864334106445, 104),
        (-5, 2.383540630340576, 1.2544951438903809, -10),
        (-40, 1.1663968563079834, 0.634773850440979, -74),  # the quotient is rounded
        (-40, 3.1955907344818115, 1.4281970262527466, -90),
        (198, 0.5084744691848755, 1.3160516023635864, 76),
        (5, 0.5, 1.0, 2),  # a tie, to even
    ],
)
def test_requantize_real_rounds_at_every_step(x, from_scale, scale, expected):
    assert requantize_real(x, from_scale, 0, scale, 0, -128, 127) == expected
    assert requantize_real(x + 7, from_scale, 7, scale, -2, -128, 127) == expected - 2

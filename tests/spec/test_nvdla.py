from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.nvdla import (
    add,
    average,
    cacc_accumulate,
    cacc_clip,
    cacc_clip_is_defined,
    cdma_convert,
    convolution_output,
    convolution_output_per_channel,
    pdp_average,
    pdp_reciprocal,
    quantize,
    sdp_bias,
    sdp_multiply,
    sdp_out_convert,
    shift_right_saturate,
)

from .exact import clip, half_away, signed, word

OUT_BITS = st.sampled_from([8, 16])
SHIFTS = st.integers(0, 63)


def ends(bits: int) -> tuple[int, int]:
    return -(2 ** (bits - 1)), 2 ** (bits - 1) - 1


def shifted(value: int, shift: int, width: int, bits: int) -> int:
    """Ties away from zero, saturated; 0 from the input's width on."""
    return clip(half_away(Fraction(value, 2**shift)), *ends(bits)) if shift < width else 0


@given(word(62), st.integers(0, 62), st.integers(1, 62), st.integers(2, 40))
def test_shift_right_saturate(value, shift, width, bits):
    assert shift_right_saturate(value, shift, width, bits) == shifted(value, shift, width, bits)


@given(word(17), word(16), word(16), SHIFTS, OUT_BITS)
def test_cdma_convert(x, offset, scale, truncate, bits):
    expected = clip(shifted((x - offset) * scale, truncate, 34, 17), *ends(bits))
    assert cdma_convert(x, offset, scale, truncate, bits) == expected


@given(word(34), word(34))
def test_cacc_accumulate(acc, partial):
    assert cacc_accumulate(acc, partial) == clip(acc + partial, *ends(34))


@given(word(34), st.integers(0, 16))
def test_cacc_clip_where_it_is_defined(acc, truncate):
    assert cacc_clip_is_defined(acc, truncate)
    assert cacc_clip(acc, truncate) == clip(half_away(Fraction(acc, 2**truncate)), *ends(32))


@given(word(34), st.integers(17, 31))
def test_cacc_clip_beyond_sixteen_loses_sticky_bits(acc, truncate):
    """As if the accumulator's bits below the sixteenth fraction bit were cut off first, except for the sign's rule."""
    assert not cacc_clip_is_defined(acc, truncate)
    kept = Fraction(acc * 2**16 // 2**truncate, 2**16)
    nearest = half_away(kept) if acc >= 0 or kept < 0 else math.floor(kept)
    assert cacc_clip(acc, truncate) == clip(nearest, *ends(32))


@given(word(32), word(16), SHIFTS)
def test_sdp_bias(x, operand, shift):
    assert sdp_bias(x, operand, shift) == x + clip(operand * 2**shift, *ends(32))


@given(word(33), word(16), SHIFTS)
def test_sdp_multiply(x, operand, truncate):
    assert sdp_multiply(x, operand, truncate) == shifted(x * operand, truncate, 49, 32)


@given(word(32), word(32), word(16), SHIFTS, OUT_BITS)
def test_sdp_out_convert(x, offset, scale, truncate, bits):
    expected = clip(shifted((x - offset) * scale, truncate, 49, 17), *ends(bits))
    assert sdp_out_convert(x, offset, scale, truncate, bits) == expected


@given(word(34), word(16), st.integers(0, 16), word(16), SHIFTS, st.sampled_from([-128, 0]))
def test_convolution_output(acc, bias, bias_shift, scale, truncate, low):
    total = clip(clip(acc, *ends(32)) + clip(bias * 2**bias_shift, *ends(32)), *ends(32))
    expected = clip(shifted(total * scale, truncate, 49, 17), low, 127)
    assert convolution_output(acc, bias, bias_shift, scale, truncate, low, 127) == expected


@given(st.integers(-(2**31), 2**31 - 1), st.integers(2**14, 2**15 - 1), st.integers(15, 40))
def test_relu_before_the_converter_is_the_clamp_after_it(acc, scale, truncate):
    """X1 applies ReLU to the 32-bit sum; a positive scale keeps the order and zero."""
    before = sdp_out_convert(max(acc, 0), 0, scale, truncate)
    assert convolution_output(acc, 0, 0, scale, truncate, 0, 127) == before


@given(word(34), word(16), st.integers(0, 16), word(16), SHIFTS)
def test_convolution_output_per_channel(acc, bias, bias_shift, operand, truncate):
    total = clip(acc, *ends(32)) + clip(bias * 2**bias_shift, *ends(32))
    expected = clip(shifted(total * operand, truncate, 49, 32), -128, 127)
    assert convolution_output_per_channel(acc, bias, bias_shift, operand, truncate, -128, 127) == expected


@given(word(9), word(9), word(16), SHIFTS)
def test_add(a, b, scale, truncate):
    expected = clip(shifted((a + b) * scale, truncate, 49, 17), -128, 127)
    assert add(a, b, scale, truncate, -128, 127) == expected


@given(st.integers(-(2**13), 2**13 - 1), st.integers(1, 8), st.integers(1, 8))
def test_pdp_average(total, width, height):
    """Twice half away from zero, as long as nothing leaves the stage's word."""
    across, down = pdp_reciprocal(width), pdp_reciprocal(height)
    rows = half_away(Fraction(total * across, 2**16))
    expected = half_away(Fraction(rows * down, 2**16))
    if -(2**10) <= rows < 2**10 and -128 <= expected <= 127:
        assert pdp_average(total, across, down) == expected
        assert average(total, width * height, across, down, 0, 9) == clip(expected, 0, 9)


@given(st.integers(-(2**13), 2**13 - 1), st.integers(0, 2**17 - 1), st.integers(0, 2**17 - 1))
def test_pdp_average_wraps_as_the_rtl_does(total, reciprocal_width, reciprocal_height):
    """R(p, w): positive (p >> 16) modulo 2**(w - 1) plus the guard bit; negative (p >> 16) plus guard and sticky."""

    def stage(product: int, bits: int) -> int:
        guard, low = product >> 15 & 1, product % 2**15
        if product >= 0:
            return signed(product // 2**16 % 2 ** (bits - 1) + guard, bits)
        return signed(product // 2**16 + (1 if guard and low else 0), bits)

    expected = stage(stage(total * reciprocal_width, 11) * reciprocal_height, 8)
    assert pdp_average(total, reciprocal_width, reciprocal_height) == expected


def test_pdp_reciprocals_are_the_drivers_table():
    table = [0x10000, 0x8000, 0x5555, 0x4000, 0x3333, 0x2AAA, 0x2492, 0x2000]
    assert [pdp_reciprocal(size) for size in range(1, 9)] == table


@pytest.mark.parametrize("pixel", range(256))
def test_input_bytes_are_halved(pixel):
    """The runtime's floor(p * 127 / 255 + 0.5) equals p >> 1; that is `quantize` at scale 1 / 127 of p / 255."""
    assert math.floor(Fraction(pixel * 127, 255) + Fraction(1, 2)) == pixel >> 1
    assert quantize(pixel / 2, 1.0, 0, -128, 127) == min((pixel + 1) >> 1, 127)


@given(st.floats(-(2.0**30), 2.0**30, width=32), st.integers(-10, 10))
def test_quantize(real, exponent):
    quotient = Fraction(real) / Fraction(2) ** exponent
    if abs(quotient) < 2**22:
        assert quantize(real, 2.0**exponent, 0, -128, 127) == clip(math.floor(quotient + Fraction(1, 2)), -128, 127)

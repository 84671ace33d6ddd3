"""NVDLA's convolution pipeline, the normalization's converters, and the layer functions made of the stages."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.kernels.cpu.nvdla_stage import stage
from int8sim.spec.nvdla import (
    add,
    cacc_accumulate,
    cacc_clip,
    cacc_clip_ideal,
    cacc_clip_is_defined,
    cacc_clip_overflows,
    cdma_convert,
    cdma_extend,
    cdma_offset,
    cdp_in_convert,
    cdp_out_convert,
    cmac_dot,
    cmac_product,
    convolution_output,
    convolution_output_per_channel,
    padding_value,
    quantize,
    sdp_lut_linear,
    sdp_out_convert,
    sdp_x,
)

from .exact import clip, half_away, signed, word
from .nvdla_exact import OUT_BITS, SHIFTS, ends, overflows, shifted


@given(word(16, is_signed=False), OUT_BITS, st.booleans())
def test_cdma_extend(pixel, bits, is_signed):
    low = pixel % 2**bits
    assert cdma_extend(pixel, bits, is_signed) == (signed(low, bits) if is_signed else low)


@given(word(16), word(16))
def test_cdma_offset_is_the_mean_where_there_is_one(offset, mean):
    assert (cdma_offset(offset, mean, True), cdma_offset(offset, mean, False)) == (mean, offset)


@given(word(17), word(16), word(16), SHIFTS, OUT_BITS)
def test_cdma_convert(x, offset, scale, truncate, bits):
    expected = clip(shifted((x - offset) * scale, truncate, 34, 17), *ends(bits))
    assert cdma_convert(x, offset, scale, truncate, bits) == expected


@given(word(16, is_signed=False), OUT_BITS)
def test_padding_value(register, bits):
    assert padding_value(register, bits) == signed(register, bits)
    assert padding_value(register) == signed(register, 8)


@given(word(8), word(8))
def test_cmac_product(data, weight):
    assert (cmac_product(data, weight, True), cmac_product(data, weight, False)) == (data * weight, 0)


@pytest.mark.parametrize(("lanes", "bits"), [(8, 19), (64, 22)])
@given(data=st.data())
def test_cmac_dot(lanes, bits, data):
    """The dot product of the lanes that both masks name; it never leaves the cell's word."""
    a, b = (data.draw(st.lists(word(8), min_size=lanes, max_size=lanes)) for _ in range(2))
    masks = [data.draw(st.integers(0, 2**lanes - 1)) for _ in range(2)]
    kept = [lane for lane in range(lanes) if all(mask >> lane & 1 for mask in masks)]
    found = cmac_dot(a, b, *masks)
    assert found == sum(a[lane] * b[lane] for lane in kept) == signed(found, bits)


@given(st.lists(word(8), min_size=64, max_size=64), st.lists(word(8), min_size=64, max_size=64))
def test_cmac_flags_of_true_zeros_change_nothing(a, b):
    masks = [sum((value != 0) << lane for lane, value in enumerate(values)) for values in (a, b)]
    assert cmac_dot(a, b, *masks) == sum(x * y for x, y in zip(a, b, strict=True))


@given(word(34), word(34))
def test_cacc_accumulate(acc, partial):
    assert cacc_accumulate(acc, partial) == clip(acc + partial, *ends(34))


@given(word(34), st.integers(0, 16))
def test_cacc_clip_where_it_is_defined(acc, truncate):
    assert cacc_clip_is_defined(acc, truncate)
    assert cacc_clip(acc, truncate) == cacc_clip_ideal(acc, truncate)


@given(word(34), st.integers(0, 31))
def test_cacc_clip_ideal(acc, truncate):
    assert cacc_clip_ideal(acc, truncate) == clip(half_away(Fraction(acc, 2**truncate)), *ends(32))


@given(word(34), st.integers(17, 31))
def test_cacc_clip_beyond_sixteen_loses_sticky_bits(acc, truncate):
    """As if the accumulator's bits below the sixteenth fraction bit were cut off first."""
    assert not cacc_clip_is_defined(acc, truncate)
    kept = Fraction(acc * 2**16 // 2**truncate, 2**16)
    assert cacc_clip(acc, truncate) == clip(half_away(kept), *ends(32))


def test_a_negative_value_just_above_a_tie_rounds_as_the_tie():
    acc = -(2**30) + 1  # -0.5 and a little: to nearest it is 0
    assert cacc_clip_ideal(acc, 31) == 0
    assert cacc_clip(acc, 31) == -1


@given(word(34), st.integers(0, 16))
def test_cacc_clip_overflows(acc, truncate):
    assert cacc_clip_overflows(acc, truncate) == overflows(acc, truncate, 34, 32)


@given(word(34), st.integers(17, 31))
def test_cacc_clip_overflows_nowhere_beyond_two(acc, truncate):
    assert cacc_clip_overflows(acc, truncate) == 0


@given(word(8), word(8), word(16), st.integers(0, 31))
def test_cdp_in_convert(x, offset, scale, truncate):
    assert cdp_in_convert(x, offset, scale, truncate) == shifted((x - offset) * scale, truncate, 25, 9)


@given(word(25), word(25), word(16), SHIFTS)
def test_cdp_out_convert(x, offset, scale, truncate):
    assert cdp_out_convert(x, offset, scale, truncate) == shifted((x - offset) * scale, truncate, 42, 8)


@given(word(34), word(16), st.integers(0, 16), word(16), SHIFTS, st.sampled_from([-128, 0]))
def test_convolution_output(acc, bias, bias_shift, scale, truncate, low):
    total = clip(clip(acc, *ends(32)) + clip(bias * 2**bias_shift, *ends(32)), *ends(32))
    expected = clip(shifted(total * scale, truncate, 49, 17), low, 127)
    assert convolution_output(acc, bias, bias_shift, scale, truncate, low, 127) == expected


@given(word(32), st.integers(2**14, 2**15 - 1), st.integers(15, 40))
def test_relu_before_the_converter_is_the_clamp_after_it(acc, scale, truncate):
    """X1 applies ReLU to the 32-bit sum; a positive scale keeps the order and zero."""
    before = sdp_out_convert(sdp_x(acc, relu_bypass=False), 0, scale, truncate)
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


def test_array_stage():
    """Registers per tensor and per channel; data of any integer type, contiguous or not; unknown names refused."""
    x = np.array([[[1, -5], [7, 2**31 - 1]]], np.int32)
    y = stage(sdp_x, x.transpose(1, 0, 2), "int32", alu_operand=np.array([3, 4], np.int16), relu_bypass=False)
    assert y.tolist() == [[[4, 0]], [[10, 2**31 - 1]]]
    assert stage(sdp_out_convert, x, "int8", offset=0, scale=2, truncate=1).tolist() == [[[1, -5], [7, 127]]]
    assert stage(sdp_x, x.reshape(1, -1), "int32", alu_operand=-x.reshape(1, -1) % 2).tolist() == [
        [2, -4, 8, 2**31 - 1]
    ]
    place = stage(sdp_lut_linear, x, "int64", start=0, select=1, entries=65)
    assert place.shape == (1, 2, 2, 4)
    assert place[0, 1, 0].tolist() == [3, 2**34, 0, 0]
    with pytest.raises(TypeError, match="truncate"):
        stage(sdp_out_convert, x, "int8", offset=0, scale=2)
    with pytest.raises(TypeError, match="gain"):
        stage(sdp_x, x, "int32", gain=3)

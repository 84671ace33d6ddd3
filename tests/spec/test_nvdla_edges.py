"""NVDLA's stages: the numbers of their registers, and each word at its ends."""

from __future__ import annotations

from fractions import Fraction

import pytest

from int8sim.spec.nvdla import (
    SUM_BITS,
    Generation,
    LutFunction,
    PdpMethod,
    SdpAlu,
    add,
    average_is_defined,
    cacc_accumulate,
    cacc_clip,
    cacc_clip_ideal,
    cacc_clip_is_defined,
    cacc_clip_overflows,
    cdma_convert,
    cdp_in_convert,
    cdp_out_convert,
    convolution_output,
    convolution_output_per_channel,
    half_away,
    pdp_average,
    pdp_average_is_defined,
    pdp_pool,
    pdp_reciprocal,
    pdp_window,
    quantize,
    sdp_lut_exponent,
    sdp_lut_index,
    sdp_lut_interpolate,
    sdp_lut_linear,
    sdp_multiply,
    sdp_out_convert,
    sdp_out_overflows,
    sdp_prelu,
    sdp_prelu_is_defined,
    sdp_x,
    sdp_y,
    sdp_y_alu,
    sdp_y_convert,
    sdp_y_multiply,
    shift_left_saturate,
    shift_right_overflows,
    shift_right_saturate,
    shift_right_saturate_64,
    shift_signed_saturate,
)

from . import exact


def test_register_values():
    """POOLING_METHOD, ALU_ALGO and LUT_LE_FUNCTION as the register manual numbers them."""
    assert [(way.name, int(way)) for way in PdpMethod] == [("AVERAGE", 0), ("MAX", 1), ("MIN", 2)]
    assert [(way.name, int(way)) for way in SdpAlu] == [("MAX", 0), ("MIN", 1), ("SUM", 2), ("EQUAL", 3)]
    assert [(way.name, int(way)) for way in LutFunction] == [("EXPONENT", 0), ("LINEAR", 1)]
    assert [(way.name, int(way)) for way in Generation] == [("MASTER", 0), ("V1", 1)]
    assert SUM_BITS == 34


@pytest.mark.parametrize("bits", [8, 16, 32])
def test_shifters_at_the_ends_of_their_words(bits):
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    for shift in (0, 1, 2, 5):
        unit = 2**shift
        for value in {
            end * unit + off
            for end in (low - 1, low, high, high + 1)
            for off in (-unit // 2 - 1, -unit // 2, 0, unit // 2 - 1, unit // 2, unit // 2 + 1)
        }:
            rounded = exact.half_away(Fraction(value, unit))
            expected = exact.clip(rounded, low, high)
            assert shift_right_saturate(value, shift, 62, bits) == expected
            assert shift_right_saturate_64(value, shift, bits) == expected
            assert shift_signed_saturate(value, shift, 50, bits) == expected
            beyond = value >> shift < low if value < 0 else rounded > high
            assert shift_right_overflows(value, shift, 64, bits) == beyond
            assert type(shift_right_overflows(value, shift, 64, bits)) is int


def test_the_shift_of_the_width_gives_nothing():
    assert [shift_right_saturate(-(2**33), shift, 34, 32) for shift in (32, 33, 34, 35)] == [-2, -1, 0, 0]
    assert [shift_right_saturate_64(-(2**63), shift, 32) for shift in (62, 63, 64, 65)] == [-2, -1, 0, 0]
    assert [shift_right_overflows(-(2**63), shift, 34, 8) for shift in (32, 33, 34, 35)] == [1, 1, 0, 0]


def test_left_shifts():
    assert [shift_left_saturate(1, shift) for shift in (0, 30, 31, 32, 63)] == [1, 2**30, *[2**31 - 1] * 3]
    assert [shift_left_saturate(-1, shift) for shift in (0, 31, 32, 63)] == [-1, *[-(2**31)] * 3]
    assert [shift_left_saturate(3, shift, 16) for shift in (0, 13, 14, 16)] == [3, 3 << 13, 2**15 - 1, 2**15 - 1]
    assert shift_left_saturate(0, 63) == 0
    assert [shift_signed_saturate(5, shift, 50, 32) for shift in (-1, -16)] == [10, 5 << 16]
    assert [shift_signed_saturate(2**40, shift, 50, 32) for shift in (-1, 0)] == [2**31 - 1] * 2
    assert shift_signed_saturate(-(2**40), -1, 50, 32) == -(2**31)


def test_half_away_at_guard_and_sticky():
    values = [-13, -12, -11, -4, -3, -2, -1, 0, 1, 2, 3, 4, 11, 12, 13]
    for shift in (0, 1, 2, 3):
        assert [half_away(v, shift) for v in values] == [exact.half_away(Fraction(v, 2**shift)) for v in values]


def test_the_accumulator_saturates_at_34_bits():
    high = 2**33 - 1
    assert [cacc_accumulate(high, step) for step in (-1, 0, 1)] == [high - 1, high, high]
    assert [cacc_accumulate(-high - 1, step) for step in (-1, 0, 1)] == [-high - 1, -high - 1, -high]


def test_the_clip_at_32_bits():
    ends = [2**31 - 1, 2**31, -(2**31), -(2**31) - 1]
    assert [cacc_clip(acc, 0) for acc in ends] == [2**31 - 1, 2**31 - 1, -(2**31), -(2**31)]
    assert [cacc_clip_overflows(acc, 0) for acc in ends] == [0, 1, 0, 1]
    halves = [cacc_clip_ideal(acc, 1) for acc in (3, -3, 5, -5, 2**33 - 1, -(2**33))]
    assert halves == [2, -2, 3, -3, 2**31 - 1, -(2**31)]
    assert [cacc_clip_is_defined(0, truncate) for truncate in (0, 16, 17)] == [True, True, False]
    assert not cacc_clip_is_defined(0, -1)


def test_converters_at_their_inner_words():
    """17 bits within, then 8 or 16."""
    for convert in (cdma_convert, sdp_out_convert):
        assert [convert(x, 0, 1, 0, 16) for x in (2**15 - 1, 2**15, -(2**15) - 1)] == [2**15 - 1, 2**15 - 1, -(2**15)]
        assert [convert(x, 0, 1, 0) for x in (127, 128, -128, -129)] == [127, 127, -128, -128]
    assert [cdp_in_convert(127, -128, 1, 0), cdp_in_convert(127, -128, 2, 0), cdp_in_convert(-128, 127, 2, 0)] == [
        255,
        255,
        -256,
    ]
    assert [cdp_out_convert(x, 0, 1, 0) for x in (127, 128, -128, -129)] == [127, 127, -128, -128]
    assert sdp_y_convert(3, 1, 5, 1) == 5
    assert sdp_multiply(-(2**33), 2**15 - 1, 0) == -(2**31)


def test_the_flag_of_the_output_converter():
    ends = [2**16 - 1, 2**16, -(2**16), -(2**16) - 1, -(2**16) - 2]
    assert [sdp_out_overflows(x, 0, 1, 0, False, Generation.MASTER) for x in ends] == [0, 1, 0, 1, 1]
    assert [sdp_out_overflows(x, 0, 1, 0, False, Generation.V1) for x in ends] == [0, 0, 0, 0, 1]
    assert [sdp_out_overflows(2**16 + more, 0, 1, 0, False, Generation.V1) for more in (0, 1)] == [0, 1]
    assert sdp_out_overflows(2**20, 0, 1, 0, True, Generation.MASTER) == 0


def test_the_greatest_products_of_x_and_their_width():
    """Half of 2**48 and more still counts; from 49 on, the product's width, nothing is left."""
    assert [sdp_multiply(-(2**32), -(2**15), truncate) for truncate in (46, 47, 48, 49)] == [2, 1, 1, 0]
    assert [sdp_multiply(-(2**33), -(2**15), truncate) for truncate in (47, 48, 49)] == [2, 1, 0]


def test_prelu_multiplies_minus_one():
    assert [sdp_prelu(x, 3, 0) for x in (-2, -1, 0, 1)] == [-6, -3, 0, 1]
    assert [sdp_y_multiply(x, 3, 0, True) for x in (-2, -1, 0, 1)] == [-6, -3, 0, 1]
    assert [sdp_y_multiply(x, 3, 0) for x in (-1, 0, 1)] == [-3, 0, 3]


def test_prelu_is_defined_below_32_bits():
    assert [sdp_prelu_is_defined(x) for x in (-(2**32), 2**31 - 1, 2**31)] == [True, True, False]


def test_defaults_of_x_and_y():
    """Every default alone: operands that would show."""
    assert sdp_x(5, 3) == 8
    assert sdp_x(5, 3, 2) == 17
    assert sdp_x(5, 3, 0, SdpAlu.MIN) == 3
    assert sdp_x(5, mul_operand=3) == 15
    assert sdp_x(5, mul_operand=3, mul_shift=1) == 8
    assert sdp_x(-5, mul_operand=3, prelu=True) == -15
    assert sdp_x(5, mul_operand=3, prelu=True) == 5
    assert sdp_x(-5, relu_bypass=False) == 0
    assert sdp_y(5, 3) == 15
    assert sdp_y(5, 3, 1) == 8
    assert sdp_y(5, 3, prelu=True) == 5
    assert sdp_y(5, alu_operand=3) == 8
    assert sdp_y(5, alu_operand=3, alu_algorithm=SdpAlu.MAX) == 5
    assert sdp_y(5, 3, mul_bypass=True, alu_operand=9, alu_bypass=True) == 5
    assert [sdp_y_alu(7, other, SdpAlu.EQUAL) for other in (6, 7, 8)] == [1, 0, 1]
    assert type(sdp_y_alu(7, 7, SdpAlu.EQUAL)) is int


@pytest.mark.parametrize("entries", [65, 257])
def test_the_ends_of_a_linear_table(entries):
    last = entries - 1
    assert sdp_lut_linear(10, 10, 0, entries) == (0, 0, 1, 0)
    assert sdp_lut_linear(11, 10, 0, entries) == (1, 0, 0, 0)
    assert sdp_lut_linear(10 + last - 1, 10, 0, entries) == (last - 1, 0, 0, 0)
    assert sdp_lut_linear(10 + last, 10, 0, entries) == (last, 0, 0, 1)
    assert sdp_lut_linear(10 + last + 1, 10, 0, entries) == (last, 0, 0, 1)
    assert sdp_lut_linear(13, 10, 1, entries) == (1, 2**34, 0, 0)
    assert sdp_lut_linear(13, 10, -1, entries) == (6, 0, 0, 0)
    assert sdp_lut_linear(11, 10, -9, entries) == (last, 0, 0, 1)
    assert sdp_lut_linear(2**31 - 1, -(2**31), 32, entries) == (0, (2**32 - 1) << 3, 0, 0)
    assert sdp_lut_linear(2**31 - 1, -(2**31), 35, entries) == (0, 2**32 - 1, 0, 0)
    assert sdp_lut_linear(2**31 - 1, -(2**31), 36, entries) == (0, (2**32 - 1) >> 1, 0, 0)
    assert sdp_lut_linear(2**31 - 1, -(2**31), 67, entries) == (0, 0, 0, 0)


def test_the_ends_of_an_exponent_table():
    assert sdp_lut_exponent(5, 5, 0) == (0, 0, 1, 0)
    assert sdp_lut_exponent(6, 5, 0) == (0, 0, 0, 0)
    assert sdp_lut_exponent(8, 5, 0) == (1, 2**34, 0, 0)
    assert sdp_lut_exponent(8, 5, 1) == (0, 2**34, 0, 0)
    assert sdp_lut_exponent(8, 5, 2) == (0, 2**34, 1, 0)
    assert sdp_lut_exponent(5 + 2**20, 5, -43) == (63, 0, 0, 0)
    assert sdp_lut_exponent(5 + 2**20, 5, -44) == (64, 0, 0, 1)
    assert sdp_lut_exponent(5 + 2**20, 5, -45) == (64, 0, 0, 1)
    assert sdp_lut_exponent(2**31 - 1, -(2**31), 0) == (31, (2**31 - 1) << 4, 0, 0)


@pytest.mark.parametrize("priority", [0, 1])
def test_which_table_is_read(priority):
    """LE from 0 by steps of 1, LO from 100 by steps of 1; the two other priorities say the opposite."""
    other = 1 - priority

    def table(x: int, underflow: int, overflow: int, hybrid: int) -> int:
        return sdp_lut_index(x, LutFunction.LINEAR, 0, 0, 0, 100, 0, underflow, overflow, hybrid)[0]

    assert table(-1, priority, other, other) == priority  # both underflow
    assert table(1000, other, priority, other) == priority  # both overflow
    assert table(80, other, other, priority) == priority  # LE overflows, LO underflows
    assert table(50, priority, other, other) == 0  # LE hits
    assert table(200, priority, other, other) == 1  # LO hits


def test_interpolation_and_slopes():
    half = 2**34
    assert sdp_lut_interpolate(0, 10, 13, half, 0, 0, 0, 0, 0) == 12  # 11.5, away from zero
    assert sdp_lut_interpolate(0, -10, -13, half, 0, 0, 0, 0, 0) == -12
    assert sdp_lut_interpolate(0, 10, 13, half - 1, 0, 0, 0, 0, 0) == 11
    assert sdp_lut_interpolate(50, 7, 99, 99, 1, 40, 4, 3, 1) == 7 + 9
    assert sdp_lut_interpolate(50, 7, 99, 99, 1, 40, 4, 3, -1) == 7 + 36
    assert sdp_lut_interpolate(2**31 - 1, 32767, 0, 0, 1, 0, 0, 32767, -16) == 2**31 - 1
    assert sdp_lut_interpolate(-(2**31), -32768, 0, 0, 1, 0, 0, 32767, -16) == -(2**31)


def test_averages_where_both_words_are_full():
    """Row sums of 11 bits, then 8: one more leaves them."""
    one = 1 << 16
    assert [pdp_average(total, one, one) for total in (127, -128)] == [127, -128]
    assert [pdp_average_is_defined(total, one, one) for total in (127, 128, -128, -129)] == [True, False, True, False]
    quarter = pdp_reciprocal(8)
    assert [pdp_average_is_defined(total, one, quarter) for total in (1019, 1020, 1023, 1024)] == [
        True,
        False,
        False,
        False,
    ]
    assert [pdp_average_is_defined(total, one, quarter) for total in (-1024, -1025)] == [True, False]
    assert [pdp_average(total, one, quarter) for total in (1019, -1024, 4, -4, 3, -3)] == [127, -128, 1, -1, 0, 0]
    assert pdp_average(128, one, one) == 0
    assert pdp_average(1024, one, quarter) == 0


def test_an_average_is_undefined_where_its_row_is():
    """A row of more than 11 bits whose column would fit."""
    assert [pdp_average_is_defined(total, 1 << 16, 1000) for total in (1023, 1024, -1024, -1025)] == [True, False] * 2


def test_the_least_negative_product_rounds_to_zero():
    assert pdp_average(-1, 1, 1 << 16) == 0
    assert pdp_average(-1, 1 << 16, 1) == 0


@pytest.mark.parametrize("method", PdpMethod)
def test_a_cube_of_one_cell(method):
    one = (1 << 16, 1 << 16)
    assert pdp_window([[-7]], method, (1, 1), [0] * 8, one) == -7
    assert pdp_pool([[[-7, 5]]], method, (1, 1), (1, 1), (0, 0, 0, 0), [0] * 8, one) == [[[-7, 5]]]
    assert pdp_pool([[[3], [4]]], method, (1, 1), (1, 2), (0, 0, 0, 0), [0] * 8, one) == [[[3]]]


@pytest.mark.parametrize(("low", "high", "expected"), [(-128, 127, [-100, 100]), (0, 127, [0, 100]), (-9, 9, [-9, 9])])
def test_layers_clamp_to_their_range(low, high, expected):
    sums = [-100, 100]
    assert [convolution_output(acc, 0, 0, 1, 0, low, high) for acc in sums] == expected
    assert [convolution_output_per_channel(acc, 0, 0, 1, 0, low, high) for acc in sums] == expected
    assert [add(acc, 0, 1, 0, low, high) for acc in sums] == expected


def test_which_reciprocal_comes_first():
    """1024 leaves the row's 11 bits unless the width has made it small."""
    assert not average_is_defined(1024, 1 << 16, 1000)
    assert average_is_defined(1024, 1000, 1 << 16)


@pytest.mark.parametrize(
    ("real", "scale", "zero_point", "expected"),
    [
        (2.5, 1.0, 0, 3),
        (2.499999761581421, 1.0, 0, 2),
        (-2.5, 1.0, 0, -2),
        (5.0, 2.0, 3, 6),
        (-200.0, 1.0, 3, -128),
        (200.0, 1.0, 3, 127),
        (-200.0, 1.0, -3, -128),
        (126.0, 1.0, 3, 127),
        (-130.0, 1.0, 3, -127),
    ],
)
def test_quantize_written_out(real, scale, zero_point, expected):
    assert quantize(real, scale, zero_point, -128, 127) == expected

"""SDP: the X and Y stages, the tables, the output converter."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from int8sim.spec.nvdla import (
    Generation,
    LutFunction,
    SdpAlu,
    sdp_alu,
    sdp_bias,
    sdp_lut_bias,
    sdp_lut_exponent,
    sdp_lut_index,
    sdp_lut_interpolate,
    sdp_lut_linear,
    sdp_multiply,
    sdp_out_convert,
    sdp_out_equal,
    sdp_out_overflows,
    sdp_prelu,
    sdp_prelu_is_defined,
    sdp_x,
    sdp_y,
    sdp_y_alu,
    sdp_y_convert,
    sdp_y_multiply,
)

from .exact import clip, half_away, signed, word
from .nvdla_exact import FLAGS, OUT_BITS, SHIFTS, ends, overflows, shifted

INT32 = ends(32)
ALGORITHMS = st.sampled_from(SdpAlu)
UNIT = 2**35


@given(word(32), word(16), SHIFTS)
def test_sdp_bias(x, operand, shift):
    assert sdp_bias(x, operand, shift) == x + clip(operand * 2**shift, *INT32)


@given(word(33), word(16), SHIFTS)
def test_sdp_multiply(x, operand, truncate):
    assert sdp_multiply(x, operand, truncate) == shifted(x * operand, truncate, 49, 32)


def alu(x: int, operand: int, shift: int, algorithm: int) -> int:
    moved = clip(operand * 2**shift, *INT32)
    return {SdpAlu.MAX: max(x, moved), SdpAlu.MIN: min(x, moved)}.get(SdpAlu(algorithm), x + moved)


@given(word(32), word(16), SHIFTS, ALGORITHMS)
def test_sdp_alu(x, operand, shift, algorithm):
    assert sdp_alu(x, operand, shift, algorithm) == alu(x, operand, shift, algorithm)


@given(word(33), word(16), SHIFTS)
@example(2**31, 3, 0)
def test_sdp_prelu(x, operand, truncate):
    found = sdp_prelu(x, operand, truncate)
    assert found == (sdp_multiply(x, operand, truncate) if x < 0 else signed(x, 32))
    assert sdp_prelu_is_defined(x) == (x < 0 or found == x)


@given(word(32), word(16), SHIFTS, ALGORITHMS, FLAGS, word(16), SHIFTS, FLAGS, FLAGS, FLAGS)
def test_sdp_x(x, alu_operand, alu_shift, algorithm, alu_bypass, operand, shift, mul_bypass, prelu, relu_bypass):
    total = x if alu_bypass else alu(x, alu_operand, alu_shift, algorithm)
    if mul_bypass:
        expected = shifted(total, shift, 49, 32)
    elif prelu and total >= 0:
        expected = signed(total, 32)
    else:
        expected = shifted(total * operand, shift, 49, 32)
    found = sdp_x(x, alu_operand, alu_shift, algorithm, alu_bypass, operand, shift, mul_bypass, prelu, relu_bypass)
    assert found == (expected if relu_bypass else max(expected, 0))


@given(word(32))
def test_stages_as_they_stand_pass_everything(x):
    assert sdp_x(x) == sdp_y(x) == x
    assert sdp_x(x, relu_bypass=False) == max(x, 0)


def test_a_bypassed_multiplier_shifts_in_x_and_not_in_y():
    assert sdp_x(1000, mul_bypass=True, mul_operand=7, mul_shift=3) == 125
    assert sdp_y(1000, mul_bypass=True, mul_operand=7, truncate=3) == 1000


def test_the_sum_of_x_is_not_saturated_before_the_multiplier():
    assert sdp_x(2**31 - 1, 1, 30, mul_operand=1, mul_shift=1) == half_away(Fraction(2**31 - 1 + 2**30, 2))
    assert sdp_x(2**31 - 1, 1, 30, prelu=True) == signed(2**31 - 1 + 2**30, 32)
    assert sdp_x(2**31 - 1, 1, 30) == 2**31 - 1


@given(word(16), word(32), word(16), SHIFTS, FLAGS)
def test_sdp_y_convert(x, offset, scale, truncate, bypass):
    expected = x if bypass else shifted((x - offset) * scale, truncate, 49, 32)
    assert sdp_y_convert(x, offset, scale, truncate, bypass) == expected


TRUNCATE_10 = st.integers(0, 70) | st.integers(0, 1023)


@given(word(32), word(32), TRUNCATE_10, FLAGS)
@example(-(2**31), -(2**31), 0, False)
@example(-(2**31), -(2**31), 63, False)
def test_sdp_y_multiply(x, operand, truncate, prelu):
    expected = x if prelu and x >= 0 else shifted(x * operand, truncate, 64, 32)
    assert sdp_y_multiply(x, operand, truncate, prelu) == expected


@given(word(32), word(32), ALGORITHMS)
def test_sdp_y_alu(x, operand, algorithm):
    both = {
        SdpAlu.MAX: max(x, operand),
        SdpAlu.MIN: min(x, operand),
        SdpAlu.SUM: clip(x + operand, *INT32),
        SdpAlu.EQUAL: int(x != operand),
    }
    assert sdp_y_alu(x, operand, algorithm) == both[algorithm]
    assert sdp_y_alu(x, x, SdpAlu.EQUAL) == 0


@given(word(32), word(32), TRUNCATE_10, FLAGS, FLAGS, word(32), ALGORITHMS, FLAGS)
def test_sdp_y_multiplies_and_then_adds(x, mul, truncate, mul_bypass, prelu, operand, algorithm, alu_bypass):
    scaled = x if mul_bypass else sdp_y_multiply(x, mul, truncate, prelu)
    expected = scaled if alu_bypass else sdp_y_alu(scaled, operand, algorithm)
    assert sdp_y(x, mul, truncate, mul_bypass, prelu, operand, algorithm, alu_bypass) == expected


def near(start: int) -> st.SearchStrategy[int]:
    """Values behind a table's start, at every distance."""
    steps = st.integers(0, 32).flatmap(lambda bits: st.integers(0, 2**bits))
    return steps.map(lambda step: min(start + step, INT32[1])) | word(32)


STARTED = word(32).flatmap(lambda start: st.tuples(st.just(start), near(start)))


def linear(x: int, start: int, select: int, entries: int) -> tuple[int, int, int, int]:
    if x <= start:
        return 0, 0, 1, 0
    place = (x - start) / Fraction(2) ** select
    index = math.floor(place)
    return min(index, entries - 1), math.floor((place - index) * UNIT), 0, int(index >= entries - 1)


def exponent(x: int, start: int, offset: int) -> tuple[int, int, int, int]:
    if x <= start:
        return 0, 0, 1, 0
    power = (x - start).bit_length() - 1
    fraction = math.floor((Fraction(x - start, 2**power) - 1) * UNIT)
    index = max(power - offset, 0)
    return min(index, 64), fraction, int(power < offset), int(index >= 64)


@given(STARTED, word(8), st.sampled_from([65, 257]))
@example((0, 2**31 - 1), -128, 257)
@example((-(2**31), 2**31 - 1), 127, 65)
def test_sdp_lut_linear(started, select, entries):
    start, x = started
    assert sdp_lut_linear(x, start, select, entries) == linear(x, start, select, entries)


@given(STARTED, word(8) | st.integers(-34, 34))
@example((-(2**31), 2**31 - 1), -128)
def test_sdp_lut_exponent(started, offset):
    start, x = started
    assert sdp_lut_exponent(x, start, offset) == exponent(x, start, offset)


@given(STARTED, FLAGS, word(8), word(8), word(32), word(8), FLAGS, FLAGS, FLAGS)
def test_sdp_lut_index(started, function, offset, select, other, lo_select, underflow, overflow, hybrid):
    """The table that hits; where both hit or both miss, the one that the priority of their case names."""
    start, x = started
    le = linear(x, start, select, 65) if function else exponent(x, start, offset)
    lo = linear(x, other, lo_select, 257)
    le_hit, lo_hit = le[2:] == (0, 0), lo[2:] == (0, 0)
    if le_hit != lo_hit:
        table = lo_hit
    elif le[2] == lo[2] == 1:
        table = underflow
    elif le[3] == lo[3] == 1:
        table = overflow
    else:
        table = hybrid
    found = sdp_lut_index(x, function, start, offset, select, other, lo_select, underflow, overflow, hybrid)
    assert found == (table, *(lo if table else le), le_hit, lo_hit)


@given(word(32), word(16), word(16), st.integers(0, UNIT - 1))
def test_sdp_lut_interpolate_between_entries(x, y0, y1, fraction):
    expected = half_away(y0 + (y1 - y0) * Fraction(fraction, UNIT))
    assert sdp_lut_interpolate(x, y0, y1, fraction, 0, 9, 9, 9, 9) == expected
    assert min(y0, y1) <= expected <= max(y0, y1)


@given(word(32), word(16), word(32), word(32, is_signed=False), word(16), st.integers(-16, 15))
def test_sdp_lut_interpolate_past_an_end(x, y0, offset, bias, scale, shift):
    rise = clip(half_away((x - bias - offset) * scale / Fraction(2) ** shift), *INT32)
    assert sdp_lut_interpolate(x, y0, 99, 99, 1, offset, bias, scale, shift) == clip(y0 + rise, *INT32)


@given(STARTED, st.integers(0, 26))
def test_a_table_of_a_line_is_the_line(started, select):
    """Entries that count up, looked up and interpolated, give the distance in steps, half away."""
    start, x = started
    index, fraction, underflow, overflow = sdp_lut_linear(x, start, select, 257)
    if not underflow and not overflow:
        found = sdp_lut_interpolate(x, index, index + 1, fraction, 0, 0, 0, 0, 0)
        assert found == half_away(Fraction(x - start, 2**select))


@pytest.mark.parametrize("offset", range(-128, 128))
def test_sdp_lut_bias(offset):
    """2**offset in a 32-bit register."""
    assert sdp_lut_bias(LutFunction.LINEAR, offset) == 0
    assert sdp_lut_bias(LutFunction.EXPONENT, offset) == (2**offset % 2**32 if offset >= 0 else 0)


@given(word(32), word(32), word(16), SHIFTS, OUT_BITS)
def test_sdp_out_convert(x, offset, scale, truncate, bits):
    expected = clip(shifted((x - offset) * scale, truncate, 49, 17), *ends(bits))
    assert sdp_out_convert(x, offset, scale, truncate, bits) == expected


@given(word(32))
def test_sdp_out_equal(x):
    assert sdp_out_equal(x) == signed(x, 16)


@given(word(32), word(32), word(16), SHIFTS, FLAGS)
def test_sdp_out_overflows(x, offset, scale, truncate, equal):
    product = (x - offset) * scale
    master = overflows(product, truncate, 49, 17) and not equal
    assert sdp_out_overflows(x, offset, scale, truncate, equal, Generation.MASTER) == master
    floor = math.floor(Fraction(product, 2**truncate))
    v1 = abs(floor - shifted(product, truncate, 49, 17)) > 1
    assert sdp_out_overflows(x, offset, scale, truncate, equal, Generation.V1) == v1


def test_the_generations_count_differently():
    """One below the 17-bit minimum saturates by 1, which V1 takes for a rounding; EQL mode counts in V1 only."""
    assert sdp_out_overflows(-(2**16) - 1, 0, 1, 0, False, Generation.MASTER) == 1
    assert sdp_out_overflows(-(2**16) - 1, 0, 1, 0, False, Generation.V1) == 0
    assert sdp_out_overflows(2**20, 0, 1, 0, True, Generation.MASTER) == 0
    assert sdp_out_overflows(2**20, 0, 1, 0, True, Generation.V1) == 1


def test_the_counter_does_not_see_the_eight_bits():
    assert sdp_out_convert(30_000, 0, 1, 0) == 127
    assert sdp_out_overflows(30_000, 0, 1, 0, False, Generation.MASTER) == 0

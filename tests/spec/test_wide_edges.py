"""16-bit activations at limits and ties: tables of any function, left shifts, sums of every width."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from int8sim.spec import wide

from .exact import clip, half_away, half_up, multiply_by_quantized_multiplier

HALF = Fraction(1, 2)
CLOSE = Fraction(1, 2**25)
LOW, HIGH = -(2**15), 2**15 - 1
LEGAL = 2**30  # a multiplier of one half
STEEP = [LOW if i % 2 == 0 else HIGH for i in range(513)]  # one place on is 512 more or less


def test_reduced_multiplier_at_every_tie():
    """The upper 16 bits and the bit below them, as big ints; from 0x7FFE8000 on the greatest 15-bit number."""
    for upper in (0, 1, 2**14 - 1, 2**14, 0x7FFD, 0x7FFE, 0x7FFF):
        for lower in (0, 1, 2**15 - 1, 2**15, 2**15 + 1, 2**16 - 1):
            value = upper * 2**16 + lower
            assert wide.reduced_multiplier(value) == min(half_up(Fraction(value, 2**16)), HIGH)


@pytest.mark.parametrize("shift", [-7, -1, 0, 1, 17, 31])
def test_scale_of_48_bits(shift):
    """At both ends of each operand, and at the ties that shift and multiplier have."""
    tie = 1 << max(14 + shift, 0)
    for acc in (-(2**47), 1 - 2**47, -tie, -1, 0, 1, tie, 2**47 - 1):
        for multiplier in (0, 1, 3, 2**14, 2**15 - 1):
            exact = half_up(Fraction(acc * multiplier) / Fraction(2) ** (15 + shift))
            assert wide.scale_wide(acc, multiplier, shift) == exact
            for zero in (LOW, -1, HIGH):
                assert wide.output_wide(acc, multiplier, shift, zero, LOW, HIGH) == clip(exact + zero, LOW, HIGH)


@pytest.mark.parametrize("shifts", [(-1, 2, 0), (2, -1, -1), (-1, -1, 16), (-5, -4, 13), (0, 31, -3)])
def test_add_with_left_shifts(shifts):
    """A left shift is the operand's, never the multiplier's."""
    a_shift, b_shift, shift = shifts
    for a, b in ((1, 0), (0, -1), (3, 5), (-700, 900), (1023, -1024)):
        left = multiply_by_quantized_multiplier(a * 2**15, 0x40000001, a_shift)
        right = multiply_by_quantized_multiplier(b * 2**15, 0x66666666, b_shift)
        expected = clip(multiply_by_quantized_multiplier(left + right, 0x7FFFFFFF, shift), LOW, HIGH)
        arguments = a, b, 0x40000001, a_shift, 0x66666666, b_shift, 0x7FFFFFFF, shift
        assert wide.add_double_16_is_defined(*arguments)
        assert wide.add_double_16(*arguments, LOW, HIGH) == expected


def test_add_written_out():
    """Each operand << 15 and halved, the sum halved, 13 bits back: a + b; shifted left by 1 an operand counts twice."""
    assert wide.add_double_16(5, -1, LEGAL, 0, LEGAL, 0, LEGAL, 13, LOW, HIGH) == 4
    assert wide.add_double_16(5, -1, LEGAL, -1, LEGAL, 0, LEGAL, 13, LOW, HIGH) == 9
    assert wide.add_double_16(5, -1, LEGAL, 0, LEGAL, -1, LEGAL, 13, LOW, HIGH) == 3
    assert wide.add_double_16(1, 1, LEGAL, 15, LEGAL, 15, LEGAL, -3, LOW, HIGH) == 8  # halves become 1: 2 * 8 / 2
    assert wide.add_double_16(LOW, LOW, LEGAL, 0, LEGAL, 0, LEGAL, 13, LOW, HIGH) == LOW
    assert wide.add_double_16(HIGH, HIGH, LEGAL, 0, LEGAL, 0, LEGAL, 13, LOW, HIGH) == HIGH


def test_the_sum_that_is_defined_is_of_operands_shifted_left():
    """4096 << 15 << 3, halved, is 2**29: left by 1 it is 2**30, by 2 too much."""
    for shift, defined in ((-1, True), (-2, False)):
        assert wide.add_double_16_is_defined(4096, 0, LEGAL, -3, LEGAL, 0, LEGAL, shift) is defined
        assert wide.add_double_16_is_defined(0, 4096, LEGAL, 0, LEGAL, -3, LEGAL, shift) is defined


def looked_up(place, table):
    """The value at a place -2**15 .. 2**15 - 1 between two of the table's, 128 places apart, half up."""
    index, part = divmod(place + 2**15, 128)
    return table[index] + half_up(Fraction((table[index + 1] - table[index]) * part, 128))


def test_look_up_at_both_ends_of_an_interval():
    for index in (0, 1, 255, 256, 510, 511):
        for part in (0, 1, 63, 64, 65, 127):
            place = index * 128 + part - 2**15
            assert wide.look_up_16(place, STEEP) == looked_up(place, STEEP)


@pytest.mark.parametrize(
    ("difference", "multiplier", "shift", "expected"),
    [
        (0, LEGAL, 0, 16384),  # the place 32767
        (-32767, LEGAL, -1, 0),
        (-65535, LEGAL, -1, -16384),  # the place -32768
        (-65536, LEGAL, -1, -16384),  # one below
        (-65535, 3 * 2**29, -1, -16384),  # -98302 + 32767
        (-65536, 2**31 - 1, -2, -16384),
        (-65536, LEGAL, -15, -16384),  # -2**30 + 32767
    ],
)
def test_an_exponential_below_its_table_is_the_first(difference, multiplier, shift, expected):
    """In a table that rises by one half a place."""
    assert wide.exponential_16_is_defined(difference, multiplier, shift)
    rising = [64 * i - 2**14 for i in range(513)]
    assert wide.exponential_16(difference, multiplier, shift, rising) == expected


def test_a_sum_is_normalized_half_up():
    """2**17 + 1 is a tie, up to the second place; of 19 bits, 1 is below the tie and 2 the tie."""
    found = {total: wide.quotient_16(HIGH, total, [0] + [HIGH] * 512, LOW, HIGH) for total in (2**17 + 1, 2**18 + 1)}
    assert found == {2**17 + 1: half_up(Fraction(HIGH * 256, 2**17)), 2**18 + 1: 0}
    assert wide.quotient_16(HIGH, 2**18 + 2, [0] + [HIGH] * 512, LOW, HIGH) == half_up(Fraction(HIGH * 256, 2**18))


@pytest.mark.parametrize("bits", [2, 3, 15, 16, 17, 18, 19, 24, 30, 31])
def test_quotients_of_sums_of_every_width(bits):
    """At both ends of an octave and beside its middle, with a table that goes up and down."""
    top = 2 ** (bits - 1)
    for total in {top, top + 1, top + top // 2 - 1, top + top // 2, 2 * top - 1}:
        place = half_up(Fraction(total * 2**17, 2 * top)) - 2**16 - 2**15
        reciprocal = looked_up(clip(place, LOW, HIGH), STEEP)
        for share in (0, 1, HIGH):
            expected = clip(half_up(Fraction(share * reciprocal, top)), LOW, HIGH)
            assert wide.quotient_16(share, total, STEEP, LOW, HIGH) == expected


def test_sum_is_exact_at_its_ends():
    assert wide.sum_16(2**31 - 1 - HIGH, HIGH) == 2**31 - 1
    assert wide.sum_16(0, 0) == 0
    assert wide.sum_16(7, LOW) == 7 - 2**15


def by_points(values):
    """A function over -3 .. 5 by 32768 times its values at the ends and middles of 512 intervals, 1 / 128 apart."""
    return {-3 + i / 128: float(Fraction(value) / 2**15) for i, value in enumerate(values)}.__getitem__


def table_of_points(values):
    """The table's definition: at each point, moved by half of what a straight line misses the middle by."""
    nearest = [half_away(Fraction(value)) for value in values]
    found = []
    for i in range(0, 1024, 2):
        line = half_away((values[i + 2] + Fraction(nearest[i])) / 2)
        found.append(nearest[i] - half_away(Fraction(line - nearest[i + 1], 2)))
    return [clip(value, LOW, HIGH) for value in [*found, nearest[1024]]]


@pytest.mark.parametrize("reach", [2, 300, 40000])
@pytest.mark.parametrize("seed", range(2))
def test_a_table_of_any_points(reach, seed):
    """At and just below ties of both signs, close to 0 and beyond 16 bits, without order."""
    draw = random.Random(seed)
    parts = [sign * (HALF - less) for sign in (1, -1) for less in (0, CLOSE, HALF, HALF / 2)]
    values = [draw.randint(-reach, reach) + draw.choice(parts) for _ in range(1025)]
    assert wide.table_16(by_points(values), -3.0, 5.0) == table_of_points(values)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, 0),
        (HALF - CLOSE, 0),
        (HALF, 1),
        (1 - CLOSE, 1),
        (CLOSE - HALF, 0),
        (-HALF, -1),
        (8191 + HALF, 8192),
        (8191 + HALF - CLOSE, 8191),
        (-8191 - HALF, -8192),
        (CLOSE - 8191 - HALF, -8191),
        (HIGH + HALF, HIGH),
        (LOW - HALF, LOW),
        (2**20, HIGH),
        (-(2**20), LOW),
    ],
)
def test_a_table_of_one_value(value, expected):
    """Half away, saturated."""
    assert wide.table_16(by_points([value] * 1025), -3.0, 5.0) == [expected] * 513


def test_a_table_of_a_straight_line():
    """x / 16 over -3 .. 5: from -6144 in steps of 32."""
    assert wide.table_16(lambda x: x / 16, -3.0, 5.0) == list(range(-6144, 10241, 32))


def test_a_table_of_middles_far_from_the_line():
    """512 at the points and -512 between: half the error is 2**24, which takes the point's own 2**24 away."""
    assert wide.table_16(by_points([2**24, -(2**24)] * 512 + [2**24]), -3.0, 5.0) == [0] * 512 + [HIGH]
    assert wide.table_16(by_points([-(2**24), 2**24] * 512 + [-(2**24)]), -3.0, 5.0) == [0] * 512 + [LOW]

"""The exact definitions, their breakpoints and their defined operands."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.proof import exact
from int8sim.proof.definitions import DEFINITIONS, Definition
from int8sim.proof.search import INT32, around_zero, changes
from int8sim.proof.staircase import staircase
from int8sim.spec.rounding import Rounding

ENDS = {"low": -128, "high": 127}
FIXED = {"multiplier": 1500000000, "zero_point": 3, **ENDS}
NVDLA = {"bias": -1000, "bias_shift": 4, "truncate": 22, **ENDS}
REQUANTIZE = "int8sim.spec.requantize:"
CASES = {
    "float_rne": (REQUANTIZE + "float_rne", {"multiplier": 0.0012345, "zero_point": -5, **ENDS}),
    "a negative multiplier": (REQUANTIZE + "float_rne", {"multiplier": -0.5, "zero_point": 0, **ENDS}),
    "quantize_sum": (REQUANTIZE + "quantize_sum", {"rescale": 0.0001, "bias": 0.3, "scale": 0.07, **ENDS}),
    "double": (REQUANTIZE + "output_double", {"shift": 9, **FIXED}),
    "double, left": (REQUANTIZE + "output_double", {"shift": -12, **FIXED}),
    "double, far left": (REQUANTIZE + "output_double", {"shift": -30, **FIXED}),
    "double_up, left": (REQUANTIZE + "output_double_up", {"shift": -1, **FIXED}),
    "single": (REQUANTIZE + "output_single", {"shift": 5, **FIXED}),
    "single, left": (REQUANTIZE + "output_single", {"shift": -5, **FIXED}),
    "real": (REQUANTIZE + "output_real", {"multiplier": 0.0123, "zero_point": 3, **ENDS}),
    "real, beyond": (REQUANTIZE + "output_real", {"multiplier": 1.5, "zero_point": -3, **ENDS}),
    "real, negative": (REQUANTIZE + "output_real", {"multiplier": -3e9, "zero_point": 7, **ENDS}),
    "tosa": ("int8sim.spec.tosa:output_double", {"shift": 40, **FIXED}),
    "tosa, small shift": ("int8sim.spec.tosa:output_single", {"shift": 20, **FIXED}),
    "nvdla": ("int8sim.spec.nvdla.layers:convolution_output", {"scale": 20000, **NVDLA}),
    "nvdla per filter": ("int8sim.spec.nvdla.layers:convolution_output_per_channel", {"operand": -9999, **NVDLA}),
    "nvdla converter": (
        "int8sim.spec.nvdla.sdp_out:sdp_out_convert",
        {"offset": 5, "scale": -300, "truncate": 60, "out_bits": 8},
    ),
    "cvt": ("int8sim.spec.cvt:float32_to_int8", {"rounding": 3, "signed": 1, "flush": 0}),
    "cvt up, flushed": ("int8sim.spec.cvt:float32_to_int8", {"rounding": 1, "signed": 0, "flush": 1}),
}


def define(case: str) -> Definition:
    name, parameters = CASES[case]
    return DEFINITIONS[name](**parameters)


@pytest.mark.parametrize("case", CASES)
def test_between_breakpoints_the_definition_is_constant(case):
    """3,000 random operands and all corners: the runs that bisection found are the definition."""
    definition = define(case)
    found = staircase(definition)
    first, last = definition.domain
    places = np.concatenate([np.random.default_rng(1).integers(first, last + 1, 3000), found.corners(first, last)])
    assert found.at(places).tolist() == [definition.code(place) for place in places.tolist()]


@pytest.mark.parametrize(
    ("case", "expected"),
    [
        ("double", (INT32,)),
        ("double, left", ((-(2**19), 2**19 - 1),)),
        ("double, far left", ((-2, 1),)),
        ("double_up, left", ((-(2**30), 2**30 - 1),)),
        ("real, negative", ((0, 0),)),
        ("tosa", (INT32,)),
        ("tosa, small shift", ((-(2**19), 2**19 - 1),)),
        ("nvdla", (INT32,)),
        ("cvt", ((0, 0x7F800000), (0x80000000, 0xFF800000))),
    ],
)
def test_where_the_hardware_defines_the_result(case, expected):
    assert define(case).defined == expected


def test_single_is_defined_where_its_result_fits():
    definition = define("single, left")
    ((first, last),) = definition.defined
    whole = [exact.half_up(Fraction(acc * 1500000000, 2**26)) for acc in (first - 1, first, last, last + 1)]
    assert [INT32[0] <= value <= INT32[1] for value in whole] == [False, True, True, False]


def test_an_illegal_multiplier_defines_nothing():
    assert DEFINITIONS[REQUANTIZE + "output_double"](multiplier=5, shift=0, zero_point=0, **ENDS).defined == ()
    assert DEFINITIONS[REQUANTIZE + "output_double"](multiplier=0, shift=0, zero_point=0, **ENDS).defined == (INT32,)


def test_a_left_shift_repeats_its_runs():
    found = staircase(define("double, left"))
    assert found.periods == 2**12
    assert found.undefined(*INT32) == 2**32 - 2**20
    assert list(found.segments(-(2**19) - 2, -(2**19) + 2)) == [
        (-(2**19) - 2, -(2**19) - 1, False),
        (-(2**19), -(2**19) + 2, True),
    ]
    few = found.at(np.arange(-(2**31), -(2**31) + 3 * 2**20))
    assert (
        found.periods * int((np.diff(few[: 2**20]) != 0).sum())
        + (found.periods - 1) * int(few[2**20] != few[2**20 - 1])
        == found.breakpoints
    )


@given(st.fractions(-1000, 1000) | st.integers(-2000, 2000).map(lambda n: Fraction(n, 2)))
def test_roundings_are_nearest(value):
    for number, rounding in exact.ROUNDINGS.items():
        found = rounding(value)
        assert abs(found - value) < 1
        if Rounding(number).name.startswith("HALF"):
            assert abs(found - value) <= Fraction(1, 2)


def test_roundings_at_ties_and_between():
    ties = [Fraction(n, 2) for n in (-3, -1, 1, 3)]
    expected = {
        Rounding.FLOOR: [-2, -1, 0, 1],
        Rounding.CEIL: [-1, 0, 1, 2],
        Rounding.TOWARD_ZERO: [-1, 0, 0, 1],
        Rounding.HALF_EVEN: [-2, 0, 0, 2],
        Rounding.HALF_AWAY: [-2, -1, 1, 2],
        Rounding.HALF_UP: [-1, 0, 1, 2],
        Rounding.HALF_TOWARD_ZERO: [-1, 0, 0, 1],
    }
    assert {number: [each(tie) for tie in ties] for number, each in exact.ROUNDINGS.items()} == expected


@given(st.integers(-(2**64), 2**64), st.integers(0, 80))
def test_nearest_floats_are_numpys(numerator, shift):
    value = Fraction(numerator, 2**shift)
    assert exact.nearest(value, exact.FLOAT64) == float(value)
    if abs(numerator) < 2**53:
        assert exact.nearest(value) == float(np.float32(float(value)))


def test_nearest_floats_at_the_ends():
    assert exact.nearest(Fraction(2) ** 128) == math.inf
    assert exact.nearest(-(Fraction(2) ** 128)) == -math.inf
    assert exact.nearest(Fraction(2) ** 128 - 2**103) == math.inf  # a tie between the greatest and infinity
    assert exact.nearest(Fraction(2) ** 128 - 2**103 - 1) == float(np.finfo(np.float32).max)
    assert exact.nearest(Fraction(1, 2**149)) == 2.0**-149
    assert exact.nearest(Fraction(1, 2**150)) == 0.0
    assert exact.nearest(Fraction(3, 2**150)) == 2.0**-148
    assert exact.product(math.inf, -2.0) == -math.inf
    assert exact.quotient(-math.inf, 3.0) == exact.total(-math.inf, 1.0) == -math.inf


def test_changes_of_a_staircase_both_ways():
    assert list(changes(lambda n: n // 10, -25, 25)) == [-20, -10, 0, 10, 20]
    assert list(changes(lambda n: -n // 10, -5, 15)) == [1, 11]
    assert list(changes(lambda n: 7, *INT32)) == []


def test_around_zero():
    assert around_zero(lambda n: -3 <= n < 10**6) == ((-3, 10**6 - 1),)
    assert around_zero(lambda n: True) == (INT32,)
    assert around_zero(lambda n: n > 0) == ()

"""Proofs on parts of the range, of every scheme; and converters with one rounding changed, which must fail."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

import int8sim
from int8sim.kernels import compile as compiling
from int8sim.model.errors import ConverterError, ParameterError, UnknownNameError
from int8sim.model.step import Step
from int8sim.profiles.registry import profiles
from int8sim.proof import kernels, sweep
from int8sim.proof.converters import conversion_step, output_kinds, output_step
from int8sim.spec import litert, tosa
from int8sim.spec.float32 import half_even
from int8sim.spec.nvdla import convolution_output, convolution_output_per_channel, sdp_out_convert
from int8sim.spec.requantize import (
    float_rne,
    output_double,
    output_double_up,
    output_real,
    output_single,
    quantize_sum,
)

from . import wrong

DOUBLE = "int8sim.spec.requantize:output_double"
PART = -(1 << 18), (1 << 18) - 1
FEW = -9999, 9999
ENDS = {"low": -128, "high": 127}
FIXED = {"multiplier": np.array([1500000000]), "shift": np.array([8]), "zero_point": 3, **ENDS}
REST = {"zero_point": 3, **ENDS}
LEFT = {**FIXED, "shift": np.array([-14])}
STEPS = {
    "float_rne": Step(float_rne, {"multiplier": np.array([0.00123], np.float32), "zero_point": 3, **ENDS}),
    "float_rne, uint8": Step(
        float_rne, {"multiplier": np.array([0.00123], np.float32), "zero_point": 3, "low": 0, "high": 255}
    ),
    "quantize_sum": Step(
        quantize_sum,
        {
            "rescale": np.array([1e-4], np.float32),
            "bias": np.array([0.5], np.float32),
            "scale": np.float32(0.07),
            **ENDS,
        },
    ),
    "double": Step(output_double, FIXED),
    "double, scalars": Step(output_double, {**FIXED, "multiplier": 1500000000, "shift": 8}),
    "double, left": Step(output_double, LEFT),
    "double_up": Step(output_double_up, FIXED),
    "double_up, left": Step(output_double_up, LEFT),
    "single": Step(output_single, FIXED),
    "single, left": Step(output_single, LEFT),
    "real": Step(output_real, {"multiplier": np.array([0.00123]), "zero_point": 3, **ENDS}),
    "real, beyond int32": Step(output_real, {"multiplier": np.array([12345.6]), "zero_point": -3, **ENDS}),
    "nvdla": Step(
        convolution_output, {"bias": np.array([-99]), "bias_shift": 3, "scale": 20000, "truncate": 24, **ENDS}
    ),
    "nvdla per filter": Step(
        convolution_output_per_channel,
        {"bias": np.array([-99]), "bias_shift": 3, "operand": np.array([-20000]), "truncate": 24, **ENDS},
    ),
    "nvdla converter": Step(sdp_out_convert, {"offset": 7, "scale": 300, "truncate": 14, "out_bits": 8}),
    "lanes, vector": Step(litert.output_lanes, {"multiplier": 1500000000, "shift": 6, "vector": 1, **REST}),
    "lanes, scalar": Step(litert.output_lanes, {"multiplier": 1500000000, "shift": 6, "vector": 0, **REST}),
    "tosa": Step(tosa.output_double, {**FIXED, "shift": np.array([39])}),
    "tosa, one rounding": Step(tosa.output_single, {**FIXED, "shift": np.array([39])}),
    "tosa, small shift": Step(tosa.output_double, {**FIXED, "shift": np.array([18])}),
    "16 bits": Step(
        output_double, {**FIXED, "multiplier": np.array([1 << 30]), "shift": np.array([3]), "low": -999, "high": 999}
    ),
}


@pytest.mark.parametrize("name", STEPS)
def test_every_scheme_on_a_part(name, compared):
    report = int8sim.prove(STEPS[name], only=PART, points=4000)
    assert report.matched, report.counterexamples
    assert not report.whole
    assert not report  # a part is no proof
    assert report.compared + report.undefined == 1 << 19
    assert report.rule == "exact rational arithmetic"
    compared(report.compared)


@pytest.mark.parametrize("only", [(-(1 << 31), -(1 << 31) + 70_001), ((1 << 31) - 70_001, (1 << 31) - 1)])
@pytest.mark.parametrize("name", ["float_rne", "double", "double, left", "single", "real", "nvdla"])
def test_the_ends_of_the_accumulator(name, only):
    report = int8sim.prove(STEPS[name], only=only, points=1000)
    assert report.matched, report.counterexamples
    assert (report.first, report.last) == only


@pytest.mark.parametrize(("profile", "kind"), [(p, k) for p in profiles() for k in output_kinds(profiles()[p])])
def test_every_profile_on_a_part(profile, kind, compared):
    report = int8sim.prove(profile, x_scale=0.02, w_scale=0.005, y_scale=0.07, kind=kind, only=PART, points=4000)
    assert report.matched, report.counterexamples
    compared(report.compared)


def test_undefined_accumulators_are_counted_and_not_equal():
    """Left by 14: 2**18 accumulators are defined, the others wrap."""
    report = int8sim.prove(STEPS["double, left"], only=PART, points=1000)
    assert (report.compared, report.undefined) == (1 << 18, 1 << 18)
    assert (report.different, report.unpredicted) == (0, 0)


def test_a_mismatch_where_the_hardware_defines_nothing_is_told_apart():
    step = Step(wrong.saturating_left_shift, LEFT)
    report = int8sim.prove(step, judge=DOUBLE, only=PART, points=1000)
    assert report.different == 0
    assert report.unpredicted > 0
    assert not report.counterexamples[0].is_defined
    assert "undefined by the hardware" in str(report.counterexamples[0])
    assert not report.matched


@pytest.mark.parametrize(
    ("function", "judge", "parameters"),
    [
        (wrong.half_up_in_the_shift, DOUBLE, {**FIXED, "shift": np.array([4])}),
        (wrong.floor_in_the_product, DOUBLE, FIXED),
        (output_double_up, DOUBLE, {**FIXED, "shift": np.array([4])}),
        (output_single, DOUBLE, FIXED),
        (
            wrong.nearest_away,
            "int8sim.spec.requantize:float_rne",
            {"multiplier": np.float32(0.125), "zero_point": 1, **ENDS},
        ),
    ],
)
def test_one_rounding_changed_fails_and_the_first_accumulator_is_named(function, judge, parameters):
    """The first mismatch is found once more here, by the two definitions themselves."""
    step, right = Step(function, parameters), {DOUBLE: output_double}.get(judge, float_rne)
    report = int8sim.prove(step, judge=judge, only=FEW, points=1000)
    assert not report.matched
    good = Step(right, parameters)
    first = next(acc for acc in range(FEW[0], FEW[1] + 1) if step(acc) != good(acc))
    named = report.counterexamples[0]
    assert (named.operand, named.exact, named.interpreted) == (first, good(first), step(first))
    assert named.interpreted == named.compiled
    assert [each.operand for each in report.counterexamples] == sorted(each.operand for each in report.counterexamples)


def test_every_difference_is_counted():
    step = Step(output_double_up, {**FIXED, "shift": np.array([4])})
    report = int8sim.prove(step, judge=DOUBLE, only=(-5000, 5000), points=0)
    good = Step(output_double, step.parameters)
    assert report.different == sum(step(acc) != good(acc) for acc in range(-5000, 5001)) > 0


def test_a_wrong_loop_fails(monkeypatch):
    monkeypatch.setattr(kernels, "requantize", wrong.off_by_one_requantize)
    report = int8sim.prove(STEPS["double"], only=PART, points=1000)
    assert report.different == 1
    (named,) = report.counterexamples
    assert named.operand == 777
    assert named.exact == named.interpreted == named.compiled - 1


def test_a_wrong_compiled_primitive_fails(monkeypatch):
    """The interpreted half_even is right, its twin in the kernel is not."""
    monkeypatch.setattr(wrong.half_away._defn, "__module__", wrong.__name__)
    monkeypatch.setitem(compiling.TWINS, half_even, (wrong.__name__, "half_away"))
    compiling._build.cache_clear()
    step = Step(float_rne, {"multiplier": np.float32(0.5), "zero_point": 0, **ENDS})
    report = int8sim.prove(step, only=(-1000, 1000), points=1000)
    compiling._build.cache_clear()
    assert report.different == 128  # the ties next to even codes, -126.5 .. 126.5
    assert all(each.exact == each.interpreted != each.compiled for each in report.counterexamples)


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("to", ["s8", "u8"])
@pytest.mark.parametrize("rounding", ["rni", "rzi", "rmi", "rpi"])
def test_conversions_on_parts(rounding, to, flush, compared):
    """Subnormals and their end, 0.5 .. 1, 128, the infinities with NaNs around them, of both signs."""
    step = conversion_step(to, rounding, flush=flush)
    for sign in (0, 1 << 31):
        for middle in (0x00800000, 0x3F000000, 0x42FF0000, 0x43000000, 0x7F800000):
            middle |= sign
            report = int8sim.prove(step, only=(middle - 5000, middle + 5000), points=100)
            assert report.matched, report.counterexamples
            assert report.undefined == (5000 if middle & 0x7F800000 == 0x7F800000 else 0)
            compared(report.compared)


def test_a_wrong_rounding_of_a_conversion_fails(monkeypatch):
    step = conversion_step("s8", "rni")
    modes = dict(step.parameters)
    judge = "int8sim.spec.cvt:float32_to_int8"
    monkeypatch.setattr(kernels, "_specialised", lambda function, _: _away(function))
    report = int8sim.prove(step, judge=judge, only=(0x3F000000, 0x3F100000), points=0)
    assert modes["rounding"] == 3
    assert [each.operand for each in report.counterexamples] == [0x3F000000]  # 0.5
    assert (report.different, report.counterexamples[0].compiled, report.counterexamples[0].exact) == (1, 1, 0)


def _away(function):
    return kernels.FunctionType(function.__code__, function.__globals__, function.__name__, (4, 1, 0))


def test_a_users_function_is_bisected_and_says_so():
    report = int8sim.prove(Step(wrong.ramp, {"shift": 6}), only=PART, points=1000)
    assert report.matched
    assert "bisection of the interpreted function" in report.rule
    assert "monotone" in report.rule
    assert report.breakpoints == 255
    assert report.undefined == (1 << 18) - 999


def test_a_function_that_is_not_monotone_is_not_proved():
    report = int8sim.prove(Step(wrong.sawtooth, {"shift": 6}), only=PART, points=1000)
    assert not report.matched
    named = report.counterexamples[0]
    assert named.interpreted == named.compiled != named.exact


def test_an_operand_of_a_narrow_word_has_a_narrow_domain():
    report = int8sim.prove(Step(wrong.narrow, {}), points=1000)
    assert report
    assert (report.first, report.last, report.dtype) == (0, 65535, "uint8")


def test_the_hash_is_of_the_codes(monkeypatch):
    monkeypatch.setattr(sweep, "PART", 1 << 10)
    monkeypatch.setattr(sweep, "BLOCK", 1 << 8)
    step, ends = STEPS["double"], (-2000, 1999)
    report = int8sim.prove(step, only=ends, points=0)
    codes = np.array([step(acc) for acc in range(ends[0], ends[1] + 1)], np.int8)
    parts = [hashlib.sha256(codes[start : start + 1024].tobytes()).digest() for start in range(0, 4000, 1024)]
    assert report.sha256 == hashlib.sha256(b"".join(parts)).hexdigest()


def test_all_channels_or_one():
    step = Step(output_double, {**FIXED, "multiplier": np.array([1 << 30, 1500000000]), "shift": np.array([5, 8])})
    first, second = (int8sim.prove(step, channel=channel, only=PART, points=0) for channel in (0, 1))
    assert first.matched
    assert first.parameters["multiplier"] == 1 << 30
    assert second.sha256 == int8sim.prove(STEPS["double"], only=PART, points=0).sha256 != first.sha256


def test_the_report_is_frozen_and_tells_everything():
    report = int8sim.prove("tflite_reference", x_scale=0.02, w_scale=0.005, y_scale=0.07, zero_point=3, only=FEW)
    assert isinstance(report, int8sim.Proof)
    with pytest.raises(AttributeError, match="cannot assign"):
        report.compared = 0
    content = report.as_dict()
    assert content["function"] == DOUBLE
    assert content["parameters"] == {"multiplier": 1570730820, "shift": 9, "zero_point": 3, **ENDS}
    assert (content["proved"], content["matched"]) == (False, True)


@pytest.mark.parametrize(
    ("step", "choices", "error", "message"),
    [
        (Step(output_double, {**FIXED, "shift": 40}), {}, ParameterError, "shift is 40; allowed: -32 .. 31"),
        (Step(output_single, {**FIXED, "shift": -32}), {}, ConverterError, "negative shift count"),
        (Step(output_double, {"shift": 1}), {}, ConverterError, "after acc it takes multiplier, shift"),
        (Step(output_double, {**FIXED, "low": 5, "high": 4}), {}, ParameterError, "low is 5"),
        (Step(float_rne, {"multiplier": np.float32("nan"), "zero_point": 0, **ENDS}), {}, ParameterError, "multiplier"),
        (Step(wrong.failing, {"divisor": 0}), {}, ConverterError, "it fails at 0 with ZeroDivisionError"),
        (Step(wrong.too_wide, {}), {}, ConverterError, r"its codes lie in -2147483648 .. 2147483647"),
        (STEPS["double"], {"dtype": "uint8"}, ConverterError, r"its codes lie in -128 .. 127"),
        (STEPS["double"], {"dtype": "int4"}, UnknownNameError, "unknown dtype 'int4'"),
        (STEPS["double"], {"judge": "int8sim.spec:none"}, UnknownNameError, "unknown exact definition"),
        (STEPS["float_rne"], {"judge": DOUBLE}, ConverterError, "output_double is not defined for"),
        (STEPS["double"], {"only": (5, 4)}, ParameterError, "only is '5:4'"),
        (STEPS["double"], {"only": (0, 1 << 31)}, ParameterError, "within -2147483648"),
    ],
)
def test_bad_input(step, choices, error, message):
    with pytest.raises(error, match=message):
        int8sim.prove(step, **choices)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["double", "float_rne"])
def test_all_accumulators(name, compared):
    report = int8sim.prove(STEPS[name])
    assert report, report.counterexamples
    assert (report.compared, report.undefined) == (1 << 32, 0)
    assert report.points > 1_000_000
    compared(report.compared)


@pytest.mark.slow
def test_all_float32_patterns(compared):
    report = int8sim.prove(conversion_step("s8", "rni"))
    assert report, report.counterexamples
    assert report.undefined == 2 * (2**23 - 1)
    compared(report.compared)


def test_scales_make_the_step_that_lowering_makes():
    step = output_step("onnxruntime", x_scale=0.02, w_scale=0.005, y_scale=0.07, zero_point=9, dtype="uint8")
    product = np.float32(np.float32(0.02) * np.float32(0.005))
    assert step.parameters["multiplier"].tolist() == [np.float32(product / np.float32(0.07))]
    assert (step.parameters["zero_point"], step.parameters["low"], step.parameters["high"]) == (9, 0, 255)

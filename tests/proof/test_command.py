"""`int8sim prove`: names, numbers, reports, exit status."""

from __future__ import annotations

import json
import sys

import pytest

from int8sim.cli import main
from int8sim.cli import prove as module
from int8sim.profiles.registry import profiles
from int8sim.proof.converters import conversion_step, known_functions
from int8sim.spec.requantize import output_double_up

DOUBLE = "int8sim.spec.requantize:output_double"
NUMBERS = ["multiplier=1500000000", "shift=0x8", "zero_point=3", "low=-128", "high=127"]
FEW = "--only=-3000:3000"


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `int8sim prove ARGUMENTS`; returns (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["int8sim", "prove", *arguments])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return run


def test_a_profile(command):
    status, out, err = command("tflite_reference", "--zero-point", "3", FEW)
    assert (status, err) == (0, "")
    assert "output_double(multiplier=1570730820, shift=9, zero_point=3, low=-128, high=127)" in out
    assert "breakpoints by exact rational arithmetic" in out
    assert "a part of the proof, -3000 .. 3000: nothing differs" in out


def test_a_function_and_a_conversion_as_json(command):
    status, out, _ = command(DOUBLE, *NUMBERS, "cvt", "--rounding", "rpi", "--to", "u8", "--only", "0:5000", "--json")
    content = json.loads(out)
    assert status == 0
    assert (content["proved"], content["matched"]) == (False, True)
    converter, conversion = content["converters"]
    assert converter["parameters"] == {
        "multiplier": 1500000000,
        "shift": 8,
        "zero_point": 3,
        "low": -128,
        "high": 127,
    }
    assert converter["compared"] == conversion["compared"] == 5001
    assert conversion["parameters"] == {"rounding": 1, "signed": 0, "flush": 0}
    assert len(conversion["sha256"]) == 64


def test_a_narrow_function_is_proved_whole(command):
    name = "int8sim.spec.nvdla.cdma:cdma_convert"
    status, out, _ = command(name, "offset=-7", "scale=200", "truncate=6")
    assert status == 0
    assert "out_bits=8" in out
    assert "bisection of the interpreted function: it must be monotone" in out
    assert "proved; 131,072 operands" in out


def test_reals_are_float32_or_the_functions_float64(command):
    name = "int8sim.spec.requantize:output_real"
    _, out, _ = command(name, "multiplier=0.01", "zero_point=0", "low=-128", "high=127", FEW)
    assert "multiplier=0.01," in out
    name = "int8sim.spec.requantize:float_rne"
    _, out, _ = command(name, "multiplier=0.01", "zero_point=0", "low=-128", "high=127", FEW)
    assert "multiplier=0.009999999776482582," in out


EVERY_KIND = {"int8sim.spec.requantize:float_rne", DOUBLE, "int8sim.spec.cvt:float32_to_int8"}


def test_all_is_every_converter_once(command, monkeypatch):
    asked, right, conversion = [], module.prove_step, conversion_step("s8", "rni", flush=False)

    def prove_step(step, *, dtype, channel, **given):
        asked.append((step.name, *step.at(channel)))
        return right(conversion, dtype="", channel=0, **given)

    monkeypatch.setattr(module, "prove_step", prove_step)
    assert command("all", "--zero-point", "3", "--only", "0:9")[0] == 0
    assert {name for name, *_ in asked} >= EVERY_KIND
    assert len(set(asked)) == len(asked)


@pytest.mark.slow
def test_all_converters(command):
    status, out, _ = command("all", "--zero-point", "3", "--only", "0:3000", "--json")
    assert status == 0
    content = json.loads(out)["converters"]
    assert {each["function"] for each in content} >= EVERY_KIND
    assert len({(each["function"], *each["parameters"].values()) for each in content}) == len(content)
    assert all(each["matched"] for each in content)
    own = [each for each in content if each["function"].startswith("int8sim.spec.")]
    assert {each["rule"] for each in own} == {"exact rational arithmetic"}


def test_a_mismatch_gives_status_1_and_names_the_first_accumulator(command, monkeypatch):
    right = module.prove_step
    monkeypatch.setattr(module, "prove_step", lambda step, **given: right(step, judge=DOUBLE, **given))
    wrong = f"{output_double_up.__module__}:output_double_up"
    status, out, _ = command(wrong, "multiplier=1073741824", "shift=1", *NUMBERS[2:], FEW)
    assert status == 1
    assert "not proved" in out
    first = next(acc for acc in range(-3000, 3001) if _double(acc) != _double_up(acc))
    assert f"at {first}: exact {_double(first)}, interpreted {_double_up(first)}, compiled {_double_up(first)}" in out


def _double(acc):
    return known_functions()[DOUBLE](acc, 1 << 30, 1, 3, -128, 127)


def _double_up(acc):
    return output_double_up(acc, 1 << 30, 1, 3, -128, 127)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tensorflow"], "unknown converter 'tensorflow'; known: all, cmsis_nn, cvt"),
        (["int8sim.spec.requantize:nothing"], "unknown converter 'int8sim.spec.requantize:nothing'"),
        (["os:system"], "unknown converter 'os:system'"),
        ([DOUBLE, "multiplier=3"], "missing: shift, zero_point, low, high; unknown: none"),
        ([DOUBLE, *NUMBERS, "shfit=3"], "unknown: shfit"),
        ([DOUBLE, *NUMBERS, "shift=40"], "shift is 40; allowed: -32 .. 31"),
        ([DOUBLE, *NUMBERS, "shift=a"], "shift is 'a'; allowed: an integer"),
        (["shift=3"], "parameter is 'shift=3'; allowed: name=value behind a function"),
        (["tflite_reference", "--x-scale", "nan"], "tensor 'x': scale nan is not usable"),
        (["tflite_reference", "--w-scale", "1e60"], "tensor 'w': scale inf is not usable"),
        (["tflite_reference", "--y-scale", "-1"], "tensor 'y': scale -1.0 is not usable"),
        (["tflite_reference", "--zero-point", "200"], "zero_point is 200; allowed: -128 .. 127"),
        (["tensorrt", "--zero-point", "3"], "zero_point is 3; allowed: 0: codes of tensorrt are symmetric"),
        (["tflite_reference", "--kind", "softmax"], "unknown kind of tflite_reference, int8 'softmax'"),
        (["tflite_reference", "--dtype", "int4"], "unknown dtype 'int4'"),
        (["tflite_reference", "--bias", "1.5"], "bias is 1.5; allowed: none"),
        (["tensorrt", "--bias", "nan"], "bias is nan; allowed: a finite float32"),
        (["tflite_reference", "--low", "5", "--high", "4"], "low, high is (5, 4)"),
        (["nvdla", "--x-scale", "1e9", "--y-scale", "1e-9"], "input scale times weight scale over output scale"),
        (["cvt", "--to", "s4"], "unknown type of cvt 's4'; known: s8, u8"),
        (["cvt", "--rounding", "rn"], "unknown rounding of cvt 'rn'"),
        (["cvt", "--only=1"], "only is '1'; allowed: FIRST:LAST"),
        (["cvt", "--only=-1:5"], "only is '-1:5'; allowed: first:last, ascending, within 0 .. 4294967295"),
    ],
)
def test_bad_input(command, arguments, message):
    status, out, err = command(*arguments)
    assert status == 2
    assert message in err
    assert "Traceback" not in err
    assert out == ""


def test_every_profile_is_a_converter(command):
    status, out, _ = command(*profiles(), "--only", "0:999", "--json")
    assert status == 0
    assert len(json.loads(out)["converters"]) >= len(profiles())

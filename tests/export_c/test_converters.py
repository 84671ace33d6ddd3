"""Converters as C: called by a C program on a million accumulators, and through ctypes beside the specification."""

import ctypes
import json
import random
import re
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
from numba import types

import int8sim
from int8sim.cli import main
from int8sim.export_c.compiled import compiled
from int8sim.export_c.converter import Converter
from int8sim.export_c.export import export_converters, export_function, export_steps
from int8sim.export_c.named import converter
from int8sim.export_c.words import operands
from int8sim.model.errors import (
    CompileError,
    CompilerError,
    LibraryError,
    NumbaVersionError,
    ParameterError,
    UnknownNameError,
)
from int8sim.proof.case import prepare
from int8sim.spec.float32 import fma, half_even

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "export-c.md").read_text()
TFLITE = ROOT / "golden" / "lenet" / "tflite_reference.h5"
MILLION = 1_000_000
CTYPES = {
    (0, True): ctypes.c_double,
    **{
        (bits, signed): getattr(ctypes, f"c_{'' if signed else 'u'}int{bits}")
        for bits in (8, 16, 32, 64)
        for signed in (True, False)
    },
}
CALLER = """
#include <stdio.h>
#include "conv1.h"

int main(void) {
  int32_t acc;
  uint32_t channel;
  while (fread(&acc, 4, 1, stdin) && fread(&channel, 4, 1, stdin))
    putchar((unsigned char)conv1_conv1_output(acc, channel));
  return 0;
}
"""


def fused(x: float, y: float, z: float) -> float:
    return fma(x, y, z)


def nearest(x: float) -> int:
    return half_even(x)


def test_a_c_program_calls_a_layers_converter(tmp_path, cc, needs, compared):
    """Linked with the object alone; at a channel's exact breakpoints, their neighbours, and anywhere."""
    step = int8sim.load(TFLITE).producer("conv1").arithmetic["output"]
    export_steps(int8sim.load(TFLITE), tmp_path, layer="conv1", step="output", name="conv1")
    (tmp_path / "main.c").write_text(CALLER)
    cc("-I", tmp_path, tmp_path / "main.c", tmp_path / "conv1.o", "-o", tmp_path / "main")
    for channel in (0, 19):
        exact = prepare(step, "int8", channel, "").expected
        accumulators = _accumulators(exact, np.random.default_rng(channel))
        given = np.stack([accumulators, np.full_like(accumulators, channel)], 1).tobytes()
        found = subprocess.run([tmp_path / "main"], input=given, capture_output=True, check=True).stdout
        codes = np.frombuffer(found, np.int8)
        assert np.array_equal(codes, exact.at(accumulators.astype(np.int64)))
        compared(len(accumulators), MILLION // 2)
    assert needs(tmp_path / "libconv1.so") == set()


def _accumulators(staircase, rng):
    """Those at which the exact code steps, their neighbours, small ones and any."""
    starts = staircase.starts[:, None] + np.arange(-2, 3) + staircase.definition.domain[0]
    near, far = rng.integers(-200_000, 200_000, MILLION // 4), rng.integers(-(1 << 31), 1 << 31, MILLION // 4)
    return np.concatenate([starts.clip(-(1 << 31), (1 << 31) - 1).reshape(-1), near, far]).astype(np.int32)


EXPORTED = {
    "requantize.fixed_point": {"scheme": "double"},
    "nvdla.sdp_out_convert": {},
    "dp4a": {},
    "requantize:float_rne": {"low": "-128"},
    "float32.exp": {},
}


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("library")
    named = [converter(name, {**given}) for name, given in EXPORTED.items() if ":" not in name]
    named.append(converter("int8sim.spec.requantize:float_rne", {"low": "-128"}))
    named += [Converter(f.__name__, f, operands(f), "") for f in (fused, nearest)]
    written = export_converters(named, folder, "some")
    return {one.name: (one, proto) for one, proto in zip(named, written.prototypes, strict=True)}, written


def _called(written, prototype):
    function = ctypes.CDLL(str(written.files[-1]))[prototype.name]
    kinds = [CTYPES[operand.kind.bits, operand.kind.signed] for operand in prototype.operands]
    function.argtypes, function.restype = kinds, CTYPES[prototype.result.bits, prototype.result.signed]
    return function


def _value(operand, rng):
    """At an end, small, or anywhere in the operand's range; a real number by its bits."""
    if not operand.kind.bits:
        return struct.unpack("<f", struct.pack("<I", rng.randrange(0x30000000, 0x4A000000) | rng.choice([0, 1 << 31])))[
            0
        ]
    if operand.name == "out_bits":
        return rng.choice([8, 16])
    ends = [operand.low, operand.high, min(operand.high, 1), min(operand.high, rng.randrange(300))]
    return rng.choice([*ends, *[rng.randint(operand.low, operand.high)] * 4])


@pytest.mark.parametrize(
    "name",
    ["int8sim_double", "int8sim_sdp_out_convert", "int8sim_dp4a", "int8sim_float_rne", "int8sim_exp", "fused"],
)
def test_through_ctypes_as_the_specification(library, name, compared):
    known, written = library
    one, prototype = known[name]
    function, rng = _called(written, prototype), random.Random(name)
    for _ in range(4000):
        given = {operand.name: _value(operand, rng) for operand in prototype.operands}
        if name == "int8sim_float_rne":
            given["high"] = min(abs(given["high"]), 32767)
        arguments = [given.get(key, one.values[key]) for key in one.values]
        assert function(*given.values()) == one.function(*arguments), given
    compared(4000)


def test_ties_of_the_portable_primitives(library, compared):
    """Halves up to 2**23, from where there are none; and sums that binary64 would round twice."""
    known, written = library
    function = _called(written, known["nearest"][1])
    halves = [half / 2 for power in range(25) for half in range((1 << power) - 3, (1 << power) + 4)]
    values = [sign * value for value in [*halves, 0.49999997, 2.0**30, 8388607.0] for sign in (1, -1)]
    assert [function(value) for value in values] == [round(value) for value in values]
    fused_c, x, z = _called(written, known["fused"][1]), 1 + 2.0**-12, 2.0**-60
    twice = [(a * x, x, b * z) for a in (1, -1) for b in (1, -1)]
    assert [fused_c(*each) for each in twice] == [fma(*each) for each in twice]
    compared(len(values) + 4)


def test_needs_nothing_and_can_be_included(library, tmp_path, cc, needs):
    _, written = library
    assert needs(written.files[-1]) == set()
    (tmp_path / "twice.c").write_text('#include "some.h"\n#include "some.h"\n')
    cc("-I", written.files[1].parent, "-c", tmp_path / "twice.c", "-o", tmp_path / "twice.o")


def test_the_page_s_example(tmp_path, cc):
    (code,) = re.findall(r"```c\n(.*?)```", PAGE, re.DOTALL)
    export_function("nvdla.sdp_out_convert", tmp_path, {"out_bits": "8"}, name="sdp_out")
    (tmp_path / "example.c").write_text(code)
    cc("-I", tmp_path, tmp_path / "example.c", tmp_path / "sdp_out.o", "-o", tmp_path / "example")
    assert subprocess.run([tmp_path / "example"], capture_output=True, check=True).stdout == b"127\n"


def test_the_same_function_has_the_same_hash(library, tmp_path):
    first, again = (export_function("dp4a", tmp_path / place, {"b_signed": "0"}) for place in "ab")
    other = export_function("dp4a", tmp_path / "c", {"b_signed": "1"})
    assert first.sha256 == again.sha256 != other.sha256
    assert [path.read_bytes() for path in first.files[:3]] == [path.read_bytes() for path in again.files[:3]]
    assert first.sha256 in first.files[1].read_text()
    assert first.sha256 in first.files[2].read_text()


@pytest.mark.parametrize(
    ("name", "given", "error", "message"),
    [
        ("dp5a", {}, UnknownNameError, "unknown function 'dp5a'"),
        ("calibration.dp4a", {}, UnknownNameError, "dp4a:dp4a"),
        ("dp4a", {"d": "1"}, LibraryError, "it has no parameter d; it takes a, b, c"),
        ("dp4a", {"a": "x"}, ParameterError, "a is 'x'"),
        ("requantize.fixed_point", {}, ParameterError, "scheme is ''; allowed: one of double, double_up, single"),
        ("unpack4", {}, LibraryError, "a C function here returns one number"),
        ("pdp_total", {}, CompileError, "cannot be compiled"),
    ],
)
def test_what_cannot_be_exported_is_named(tmp_path, name, given, error, message):
    with pytest.raises(error, match=message):
        export_function(name, tmp_path, given)
    assert not list(tmp_path.iterdir())


def test_names_and_processors_that_are_none(tmp_path):
    with pytest.raises(ParameterError, match="no keyword of C"):
        export_function("dp4a", tmp_path, name="double")
    with pytest.raises(UnknownNameError, match="unknown processor '486'"):
        export_function("dp4a", tmp_path, cpu="486")
    with pytest.raises(UnknownNameError, match="unknown layer 'conv9'; known: conv1"):
        export_steps(int8sim.load(TFLITE), tmp_path, layer="conv9")
    with pytest.raises(UnknownNameError, match="unknown step 'combine'"):
        export_steps(int8sim.load(TFLITE), tmp_path, step="combine")
    with pytest.raises(LibraryError, match="lower it first"):
        export_steps(int8sim.load(ROOT / "golden" / "lenet" / "lenet.onnx"), tmp_path)


def test_another_numba_is_named(monkeypatch):
    monkeypatch.delattr("numba.core.dispatcher._DispatcherBase.inspect_llvm")
    with pytest.raises(NumbaVersionError, match=r"Numba [\d.]+ keeps its compiled code elsewhere .*one of 0\.61"):
        compiled(nearest, (types.float64,))


@pytest.mark.parametrize("compiler", ["no-such-compiler", "false"])
def test_without_a_compiler_the_object_is_written(tmp_path, monkeypatch, compiler):
    monkeypatch.setenv("CC", compiler)
    with pytest.raises(CompilerError, match=r"these files are: .*int8sim_dp4a\.o"):
        export_function("dp4a", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "int8sim_dp4a.h",
        "int8sim_dp4a.o",
        "int8sim_dp4a_pkg.sv",
    ]


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["int8sim", "export-c", "dp4a", "a_signed=0", "-o", str(tmp_path), "--json"])
    with pytest.raises(SystemExit) as done:
        main()
    assert done.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said["functions"]["int8sim_dp4a"]["arguments"]) == ["a", "b", "c", "b_signed"]
    assert sorted(said["files"]) == sorted(str(path) for path in tmp_path.iterdir())

"""Other programs' rules for reading a cache: line by line by their sources, and nvidia-modelopt itself where it is."""

import importlib.util
import json
import logging
import math
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats import tensorrt_cache
from int8sim.formats.readers import READERS, Entry, Stopped, onnxruntime_float
from int8sim.spec.float32 import float32, float32_bits, float32_from_bits

ONE = 1.0
SKIPPED, STOPS = "skipped", "stops"

LINES = {
    "a: 3f800000": dict.fromkeys(READERS, ("a", ONE)),
    "a: 3F800000": dict.fromkeys(READERS, ("a", ONE)),
    "a: 3f800000\r": dict.fromkeys(READERS, ("a", ONE)),
    "(Unnamed Layer* 4) [Fully Connected]_output: 3f800000": dict.fromkeys(
        READERS, ("(Unnamed Layer* 4) [Fully Connected]_output", ONE)
    ),
    "a/b:0: 3f800000": {
        "tensorrt": ("a/b:0", ONE),
        "onnxruntime": ("a/b", 2.0**-127),
        "nvdla": SKIPPED,
        "modelopt": ("a/b:0", ONE),
    },
    "a::b: 3f800000": {
        "tensorrt": ("a::b", ONE),
        "onnxruntime": ("a", 2.0**-127),
        "nvdla": SKIPPED,
        "modelopt": ("a::b", ONE),
    },
    "a:b1: 3f800000": {
        "tensorrt": ("a:b1", ONE),
        "onnxruntime": ("a", float32((1 + 0xB1 / 2**23) * 2.0**-127)),
        "nvdla": SKIPPED,
        "modelopt": ("a:b1", ONE),
    },
    "a: b: 3f800000": {
        "tensorrt": ("a: b", ONE),
        "onnxruntime": ("a", float32((1 + 0xB / 2**23) * 2.0**-127)),
        "nvdla": SKIPPED,
        "modelopt": STOPS,
    },
    "a: 0": {"tensorrt": ("a", 0.0), "onnxruntime": ("a", 2.0**-127), "nvdla": STOPS, "modelopt": STOPS},
    "a: 00000000": {
        "tensorrt": ("a", 0.0),
        "onnxruntime": ("a", 2.0**-127),
        "nvdla": ("a", 0.0),
        "modelopt": ("a", 0.0),
    },
    "a: 3f8000": {
        "tensorrt": ("a", float32_from_bits(0x3F8000)),
        "onnxruntime": ("a", onnxruntime_float(0x3F8000)),
        "nvdla": STOPS,
        "modelopt": STOPS,
    },
    "a: 7f800000": dict.fromkeys(READERS, ("a", math.inf)),
    "a: bf800000": {"tensorrt": STOPS, "onnxruntime": ("a", -ONE), "nvdla": ("a", -ONE), "modelopt": ("a", -ONE)},
    "a": {"tensorrt": SKIPPED, "onnxruntime": ("a", onnxruntime_float(0xA)), "nvdla": SKIPPED, "modelopt": STOPS},
    "": {"tensorrt": SKIPPED, "onnxruntime": ("", 2.0**-127), "nvdla": SKIPPED, "modelopt": STOPS},
    "a:": {"tensorrt": STOPS, "onnxruntime": ("a", 2.0**-127), "nvdla": STOPS, "modelopt": STOPS},
    "a: xyz": {"tensorrt": STOPS, "onnxruntime": ("a", 2.0**-127), "nvdla": STOPS, "modelopt": STOPS},
    "a:3f800000": {
        "tensorrt": ("a", float32_from_bits(0xF800000)),
        "onnxruntime": ("a", ONE),
        "nvdla": ("a", ONE),
        "modelopt": STOPS,
    },
    " a : 3f800000": {
        "tensorrt": (" a ", ONE),
        "onnxruntime": (" a ", ONE),
        "nvdla": ("a", ONE),
        "modelopt": (" a ", ONE),
    },
}


def outcome(rule, line):
    try:
        entry = rule(line)
    except Stopped:
        return STOPS
    return SKIPPED if entry is None else (entry.name, entry.scale)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("line", LINES)
def test_each_program_reads_a_line_its_way(line, reader):
    assert outcome(READERS[reader].row, line) == LINES[line][reader]


@pytest.mark.parametrize(
    ("header", "onnxruntime"),
    [
        ("TRT-8601-EntropyCalibration2", SKIPPED),
        ("1", STOPS),
        ("03ff00000000000003feffffde7210be9", STOPS),
        ("a: TRT-8601", STOPS),
    ],
)
def test_only_onnxruntime_wants_a_modern_header(header, onnxruntime):
    assert outcome(READERS["onnxruntime"].header, header) == onnxruntime
    assert outcome(READERS["modelopt"].header, header) == SKIPPED


@given(st.integers(0, 2**32 - 1))
def test_onnxruntimes_conversion_is_right_for_normal_numbers_only(bits):
    found = onnxruntime_float(bits)
    exponent, sign = bits >> 23 & 0xFF, -1.0 if bits >> 31 else 1.0
    if 0 < exponent < 255:
        assert float32_bits(found) == bits
    elif exponent == 255:
        assert found == sign * math.inf, "NaN too"
    else:
        assert found == float(np.float32(sign * (1 + (bits & 0x7FFFFF) / 2**23) * 2.0**-127))


NAMES = st.text(st.characters(codec="ascii", exclude_characters="\n\r:", exclude_categories=["Cc"]), min_size=1)


@given(NAMES.filter(lambda name: name == name.strip()), st.integers(0x10000000, 0x7F7FFFFF))
def test_an_ordinary_row_is_read_alike_by_all(name, bits):
    line = f"{name}: {bits:x}"
    for reader in READERS.values():
        assert reader.row(line) == Entry(name, float32_from_bits(bits)), reader.name


@pytest.mark.witness
def test_nvdlas_script_keeps_what_the_rule_keeps(oracle_folder, compared):
    """What calib_txt_to_json.py made of the sampleINT8 README table."""
    lines = (oracle_folder / "nvdla" / "readme_table.cache").read_text().splitlines()
    entries = [entry for line in lines if (entry := READERS["nvdla"].row(line))]
    written = json.loads((oracle_folder / "nvdla" / "readme_table_calib.json").read_text())
    assert {entry.name: entry.scale for entry in entries} == {name: row["scale"] for name, row in written.items()}
    compared(len(entries), least=8)


@pytest.mark.witness
def test_trtexecs_rule_reads_every_public_cache(oracle_folder, compared):
    count = 0
    for path in sorted((oracle_folder / "tensorrt" / "caches").iterdir()):
        lines = path.read_text().splitlines()
        assert outcome(READERS["tensorrt"].row, lines[0]) == SKIPPED
        entries = [READERS["tensorrt"].row(line) for line in lines[1:]]
        rows = {name: row.scale for name, row in tensorrt_cache.read(path).items()}
        assert {entry.name: entry.scale for entry in entries} == rows
        count += len(rows)
    compared(count, least=2000)


@pytest.fixture
def modelopt(monkeypatch):
    """nvidia-modelopt's own parser: its one file, without the packages that the rest of it needs."""
    found = importlib.util.find_spec("modelopt")
    if found is None:
        pytest.skip("nvidia-modelopt is not installed")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    path = Path(next(iter(found.submodule_search_locations))) / "onnx" / "quantization" / "calib_utils.py"
    stubs = {name: ModuleType(name) for name in ("modelopt", "modelopt.onnx", "modelopt.onnx.utils")}
    stubs["modelopt.onnx.logging_config"] = logging_stub = ModuleType("modelopt.onnx.logging_config")
    logging_stub.logger = logging.getLogger("modelopt.onnx")
    for name in ("gen_random_inputs", "get_input_names", "get_input_shapes", "parse_shapes_spec"):
        setattr(stubs["modelopt.onnx.utils"], name, None)
    for name, stub in stubs.items():
        monkeypatch.setitem(sys.modules, name, stub)
    spec = importlib.util.spec_from_file_location("modelopt_calib_utils", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.import_scales_from_calib_cache


@pytest.mark.engine
def test_modelopts_own_parser_agrees_line_by_line(modelopt, tmp_path, compared):
    path = tmp_path / "calibration.cache"
    for line in LINES:
        path.write_bytes(f"TRT-8601-EntropyCalibration2\n{line}\n".encode())
        expected = outcome(READERS["modelopt"].row, line)
        try:
            (found,) = modelopt(str(path)).items()
        except ValueError:
            assert expected == STOPS, line
        else:
            assert found == (f"{expected[0]}_scale", expected[1]), line
    compared(len(LINES), least=19)

"""Lint: each finding provoked, by line; clean files are clean; what real tables lose."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats.findings import ERROR, NOTE, WARNING
from int8sim.formats.lint import lint
from int8sim.formats.readers import READERS
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.errors import BadTableLineError, NotATableError, UnknownNameError
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op
from int8sim.spec.float32 import float32, float32_from_bits

HEADER = "TRT-8601-EntropyCalibration2"


@pytest.fixture
def cache(tmp_path):
    """Write a cache of these lines behind a header; returns its path."""

    def write(*lines, header=HEADER, end="\n"):
        path = tmp_path / "calibration.cache"
        path.write_bytes("\n".join([header, *lines]).encode() + end.encode())
        return path

    return write


def kinds(findings):
    return [(each.line, each.severity, each.kind) for each in findings]


@pytest.mark.parametrize("reader", READERS)
def test_a_clean_cache_is_clean(cache, reader):
    assert lint(cache("data: 3c008912", "(Unnamed Layer* 4) [Fully Connected]_output: 3d65992f"), reader) == ()
    assert lint(cache("data: 3c008912\r", end=""), reader) == ()
    assert lint(cache(), reader) == ()


def graph():
    """x -> relu (layer "act", tensor "y") -> flatten (layer "move", tensor "z")."""
    layers = [Layer("act", op("relu")(), ("x",), "y"), Layer("move", op("flatten")(), ("y",), "z")]
    return float_graph("net", layers, {"x": TensorType((1, 2, 2))}, ["z"], {})


def everybody(findings):
    return {reader: findings for reader in READERS}  # noqa: C420 (a list is no value for fromkeys)


FOUND = {
    "a:0: 3c008912": {
        "onnxruntime": [(2, ERROR, "misnamed")],
        "nvdla": [(2, ERROR, "dropped")],
    },
    "a: b: 3c008912": {
        "onnxruntime": [(2, ERROR, "misnamed")],
        "nvdla": [(2, ERROR, "dropped")],
        "modelopt": [(2, ERROR, "stops")],
    },
    "a: 0": {
        "tensorrt": [(2, WARNING, "zero")],
        "onnxruntime": [(2, WARNING, "misread")],
        "nvdla": [(2, ERROR, "stops")],
        "modelopt": [(2, ERROR, "stops")],
    },
    "a: 7f800000": everybody([(2, ERROR, "not finite")]),
    "a: 7fc00000": {
        **everybody([(2, ERROR, "not finite")]),
        "onnxruntime": [(2, WARNING, "misread")],
    },
    "a: bf800000": {
        **everybody([(2, ERROR, "negative")]),
        "tensorrt": [(2, ERROR, "stops")],
    },
    "a: 400000": {
        "onnxruntime": [(2, WARNING, "misread")],
        "nvdla": [(2, ERROR, "stops")],
        "modelopt": [(2, ERROR, "stops")],
    },
    "a 3c008912": {
        **everybody([(2, ERROR, "malformed")]),
        "modelopt": [(2, ERROR, "stops")],
    },
    "": {"onnxruntime": [(2, WARNING, "malformed")], "modelopt": [(2, ERROR, "stops")]},
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("line", FOUND)
def test_each_trap_is_found_for_the_reader_that_falls_into_it(cache, line, reader):
    findings = lint(cache(line, "b: 3c008912"), reader)
    assert kinds(findings) == FOUND[line].get(reader, [])
    for each in findings:
        assert each.text == line
        assert each.what
        assert each.remedy


def test_repeated_rows_and_old_headers(cache):
    findings = lint(cache("a: 3c008912", "b: 3c008912", "a: 3c008913"), "tensorrt")
    assert kinds(findings) == [(4, WARNING, "repeated")]
    assert "line 2" in findings[0].what
    path = cache("a: 3c008912", header="1")
    assert kinds(lint(path, "onnxruntime")) == [(1, ERROR, "stops")]
    assert lint(path, "tensorrt") == lint(path, "nvdla") == lint(path, "modelopt") == ()


@given(st.lists(st.tuples(st.text(st.characters(codec="ascii"), max_size=6), st.text("0123abc: \r", max_size=10))))
def test_nothing_that_a_line_holds_stops_the_linter(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("lint") / "c"
    path.write_bytes("\n".join([HEADER, *(name + value for name, value in lines)]).encode())
    for reader in READERS:
        lint(path, reader, graph())


@pytest.mark.parametrize("reader", ["tensorrt", "onnxruntime", "modelopt"])
def test_rows_are_compared_with_the_network(cache, reader):
    path = cache("y: 3c008912", "z: 3c008913", "other: 3c008912")
    findings = lint(path, reader, graph())
    assert kinds(findings) == [(3, WARNING, "unequal"), (4, NOTE, "extra"), (0, ERROR, "missing")]
    assert findings[-1].tensor == "x"
    assert READERS[reader].missing in findings[-1].what
    assert lint(cache("x: 3c008912", "y: 3c008912", "z: 3c008912"), reader, graph()) == ()


def test_the_legacy_calibrator_gives_pools_rows_of_their_own(cache):
    kind = TensorType((1, 1, 4, 4), "float32", "NCHW")
    pool = float_graph("net", [Layer("pool", op("max_pool")((2, 2)), ("x",), "y")], {"x": kind}, ["y"], {})
    rows = ("x: 3c008912", "y: 3c008913")
    assert kinds(lint(cache(*rows), "tensorrt", pool)) == [(3, WARNING, "unequal")]
    assert lint(cache(*rows, header="TRT-8601-LegacyCalibration"), "tensorrt", pool) == ()


def test_a_row_that_a_reader_cannot_take_is_missing_with_its_line(cache):
    net = float_graph("net", [Layer("act", op("relu")(), ("x:0",), "y")], {"x:0": TensorType((1, 2))}, ["y"], {})
    path = cache("x:0: 3c008912", "y: 3c008912")
    assert lint(path, "tensorrt", net) == ()
    assert kinds(lint(path, "onnxruntime", net)) == [(2, ERROR, "misnamed"), (2, ERROR, "missing")]


def test_nvdla_looks_layers_up_not_tensors(cache):
    findings = lint(cache("x: 3c008912", "y: 3c008912", "move: 3c008912"), "nvdla", graph())
    assert kinds(findings) == [(3, NOTE, "extra"), (0, ERROR, "missing")]
    assert findings[-1].tensor == "act"


# NVDLA's JSON

ENTRY = {"scale": 0.5, "min": 0, "max": 0, "offset": 0}


@pytest.fixture
def table(tmp_path):
    """Write a JSON table; returns its path."""

    def write(content):
        path = tmp_path / "table.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=4))
        return path

    return write


def test_a_clean_nvdla_table_is_clean(table):
    assert lint(table({"x": ENTRY, "act": ENTRY, "move": ENTRY}), "nvdla", graph()) == ()
    assert lint(table({"x": {"min": -1.27, "max": 1.27}}), "nvdla") == ()


ENTRIES = {
    "both": ({**ENTRY, "max": 63.5}, WARNING),
    "offset": ({**ENTRY, "offset": 3}, WARNING),
    "zero": ({**ENTRY, "scale": 0}, WARNING),
    "negative": ({**ENTRY, "scale": -1.0}, ERROR),
    "stops": ({"min": 0}, ERROR),
}


@pytest.mark.parametrize("kind", ENTRIES)
def test_entries_that_the_compiler_reads_otherwise(table, kind):
    entry, severity = ENTRIES[kind]
    findings = lint(table({"first": ENTRY, "data": entry}), "nvdla")
    assert kinds(findings) == [(8, severity, kind)]
    assert (findings[0].tensor, findings[0].text) == ("data", '"data": {')


@pytest.mark.parametrize("entry", [1, "x", None, [1, 2], {"scale": "x"}, {"scale": True}, {"scale": 10**400}])
def test_entries_that_stop_the_compiler(table, entry):
    assert [each.kind for each in lint(table({"data": entry}), "nvdla")] == ["stops"]


@pytest.mark.parametrize("word", ["Infinity", "-Infinity", "NaN", "1e400"])
def test_infinity_is_no_json(table, word):
    assert kinds(lint(table(f'{{"data": {{"scale": {word}}}}}'), "nvdla")) == [(1, ERROR, "stops")]


def test_of_equal_keys_the_compiler_takes_the_first(table):
    text = '{\n "a": {"scale": 1},\n "b": {"scale": 1},\n "a": {"scale": 2}\n}'
    findings = lint(table(text), "nvdla")
    assert kinds(findings) == [(4, ERROR, "repeated")]
    assert "line 2" in findings[0].what


def test_scales_that_the_compiler_changes_are_notes(table):
    words = (float32_from_bits(word) for word in range(0x3C000000, 0x3D000000, 4097))
    changed = next(scale for scale in words if float32(float32(scale * 127) / 127) != scale)
    assert kinds(lint(table({"data": {**ENTRY, "scale": changed}}), "nvdla")) == [(2, NOTE, "range")]


def test_nvdla_entries_are_compared_with_layers(table):
    findings = lint(table({"x": ENTRY, "y": ENTRY, "move": ENTRY}), "nvdla", graph())
    assert [(each.severity, each.kind, each.tensor) for each in findings] == [
        (NOTE, "extra", "y"),
        (ERROR, "missing", "act"),
    ]


# Bad input


def test_what_is_no_table_is_an_error(cache, table, tmp_path):
    with pytest.raises(UnknownNameError, match="reader 'caffe'"):
        lint(cache(), "caffe")
    with pytest.raises(BadTableLineError, match="line 1 is 'hello'"):
        lint(cache(header="hello"), "tensorrt")
    with pytest.raises(NotATableError, match="JSON"):
        lint(table({"a": ENTRY}), "tensorrt")
    with pytest.raises(NotATableError, match="line 1"):
        lint(table('{"a": '), "nvdla")
    with pytest.raises(NotATableError, match="No such file"):
        lint(tmp_path / "none", "nvdla")


# Real tables

LOST = {
    "IliasRmouque_nvfiles_for_forum_cal.bin": {"not finite", "misnamed", "dropped"},
    "LTyanghuang_maskrcnn_trt_infer_vis_calibration.cache_85fc685": {"misnamed", "dropped"},
    "T-K-233_Diffusion-Benchmark_int8.cache_c306d5b": {"zero", "misread", "stops", "not finite"},
    "iksnagreb_finn-transformers_calibration.cache_4bf65bd": {"misnamed", "dropped"},
    "modricwang_Pytorch-Model-to-TensorRT_calibration_cache.bin_9751a04": {"stops"},
    "vkaser_tensorrt_data_mnist_LegacyCalibrationTable": {"stops"},
}


@pytest.mark.witness
def test_what_real_tables_lose(oracle_folder, compared):
    """Nine of fifteen public caches are clean for everybody; names with colons, zeros and old headers are not."""
    found, count = {}, 0
    for path in sorted((oracle_folder / "tensorrt" / "caches").iterdir()):
        findings = [each for reader in READERS for each in lint(path, reader)]
        count += len(path.read_text().splitlines()) - 1
        if findings:
            found[path.name] = {each.kind for each in findings}
    assert found == LOST
    compared(count, least=2000)


@pytest.mark.witness
def test_a_published_nvdla_table_is_clean(oracle_folder):
    assert lint(oracle_folder / "tensorrt" / "lenet_trt7202" / "lenet.int8.json", "nvdla") == ()
    assert lint(oracle_folder / "nvdla" / "readme_table_calib.json", "nvdla") == ()

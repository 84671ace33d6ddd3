"""`table explain`, `pairs`, `lint` and `to-qdq`: what is printed, exit status, one message for bad input."""

import json
import sys

import pytest

from int8sim.cli import main, recipe
from int8sim.cli.options import TableReader
from int8sim.formats.readers import READERS

LENET = recipe.lenet("lenet.onnx")
HEADER = "TRT-7202-EntropyCalibration2\n"
ROWS = "data: 3f801830\nconv1: 3e000000\npool1: 3e000000\nprob: 3c01f3e7\n"


@pytest.fixture
def command(monkeypatch, capsys):
    """Run `int8sim table ARGUMENTS`; returns (exit status, stdout, stderr)."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["int8sim", "table", *map(str, arguments)])
        with pytest.raises(SystemExit) as stopped:
            main()
        out, err = capsys.readouterr()
        return stopped.value.code or 0, out, err

    return run


@pytest.fixture
def cache(tmp_path):
    """Write a cache with these rows; returns its path."""

    def write(rows=ROWS, name="a.cache"):
        path = tmp_path / name
        path.write_text(HEADER + rows)
        return path

    return write


def test_explain_ends_with_a_verdict(command, cache):
    status, out, _ = command("explain", cache())
    lines = out.strip().splitlines()
    assert status == 0
    assert "pixel - 128: R 128, bin 2033" in out
    assert lines[-2] == "verdict: data: pixel - 128 (R 128, bin 2033, exact, 1 in 1,021 by chance)"
    assert lines[-1] == "verdict: nothing contradicts one entropy2 calibration"


def test_explain_with_a_network_finds_the_contradiction(command, cache):
    path = cache(ROWS.replace("pool1: 3e000000", "pool1: 3e000001"))
    status, out, _ = command("explain", path, "--model", LENET)
    assert status == 1
    assert "contradiction (repeats): pool1 only moves the values of conv1, and its row is another" in out
    assert "no row: ip1" in out
    assert "contradicted 1x" in out.splitlines()[-1]


def test_explain_as_json(command, cache):
    status, out, _ = command("explain", cache(), "--input", "prob", "--json")
    found = json.loads(out)
    assert status == 0
    assert list(found["inputs"]) == ["prob"]
    rows = {row["tensor"]: row for row in found["rows"]}
    assert rows["pool1"]["equals"] == "conv1"
    assert rows["data"]["bits"] == 0x3F801830
    assert found["contradictions"] == []


def test_pairs_lists_every_range_and_bin(command, cache):
    status, out, _ = command("pairs", cache(), "data", "--json")
    found = json.loads(out)
    assert status == 0
    assert (2033, 128.0) in zip(found["bins"], found["ranges"], strict=True)
    status, out, _ = command("pairs", cache(), "prob")
    assert "1.99999988" in out


def test_lint_prints_a_line_for_each_finding(command, cache):
    path = cache("a:0: 3c008912\nb: 0\n")
    assert command("lint", cache(name="clean.cache"), "--reader", "modelopt")[0] == 0
    status, out, _ = command("lint", path, "--reader", "nvdla")
    assert status == 1
    first, second, last = out.splitlines()
    assert first.startswith(f"{path}:2: error [dropped] a:0: 3c008912: NVDLA passes over the line")
    assert second.startswith(f"{path}:3: error [stops] b: 0: ")
    assert last == f"{path}: 2 errors for NVDLA"


def test_lint_with_a_network_and_as_json(command, cache):
    status, out, _ = command("lint", cache(), "--reader", "tensorrt", "--model", LENET, "--json")
    found = json.loads(out)
    missing = {each["tensor"] for each in found["findings"] if each["kind"] == "missing"}
    assert status == 1
    assert missing == {"conv2", "pool2", "flatten", "ip1", "relu1", "ip2"}
    assert "sampleEngines.cpp" in found["source"]


def test_every_reader_can_be_asked_for():
    assert [reader.value for reader in TableReader] == list(READERS)


def test_lint_shows_the_first_of_many(command, cache):
    rows = "".join(f"a{i}:0: 3c008912\n" for i in range(30))
    _, out, _ = command("lint", cache(rows), "--reader", "onnxruntime")
    assert len(out.splitlines()) == 7
    assert "[misnamed] and 25 more; --json lists them" in out


def test_notes_alone_are_no_failure(command, cache):
    names = ["data", "conv1", "pool1", "conv2", "pool2", "flatten", "ip1", "relu1", "ip2", "prob"]
    graph_rows = "".join(f"{name}: 3c008912\n" for name in names)
    status, out, _ = command("lint", cache(graph_rows + "more: 3c008912\n"), "--reader", "tensorrt", "--model", LENET)
    assert status == 0
    assert "note [extra] more: 3c008912" in out


def test_bad_input_is_one_message_and_status_2(command, cache, tmp_path):
    path, text = cache(), tmp_path / "text"
    text.write_text("hello\n")
    out = tmp_path / "net.onnx"
    for arguments, message in [
        (["explain", text], "line 1 is 'hello'"),
        (["explain", path, "--model", tmp_path / "none.onnx"], "none.onnx"),
        (["explain", path, "--input", "none"], "unknown row of the table 'none'"),
        (["pairs", path, "none"], "unknown row of the table 'none'"),
        (["pairs", cache("a: 0\n", "zero.cache"), "a"], "scale 0.0 is not usable"),
        (["lint", text, "--reader", "nvdla"], "line 1 is 'hello'"),
        (["lint", tmp_path / "none", "--reader", "nvdla"], "No such file"),
        (["to-qdq", LENET, path, "-o", out], "no row for tensor(s) flatten, relu1"),
        (["to-qdq", LENET, text, "-o", out], "line 1 is 'hello'"),
    ]:
        status, stdout, err = command(*arguments)
        assert status == 2, arguments
        assert message in err, arguments
        assert "Traceback" not in err + stdout
        assert err.count("\n") == 1
    assert command("lint", path, "--reader", "caffe")[0] == 2
    assert not out.exists()

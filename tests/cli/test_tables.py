"""`int8sim table ...`: results, exit status, one message on stderr and nothing half-written."""

import functools
import json

import pytest

from int8sim import api
from int8sim.cli import tables
from int8sim.golden.packaged import lenet
from int8sim.model.table import Provenance, Row, Table

LENET = lenet("lenet.onnx")
HEADER = "TRT-7202-EntropyCalibration2"
ROWS = "data: 3c008912\n(Unnamed Layer* 4) [Fully Connected]_output: 0\nadd:0: 3f800000\n"


@pytest.fixture
def command(command):
    """Run `int8sim table ARGUMENTS`; returns (exit status, stdout, stderr)."""
    return functools.partial(command, "table")


@pytest.fixture
def cache(tmp_path):
    path = tmp_path / "c.cache"
    path.write_text(f"{HEADER}\n{ROWS}")
    return path


@pytest.fixture
def lenet_table():
    """A table of the LeNet, as a calibration leaves it."""
    graph = api.load(LENET)
    rows = {name: Row(0.5, -1.0, 2.0, 64.0, 2040) for name in graph.table_rows()}
    return Table(rows, Provenance("entropy2", "int8sim", "ab" * 32, "cd" * 32, 10, 50))


def test_show_prints_rows_and_where_they_come_from(command, tmp_path, lenet_table):
    api.write_table(lenet_table, tmp_path / "t")
    status, out, _ = command("show", tmp_path / "t")
    assert status == 0
    for word in (
        "TRT-8601-EntropyCalibration2",
        "conv1",
        "-1 .. 2",
        "2040",
        "3f000000",
        "10 batches of 50",
        "abababab",
    ):
        assert word in out
    (tmp_path / "t.provenance.json").write_text("{}")
    status, out, _ = command("show", tmp_path / "t")
    assert status == 0
    assert "note: " in out
    assert "-1 .. 2" not in out


def test_show_as_json_has_no_infinity(command, cache):
    cache.write_text("1\na: 7f800000\n")
    status, out, _ = command("show", cache, "--json")
    content = json.loads(out, parse_constant=pytest.fail)
    assert status == 0
    assert (content["rows"]["a"]["scale"], content["rows"]["a"]["bits"]) == (None, "7f800000")
    assert content["provenance"]["header"] == "1"
    assert content["cautions"][0]["kind"] == "scale"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], f"TRT-8601-EntropyCalibration2\n{ROWS}"),
        (["--as-read"], f"{HEADER}\n{ROWS}"),
        (["--version", "100300", "--algorithm", "minmax"], f"TRT-100300-MinMaxCalibration\n{ROWS}"),
        (["--version", ""], f"2\n{ROWS}"),
        (["--as-read", "--padded"], f"{HEADER}\n{ROWS.replace(': 0', ': 00000000')}"),
    ],
)
def test_convert_to_a_cache(command, cache, tmp_path, options, expected):
    assert command("convert", cache, "--to", "tensorrt", "-o", tmp_path / "out", *options)[0] == 0
    assert (tmp_path / "out").read_text() == expected


def test_convert_names_what_is_left_out(command, cache, tmp_path):
    status, out, _ = command("convert", cache, "--to", "nvdla", "-o", tmp_path / "out")
    assert status == 0
    assert "note: add:0: calib_txt_to_json.py skips" in out
    status, out, _ = command("convert", cache, "--to", "nvdla", "-o", tmp_path / "out", "--json")
    assert [caution["tensor"] for caution in json.loads(out)["cautions"]] == ["add:0"]


def test_many_notes_are_counted(command, cache, tmp_path):
    cache.write_text("1\n" + "".join(f"add:{i}: 3f800000\n" for i in range(30)))
    _, out, _ = command("convert", cache, "--to", "nvdla", "-o", tmp_path / "out")
    assert out.count("skips a name") == tables.LISTED
    assert f"{30 - tables.LISTED} more of the same" in out


def test_convert_with_a_model_is_checked(command, tmp_path, lenet_table):
    api.write_table(lenet_table, tmp_path / "t")
    status, _, _ = command("convert", tmp_path / "t", "--to", "nvdla", "--model", LENET, "-o", tmp_path / "t.json")
    assert status == 0
    assert b", \n" not in (tmp_path / "t.json").read_bytes()
    assert api.read_table(tmp_path / "t.json")["conv1"].low == -1.0
    (tmp_path / "t").write_text(f"{HEADER}\nconv1: 3f000000\n")
    status, _, err = command("convert", tmp_path / "t", "--to", "nvdla", "--model", LENET, "-o", tmp_path / "none")
    assert status == 2
    assert "lacks a layer of network 'lenet'; without a row: data" in err
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("name", ["onnxruntime", "ranges"])
def test_formats_without_a_mark_are_named(command, tmp_path, name):
    cache = tmp_path / "c"
    cache.write_text("1\na: 3f800000\nb: 0\n")
    assert command("convert", cache, "--to", name, "-o", tmp_path / "t")[0] == 0
    assert command("show", tmp_path / "t")[0] == 2
    assert command("show", tmp_path / "t", "--from", name)[0] == 0
    back = ("convert", tmp_path / "t", "--from", name, "--to", "tensorrt", "--version", "", "-o", tmp_path / "again")
    assert command(*back, "--algorithm", "entropy")[0] == 0
    assert (tmp_path / "again").read_bytes() == cache.read_bytes()


def test_merge(command, tmp_path):
    first, second, out = tmp_path / "a", tmp_path / "b", tmp_path / "out"
    first.write_text(f"{HEADER}\na: 3f800000\n")
    second.write_text(f"{HEADER}\nb: 0\na: 3f800000\n")
    assert command("merge", first, second, "--as-read", "-o", out)[0] == 0
    assert out.read_text() == f"{HEADER}\na: 3f800000\nb: 0\n"
    assert command("merge", first, second, "--to", "nvdla", "-o", out)[0] == 0
    assert list(api.read_table(out)) == ["a", "b"]


@pytest.mark.parametrize(
    ("version", "algorithm", "status"), [("7202", "entropy2", 0), ("7203", "entropy2", 1), ("7202", "minmax", 1)]
)
def test_accepts(command, cache, version, algorithm, status):
    options = ("--version", version, "--algorithm", algorithm)
    found, out, _ = command("accepts", cache, *options)
    assert found == status
    assert out.startswith("accepted: " if status == 0 else "not accepted: ")
    assert "not measured" in out
    found, out, _ = command("accepts", cache, *options, "--json")
    assert (found, json.loads(out)["accepted"]) == (status, status == 0)


def test_bad_input_is_one_message_and_status_2(command, tmp_path, cache):
    broken, other, plain = tmp_path / "broken", tmp_path / "other", tmp_path / "t.json"
    broken.write_text(f"{HEADER}\ndata 3c008912\n")
    other.write_text(f"{HEADER}\ndata: 3f800000\n")
    plain.write_text('{"a": {"scale": 1}}')
    out = ("-o", tmp_path / "out")
    for arguments, message in [
        (("show", tmp_path / "none"), "No such file"),
        (("show", broken), "broken: line 2 is 'data 3c008912'"),
        (("convert", broken, "--to", "nvdla", *out), "line 2"),
        (("convert", plain, "--to", "tensorrt", "--as-read", *out), "no TensorRT header"),
        (("convert", cache, "--to", "tensorrt", "--version", "8.6", *out), "unknown TensorRT version number '8.6'"),
        (("convert", cache, "--to", "nvdla", "--padded", *out), "unknown option of table format nvdla 'padded'"),
        (("convert", cache, "--to", "ranges", "-o", cache / "t"), "Not a directory"),
        (
            ("merge", cache, other, *out),
            "tensor 'data' has scale 0.00784518011 (3c008912) in one table and 1 (3f800000)",
        ),
        (("accepts", cache, "--version", "7202", "--algorithm", "kl"), "unknown TensorRT calibration algorithm 'kl'"),
    ]:
        before = sorted(tmp_path.iterdir())
        status, _, err = command(*arguments)
        assert status == 2, arguments
        assert message in err, err
        assert err.startswith("int8sim: ")
        assert err.count("\n") == 1
        assert sorted(tmp_path.iterdir()) == before


@pytest.mark.witness
def test_real_caches_come_through_the_command_unchanged(command, oracle_folder, tmp_path, compared):
    size = 0
    for path in sorted((oracle_folder / "tensorrt" / "caches").iterdir()):
        assert command("convert", path, "--to", "tensorrt", "--as-read", "-o", tmp_path / "out")[0] == 0
        assert (tmp_path / "out").read_bytes() == path.read_bytes()
        size += len(path.read_bytes())
    compared(size, least=120_000)

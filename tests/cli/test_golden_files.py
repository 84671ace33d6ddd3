"""`int8sim golden record`, `export`, `verify --dump` end to end: exit status, one message, nothing half-written."""

import json

import numpy as np
import pytest

from int8sim import api
from int8sim.golden import store

from ..golden import small


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """graph.h5 without samples, data.npy, golden.h5 by the command's own way."""
    folder = tmp_path_factory.mktemp("golden")
    store.write(folder / "graph.h5", small.lowered(), {}, store.Producer())
    np.save(folder / "data.npy", small.images())
    api.record(small.lowered(), {"x": small.images()}, folder / "golden.h5", backend="reference")
    return folder


REFERENCE = ("--backend", "reference")


def test_record_streams_and_says_what_it_wrote(command, folder, tmp_path):
    arguments = ("--data", folder / "data.npy", "--accumulators", "--samples", "2", "-o", tmp_path / "g.h5", "--json")
    status, out, _ = command("golden", "record", folder / "graph.h5", *arguments, *REFERENCE)
    found = json.loads(out)
    assert (status, found["samples"], found["output"]) == (0, 5, str(tmp_path / "g.h5"))
    golden = store.read(tmp_path / "g.h5")
    assert (golden.recorded("flat"), set(golden.accumulators)) == (2, {"block/conv.1", "y_quantized"})


def test_export_verify_and_one_flipped_bit(command, folder, tmp_path):
    """Status 0, then 1 with layer, index and both values; 64-bit words, lane 0 high."""
    options = ("--format", "readmemh", "--word-bits", "64", "--byte-order", "big", "--samples", "1:4", "--constants")
    status, out, _ = command("golden", "export", folder / "golden.h5", *options, "-o", tmp_path / "out", "--json")
    index = json.loads(out)
    assert (status, index["samples"]) == (0, [1, 4])
    status, out, _ = command("golden", "verify", folder / "golden.h5", "--dump", tmp_path / "out")
    assert status == 0
    assert "every bit equal" in out
    file = tmp_path / "out" / "flat.hex"
    text = file.read_text()
    file.write_text(f"{int(text[0], 16) ^ 8:x}{text[1:]}")
    status, out, _ = command("golden", "verify", folder / "golden.h5", "--dump", tmp_path / "out", "--json")
    found = json.loads(out)["first_mismatch"]
    assert (status, found["layer"], found["index"]) == (1, "flat", [1, 0])
    assert abs(found["expected"] - found["actual"]) == 128


def test_every_form_by_command(command, folder, tmp_path):
    for form in ("raw", "npz", "c-header", "nvdla-dat"):
        status, out, _ = command("golden", "export", folder / "golden.h5", "--format", form, "-o", tmp_path / form)
        assert status == 0
        assert "samples 0 .. 4 of small" in out
        assert ("left out: y: float32" in out) is (form == "nvdla-dat")
        dump = tmp_path / form
        assert command("golden", "verify", folder / "golden.h5", "--dump", dump)[0] == 0


def bad_inputs(folder, tmp_path):
    """(arguments, what the message says)."""
    golden, out = folder / "golden.h5", ("-o", tmp_path / "out")
    words = tmp_path / "flat.hex"
    words.write_text("00000000\n000000x0\n")
    export, verify = ("golden", "export", golden, "--format"), ("golden", "verify", golden, "--dump")
    return [
        ((*export, "readmemh", "--tensor", "conv9", *out), "unknown tensor 'conv9'"),
        ((*export, "readmemh", "--samples", "3:1", *out), "samples is '3:1'; allowed: the first and the one behind"),
        ((*export, "readmemh", "--samples", "0:6", *out), "samples is '0:6'; allowed: parts of 0:5"),
        ((*export, "readmemh", "--word-bits", "20", *out), "word bits is 20; allowed: multiples of 8 from 8 to 1024"),
        ((*export, "readmemh", "--byte-order", "middle", *out), "unknown byte order 'middle'; known: big, little"),
        ((*export, "readmemh", "--depth", "2", *out), "depth is 2; allowed: at least"),
        (
            (*export, "nvdla-dat", "--tensor", "y", *out),
            "layer 'dequantize_y' cannot be written as nvdla-dat: y, float32",
        ),
        ((*export, "nvdla-dat", "--hardware", "nv_tiny", *out), "unknown NVDLA configuration 'nv_tiny'"),
        ((*export, "raw", "-o", tmp_path / "none" / "out"), "No such file or directory"),
        ((*export, "raw", "-o", words), "Not a directory"),
        ((*export, "raw", "-o", tmp_path), "the folder is there and has no index.json"),
        (("golden", "export", folder / "graph.h5", "--format", "raw", *out), "it holds a graph but no samples"),
        (("golden", "export", folder / "data.npy", "--format", "raw", *out), "not an HDF5 file"),
        ((*verify, words), "flat.hex: line 2 has '000000x0'; word 1 has X or Z digits"),
        ((*verify, tmp_path / "none"), "no such file or folder"),
        ((*verify, folder / "data.npy"), "tensor 'data' is not in the golden file"),
    ]


def test_bad_input_is_one_message_and_status_2(command, folder, tmp_path):
    for arguments, message in bad_inputs(folder, tmp_path):
        before = sorted(tmp_path.rglob("*"))
        status, out, err = command(*arguments)
        assert (status, message in err) == (2, True), (arguments, err)
        assert err.startswith("int8sim: ")
        assert "Traceback" not in err + out
        assert err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before, "something was left behind"

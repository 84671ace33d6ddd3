"""The commands end to end, in process: results, exit status, one message on stderr and nothing half-written."""

import json
import os
import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from int8sim.cli import recipe
from int8sim.golden import packaged, store
from int8sim.golden.packaged import lenet
from int8sim.kernels.cuda import availability

LENET = lenet("lenet.onnx")
DIGITS = lenet("digits.h5")


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """One quickstart, its JSON and its folder."""
    folder = tmp_path_factory.mktemp("quick") / "out"
    done = subprocess.run(
        [sys.executable, "-m", "int8sim", "quickstart", "--json", "-o", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    return done, folder


def test_quickstart_matches_both_engines(quick, compared):
    done, folder = quick
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    report = json.loads(done.stdout)
    for profile in recipe.WITNESSES:
        entry = report["verified"][profile]
        compared(entry["compared"], least=20_000_000)
        assert entry["matched"]
        assert entry["different"] == 0
    for result in report["results"]:
        assert result["top1"] >= 0.97
    assert set(report["files"]) <= {path.name for path in folder.iterdir()}


def test_quickstart_prints_the_seven_steps(command, tmp_path):
    status, out, _ = command("quickstart", "-o", tmp_path / "q")
    assert status == 0
    for step in range(1, 8):
        assert f"{step}. " in out
    for word in ("threshold / max", "top-5", "values compared", "every bit equal", "Next:"):
        assert word in out


def test_quickstart_fails_on_one_bit(command, tmp_path, monkeypatch):
    """A golden file with one flipped bit: exit status 1, and the value is named."""
    wrong = tmp_path / "data"
    shutil.copytree(LENET.parent, wrong)
    with h5py.File(wrong / "tflite_reference.h5", "r+") as file:
        values = file["tensors/conv2"][()]
        values[3, 7, 2, 1] ^= 1
        file["tensors/conv2"][...] = values
        file.attrs["digest"] = store._digest(file)
    monkeypatch.setattr(packaged, "FOLDERS", (wrong,))
    status, out, _ = command("quickstart", "-o", tmp_path / "q")
    assert status == 1
    assert "layer conv2 (conv2d), tensor conv2, index [3, 7, 2, 1]" in out


def test_the_whole_way_by_commands(command, tmp_path, quick):
    """calibrate, table convert, lower, golden record, verify, run, evaluate: the quickstart's own table comes out."""
    cache, table = tmp_path / "c.cache", tmp_path / "t.json"
    data = ("--data", f"{DIGITS}:calibrate/images", "--divide", "255")
    assert command("calibrate", LENET, *data, "-o", cache)[0] == 0
    assert cache.read_bytes() == (quick[1] / "lenet.calibration.cache").read_bytes()
    assert command("table", "convert", cache, "--to", "nvdla", "-o", table)[0] == 0
    assert table.read_bytes() == (quick[1] / "lenet.nvdla.json").read_bytes()
    graph, golden = tmp_path / "g.h5", tmp_path / "golden.h5"
    assert command("lower", LENET, "--table", table, "--profile", "nvdla", "-o", graph)[0] == 0
    test = ("--data", f"{DIGITS}:test/images", "--divide", "255")
    assert command("golden", "record", graph, *test, "--samples", "4", "-o", golden)[0] == 0
    status, out, _ = command("golden", "verify", golden, "--json")
    assert (status, json.loads(out)["matched"]) == (0, True)
    tensors = tmp_path / "t.npz"
    assert command("run", graph, *test, "--all", "-o", tensors)[0] == 0
    with np.load(tensors) as archive:
        assert archive["conv1"].shape == (1000, 20, 24, 24)
        assert archive["conv1"].dtype == np.int8
    labels = ("--labels", f"{DIGITS}:test/labels")
    status, out, _ = command("evaluate", LENET, "--table", cache, *test, *labels, "--profile", "nvdla", "--json")
    assert status == 0
    assert [entry["name"] for entry in json.loads(out)["results"]] == ["float32", "nvdla"]


def test_a_plain_processor_gives_the_same_bits(tmp_path, quick):
    """Compiled for an x86-64 with neither AVX nor FMA nor VNNI: the same cache, and every layer as the engine's."""
    env = {**os.environ, "NUMBA_CPU_NAME": "generic", "INT8SIM_CACHE": str(tmp_path / "kernels")}
    cache = tmp_path / "c.cache"
    for arguments in (
        ["golden", "verify", lenet("tflite_reference.h5")],
        ["calibrate", LENET, "--data", f"{DIGITS}:calibrate/images", "--divide", "255", "-o", cache],
    ):
        done = subprocess.run([sys.executable, "-m", "int8sim", *arguments], env=env, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert cache.read_bytes() == (quick[1] / "lenet.calibration.cache").read_bytes()


def test_verify_exits_with_1_on_a_mismatch(command, tmp_path, quick):
    path = tmp_path / "g.h5"
    shutil.copy(quick[1] / "nvdla.golden.h5", path)
    with h5py.File(path, "r+") as file:
        values = file["tensors/ip2"][()]
        values[0, 0] ^= 1
        file["tensors/ip2"][...] = values
        file.attrs["digest"] = store._digest(file)
    status, out, _ = command("golden", "verify", path)
    assert status == 1
    assert "layer ip2 (fully_connected)" in out


def no_device(arguments):
    """Backend cuda, where it cannot run."""
    return [(arguments, f"backend 'cuda' is not available: {availability.reason()}")] if availability.reason() else []


def bad_inputs(tmp_path, quick):
    """(arguments, what the message says) of every bad input the command line must survive."""
    text = tmp_path / "text.onnx"
    text.write_text("hello")
    cut = tmp_path / "cut.h5"
    cut.write_bytes((quick / "nvdla.golden.h5").read_bytes()[:5000])
    other = tmp_path / "other.cache"
    other.write_text("TRT-7202-EntropyCalibration2\nblob: 3c008912\n")
    nan = tmp_path / "nan.npy"
    np.save(nan, np.where(np.arange(500 * 784).reshape(500, 1, 28, 28) == 12345, np.nan, 1).astype(np.float32))
    small = tmp_path / "small.npy"
    np.save(small, np.zeros((600, 1, 27, 28), np.float32))
    cache, out = quick / "lenet.calibration.cache", tmp_path / "out"
    digits = f"{DIGITS}:calibrate/images"
    return [
        (["calibrate", text, "--data", digits, "-o", out], "text.onnx"),
        (["calibrate", tmp_path / "none.onnx", "--data", digits, "-o", out], "none.onnx"),
        (["calibrate", LENET, "--data", nan, "-o", out], "batch 1: tensor 'data' holds 1 NaN"),
        (["calibrate", LENET, "--data", small, "-o", out], "small.npy: [600, 1, 27, 28]"),
        (["calibrate", LENET, "--data", digits, "--batches", "11", "-o", out], "550 images were asked for"),
        (["calibrate", LENET, "--data", tmp_path / "none.npy", "-o", out], "no such file"),
        (["calibrate", LENET, "--data", DIGITS, "-o", out], "name one of its arrays"),
        (["calibrate", LENET, "--data", text, "-o", out], "data must be"),
        (["lower", LENET, "--table", other, "--profile", "nvdla", "-o", out], "no row for tensor(s) data, conv1"),
        (["lower", LENET, "--table", cut, "--profile", "nvdla", "-o", out], "not an HDF5 file"),
        (
            ["lower", LENET, "--table", cache, "--profile", "npu", "-o", out],
            "unknown profile 'npu'; known: cmsis_nn, nvdla",
        ),
        (["golden", "verify", cut], "truncated"),
        (["golden", "verify", DIGITS], "something else"),
        *no_device(["golden", "verify", quick / "nvdla.golden.h5", "--backend", "cuda"]),
        (["run", quick / "nvdla.golden.h5", "--data", small, "-o", out], "[600, 1, 27, 28]"),
        (["table", "show", text], "line 1 is 'hello'"),
        (["table", "convert", cache, "--to", "nvdla", "-o", tmp_path / "no" / "t"], "No such file or directory"),
        (["table", "convert", cache, "--to", "nvdla", "-o", text / "t"], "Not a directory"),
        (["run", quick / "nvdla.golden.h5", "--data", quick / "digits.npz", "-o", text / "t"], "Not a directory"),
        (
            ["golden", "record", quick / "nvdla.golden.h5", "--data", quick / "digits.npz", "-o", text / "t"],
            "directory",
        ),
        (["quickstart", "-o", text / "q"], "Not a directory"),
        (["bench", "nothing"], "unknown group of the bench 'nothing'; known: calibration, convolutions"),
        (["bench", "--threads", "0"], "0 threads: 1 or more are needed"),
        (["bench", "--instruction-set", "mmx"], "unknown dot product on this processor 'mmx'"),
        (["bench", "--json", tmp_path], "Is a directory"),
        (["bench", "--json", tmp_path / "no" / "figures.json"], "No such file or directory"),
    ]


def test_bad_input_is_one_message_and_status_2(command, tmp_path, quick):
    for arguments, message in bad_inputs(tmp_path, quick[1]):
        before = sorted(tmp_path.rglob("*"))
        status, out, err = command(*arguments)
        assert status == 2, arguments
        assert message in err, arguments
        assert "Traceback" not in err + out
        assert err.startswith("int8sim: ")
        assert err.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before, "something was left behind"


def test_help_and_version_are_quick_and_complete(command):
    status, out, _ = command("--help")
    assert status == 0
    for name in ("quickstart", "doctor", "calibrate", "table", "lower", "run", "evaluate", "golden", "bench"):
        assert name in out


def test_doctor_says_what_is_here(command):
    status, out, _ = command("doctor", "--json")
    content = json.loads(out)
    assert status == 0
    assert content["backends"]["cuda"].startswith("not available: ")
    assert set(content["profiles"]) >= {"tensorrt", "nvdla", "onnxruntime", "tflite_reference"}


def test_bench_prints_ratios_and_writes_them(command, tmp_path):
    file = tmp_path / "figures.json"
    status, out, _ = command("bench", "calibration", "--no-peers", "--seconds", "0", "--json", file)
    found = json.loads(file.read_text())
    assert status == 0
    assert {line["group"] for line in found["lines"]} == {"calibration"}
    assert all(line["value"] > 0 < line["seconds"] for line in found["lines"])
    assert (found["lines"][0]["ratio"], found["threads"], found["peers"]) == (1.0, 1, False)
    assert all(line["job"] in out and line["who"] in out for line in found["lines"])


def test_usage_errors_have_status_2(command):
    assert command("calibrate")[0] == 2
    assert command("nothing")[0] == 2

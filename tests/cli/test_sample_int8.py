"""sample-int8: TensorRT's own table from its own data, byte for byte; and the whole command on a small network."""

import gzip
import json
import struct
import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim.cli.sample_int8 import top_hits

sys.path.insert(0, str(Path(__file__).parents[1] / "importers"))
import caffe_models

PROTOTXT = """
name: "Tiny"
layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 1 dim: 6 dim: 6 } } }
layer { name: "ip" type: "InnerProduct" bottom: "data" top: "ip" inner_product_param { num_output: 10 } }
layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }
"""
COUNT = 700


def idx(path, array):
    dims = struct.pack(f">{array.ndim}I", *array.shape)
    path.write_bytes(gzip.compress(bytes([0, 0, 8, array.ndim]) + dims + array.tobytes()))


def weights(gain):
    """A caffemodel whose class scores are ten pixels times the gain."""
    return caffe_models.caffemodel({"ip": [gain * np.eye(10, 36, dtype=np.float32), np.zeros(10, np.float32)]})


@pytest.fixture
def folder(tmp_path):
    """A network whose class is the brightest of ten pixels, and pictures in which it is the label."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, COUNT).astype(np.uint8)
    pictures = rng.integers(0, 60, (COUNT, 6, 6)).astype(np.uint8)
    pictures.reshape(COUNT, 36)[np.arange(COUNT), labels] = 255
    (tmp_path / "tiny.prototxt").write_text(PROTOTXT)
    (tmp_path / "tiny.caffemodel").write_bytes(weights(20))
    idx(tmp_path / "train-images-idx3-ubyte.gz", pictures)
    idx(tmp_path / "train-labels-idx1-ubyte.gz", labels)
    return tmp_path


def sample(command, folder, *more):
    return command("sample-int8", "--datadir", folder, "--score", 10, "--start", 2, "-o", folder, *more)


def test_the_whole_sample(command, folder):
    status, out, err = sample(command, folder)
    assert (status, err) == (0, "")
    lines = out.splitlines()
    for mode in ("FP32", "FP16", "INT8"):
        assert f"{mode} run:10 batches of size 32 starting at 2" in lines
    assert lines.count("Top1: 1, Top5: 1") == 3
    assert lines[-1] == "&&&& PASSED int8sim.sample_int8"
    assert (folder / "CalibrationTableTiny").read_text().splitlines()[0] == "TRT-7202-EntropyCalibration2"
    assert any("Processing 320 images averaged" in line for line in lines)


def test_scored_images_that_were_calibrated_on_are_named(command, folder):
    """Calibrated on 50..549; scored from batch 2 + 1 on, that is 96..415."""
    assert "320 of 320 samples were calibrated on" in sample(command, folder)[1]


def test_the_cache_is_read_again_and_a_changed_network_is_named(command, folder):
    assert sample(command, folder)[0] == 0
    written = (folder / "CalibrationTableTiny").read_bytes()
    again = sample(command, folder)
    assert "Reading calibration cache" in again[1]
    assert "another network" not in again[1]
    (folder / "tiny.caffemodel").write_bytes(weights(10))
    assert "another network" in sample(command, folder)[1]
    assert (folder / "CalibrationTableTiny").read_bytes() == written


def test_a_cache_of_another_version_is_calibrated_anew(command, folder):
    assert sample(command, folder, "--version", "8003")[0] == 0
    out = sample(command, folder)[1]
    assert "recalibrated: " in out
    assert (folder / "CalibrationTableTiny").read_text().startswith("TRT-7202-")


def test_an_accuracy_that_falls_fails(command, folder):
    """A cut so deep that the bright pixel is like the others: not within 1 percent."""
    table = "TRT-7202-EntropyCalibration2\ndata: 38000000\nip: 3d000000\nprob: 3c010a14\n"
    (folder / "CalibrationTableTiny").write_text(table)
    status, out, _ = sample(command, folder)
    assert status == 1
    assert "top1 differ by more than 0.01" in out
    assert out.splitlines()[-1] == "&&&& FAILED int8sim.sample_int8"


def test_json(command, folder):
    report = json.loads(sample(command, folder, "--json")[1])
    assert report["passed"] is True
    assert [run["mode"] for run in report["runs"]] == ["FP32", "FP16", "INT8"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tiny.prototxt", "no network found"),
        ("tiny.caffemodel", "no weights found"),
        ("train-images-idx3-ubyte.gz", "no images found"),
        ("train-labels-idx1-ubyte.gz", "no labels found"),
    ],
)
def test_a_missing_file_is_named(command, folder, name, words):
    (folder / name).unlink()
    status, _, err = sample(command, folder)
    assert status == 2
    assert words in err
    assert "--datadir" in err


def test_too_few_images(command, folder):
    status, _, err = command("sample-int8", "--datadir", folder, "-o", folder)
    assert (status, len(err.splitlines())) == (2, 1)
    assert "57600" in err.replace(",", "")


def test_classes_of_the_same_score_count_against_the_label():
    """TensorRT's calculateScore: at most k classes, the label among them, score as high."""
    scores = np.array([[3, 3, 1, 0, 0, 0], [0, 5, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]], np.float32)
    assert top_hits(scores, np.array([0, 1, 2])).tolist() == [1, 2]


@pytest.mark.witness
def test_the_cache_is_tensorrts_own_byte_for_byte(command, oracle_folder, tmp_path, compared):
    """lenet.calibration.table, written by TensorRT 7.2.2 from the same network and the same 500 images."""
    lenet = oracle_folder / "tensorrt" / "lenet_trt7202"
    data = ("--datadir", lenet, "--datadir", oracle_folder / "mnist", "--score", 20, "-o", tmp_path)
    status, out, _ = command("sample-int8", *data, "--json")
    assert status == 0
    written = Path(json.loads(out)["cache"]).read_bytes()
    assert written == (lenet / "lenet.calibration.table").read_bytes()
    compared(len(written), least=205, what="bytes")

"""Quantized .tflite files on the command line."""

import json

import numpy as np
import pytest

from int8sim.model.tensor import QuantParams


@pytest.fixture
def model(tmp_path):
    """A file with one LOGISTIC."""
    pytest.importorskip("ai_edge_litert")
    from int8sim.exporters.tflite_flatbuffer import Flatbuffer

    file = Flatbuffer()
    x = file.tensor("x", (1, 2), "int8", QuantParams(0.5, 3))
    y = file.operator("LOGISTIC", [x], file.tensor("y", (1, 2), "int8", QuantParams(1 / 256, -128)))
    path = tmp_path / "logistic.tflite"
    path.write_bytes(file.finish("logistic", "", [x], [y]))
    return path


def test_run_by_the_profile_that_is_named(command, model, tmp_path):
    data, output = tmp_path / "x.npy", tmp_path / "y.npz"
    np.save(data, np.full((3, 2), 3, np.int8))
    options = ["run", model, "--data", data, "-o", output, "--backend", "reference", "--json"]
    status, out, _ = command(*options, "--profile", "tflm")
    assert (status, json.loads(out)["tensors"]) == (0, {"y": "int8[3, 2]"})
    assert np.load(output)["y"].tolist() == [[0, 0]] * 3  # sigmoid(0) is 1/2, 128 / 256


def test_without_a_profile_it_is_one_message(command, model, tmp_path):
    status, _, err = command("run", model, "--data", model, "-o", tmp_path / "y.npz")
    assert status == 2
    assert "does not say who runs it" in err
    assert not (tmp_path / "y.npz").exists()

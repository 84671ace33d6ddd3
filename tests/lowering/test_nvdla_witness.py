"""The `nvdla` profile against what NVDLA's own compiler wrote for a LeNet, and the accuracy of those integers."""

import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from int8sim import api
from int8sim.lowering.lower import lower
from int8sim.model.table import Table

sys.path.insert(0, str(Path(__file__).parents[1]))
from mnist_idx import idx_images, idx_labels


@pytest.fixture
def lowered(oracle_folder):
    folder = oracle_folder / "tensorrt" / "lenet_trt7202"
    graph = api.load(folder / "lenet.prototxt")
    by_layer = api.read_table(folder / "lenet.int8.json")
    rows = {layer.output: by_layer[layer.name] for layer in graph.layers if layer.name in by_layer}
    return lower(graph, Table({"data": by_layer["data"], **rows}), profile="nvdla")


@pytest.mark.witness
def test_weights_biases_shifts_and_converters(lowered, oracle_folder, compared):
    """Every integer of the four convolutions and fully connected layers in the compiled file."""
    folder = oracle_folder / "nvdla" / "compiler"
    operations = json.loads((folder / "lenet_expected.json").read_text())["ops"]
    count = 0
    with np.load(folder / "lenet_weights.npz") as arrays:
        convolutions = {entry["op"]: entry for entry in operations if entry["engine"] == "CONV"}
        for entry in (entry for entry in operations if entry.get("fused_with_conv", -1) in convolutions):
            conv = convolutions[entry["fused_with_conv"]]
            name = conv["layer"].partition("+")[0]
            parameters = next(layer for layer in lowered.layers if layer.name == name).arithmetic["output"].parameters
            weights = arrays[f"op{conv['op']}_weight"]
            assert np.array_equal(lowered.constants[f"{name}_weight"].ravel(), weights.ravel())
            bias = arrays[f"op{entry['op']}_alu"]
            assert np.array_equal(parameters["bias"], bias)
            converter = entry["out_cvt"]
            assert parameters["bias_shift"] == entry["x1"]["alu_left_shift"]
            assert (parameters["scale"], parameters["truncate"]) == (converter["scale"], converter["truncate"])
            count += weights.size + bias.size + 3
    compared(count, least=431_000)


@pytest.mark.witness
@pytest.mark.slow
def test_these_integers_on_mnist(lowered, oracle_folder, compared):
    """97.33 % on the 10,000 test images, input byte = pixel >> 1; and the hash of the logits."""
    folder = oracle_folder / "mnist"
    pixels = idx_images(folder / "t10k-images-idx3-ubyte.gz", 10_000, 0)
    labels = idx_labels(folder / "t10k-labels-idx1-ubyte.gz")
    scale = np.float32(lowered.tensors["data_quantized"].quant.tensor_scale)
    images = ((pixels >> 1).astype(np.float32) * scale)[:, None]
    logits = []
    for start in range(0, len(images), 500):
        tensors = api.run(lowered, {"data": images[start : start + 500]}, keep="all")
        assert np.array_equal(tensors["data_quantized"][:, 0], pixels[start : start + 500] >> 1)
        logits.append(tensors["ip2"])
    values = np.concatenate(logits)
    assert float((values.argmax(1) == labels).mean()) == pytest.approx(0.9733)
    expected = "6b9f7113e60b95a9d5f197e82af6444e6715a675913c928eae6bd1070e91af05"
    assert hashlib.sha256(values.tobytes()).hexdigest() == expected
    compared(values.size, least=100_000)

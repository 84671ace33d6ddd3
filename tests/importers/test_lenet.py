"""The committed LeNet: its layers as they are written, and its float32 run against ONNX Runtime."""

from __future__ import annotations

from importlib.util import find_spec

import h5py
import numpy as np
import onnx
import pytest

from int8sim.graph.run import run
from int8sim.importers.onnx import load_onnx

from .onnx_models import LENET, by_runtime

LAYERS = [
    ("conv1", "conv2d", ("data", "conv1_w", "conv1_b"), (1, 20, 24, 24), "NCHW"),
    ("pool1", "max_pool", ("conv1",), (1, 20, 12, 12), "NCHW"),
    ("conv2", "conv2d", ("pool1", "conv2_w", "conv2_b"), (1, 50, 8, 8), "NCHW"),
    ("pool2", "max_pool", ("conv2",), (1, 50, 4, 4), "NCHW"),
    ("flatten", "flatten", ("pool2",), (1, 800), ""),
    ("ip1", "fully_connected", ("flatten", "ip1_w", "ip1_b"), (1, 500), ""),
    ("relu1", "relu", ("ip1",), (1, 500), ""),
    ("ip2", "fully_connected", ("relu1", "ip2_w", "ip2_b"), (1, 10), ""),
    ("prob", "softmax", ("ip2",), (1, 10), ""),
]
WEIGHTS = {
    "conv1_w": (20, 1, 5, 5),
    "conv1_b": (20,),
    "conv2_w": (50, 20, 5, 5),
    "conv2_b": (50,),
    "ip1_w": (500, 800),
    "ip1_b": (500,),
    "ip2_w": (10, 500),
    "ip2_b": (10,),
}


@pytest.fixture(scope="module")
def graph():
    return load_onnx(LENET)


@pytest.fixture(scope="module")
def digits():
    with h5py.File(LENET.with_name("digits.h5")) as file:
        return file["test/images"][:][:, None].astype(np.float32) / np.float32(255), file["test/labels"][:]


def test_layers(graph):
    kinds = [graph.tensors[layer.output] for layer in graph.layers]
    found = [
        (layer.name, layer.op.name, layer.inputs, kind.shape, kind.layout)
        for layer, kind in zip(graph.layers, kinds, strict=True)
    ]
    assert found == LAYERS
    assert all(layer.output == layer.name and layer.arithmetic is None for layer in graph.layers)
    assert all(kind.dtype == "float32" and kind.quant is None for kind in kinds)


def test_ends_and_weights(graph):
    assert (graph.name, graph.inputs, graph.outputs) == ("lenet", ("data",), ("prob",))
    assert (graph.tensors["data"].shape, graph.tensors["data"].layout) == ((1, 1, 28, 28), "NCHW")
    assert {name: values.shape for name, values in graph.constants.items()} == WEIGHTS
    assert {values.dtype.name for values in graph.constants.values()} == {"float32"}


def test_pools_and_convolutions_are_caffes(graph):
    conv1, pool1 = graph.layers[0].op, graph.layers[1].op
    assert (conv1.strides, conv1.pads, conv1.dilations, conv1.group) == ((1, 1), (0, 0, 0, 0), (1, 1), 1)
    assert (pool1.kernel_shape, pool1.strides, pool1.pads, pool1.ceil_mode) == ((2, 2), (2, 2), (0, 0, 0, 0), False)


def test_it_reads_the_digits(graph, digits):
    images, labels = digits
    found = run(graph, {"data": images}, backend="cpu", keep="all")
    assert {name: values.shape for name, values in found.items()} == {
        "data": (1000, 1, 28, 28),
        **{name: (1000, *shape[1:]) for name, _, _, shape, _ in LAYERS},
    }
    stated = {each.key: each.value for each in onnx.load(LENET).metadata_props}["test_accuracy"]
    assert f"{np.count_nonzero(found['prob'].argmax(1) == labels)}/1000" == stated


@pytest.mark.engine
@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
def test_every_tensor_as_onnxruntime_computes_it(graph, digits):
    images, _ = digits
    found = run(graph, {"data": images}, backend="cpu", keep="all")
    proto = onnx.load(LENET)
    del proto.graph.output[:]
    proto.graph.output.extend(onnx.helper.make_empty_tensor_value_info(name) for name, *_ in LAYERS)
    expected = by_runtime(proto, {"data": images})
    for name, values in expected.items():
        worst = np.abs(found[name] - values).max() / np.abs(values).max()
        assert worst < 1e-4, f"{name}: {worst}"
    assert np.array_equal(found["prob"].argmax(1), expected["prob"].argmax(1))

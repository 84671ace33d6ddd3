"""Whole networks: the LeNet, and one with every kind of layer between a branch and a sum."""

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import onnx
from onnx import numpy_helper

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op

LENET = Path(__file__).parents[2] / "golden" / "lenet"
PIXEL = np.float32(255)


def minmax(graph, inputs):
    """A table of what each tensor reaches."""
    values = run(graph, inputs, keep="all")
    return Table(
        {
            name: Row(float(np.float32(np.abs(array).max() / 127)), float(array.min()), float(array.max()))
            for name, array in values.items()
        }
    )


def digits():
    """The 1,000 test digits, float32 [N, 1, 28, 28]."""
    with h5py.File(LENET / "digits.h5") as file:
        return {"data": (file["test/images"][()] / PIXEL).astype(np.float32)[:, None]}


def lenet():
    """golden/lenet/lenet.onnx, its layers written by hand."""
    model = onnx.load(LENET / "lenet.onnx")
    constants = {each.name: numpy_helper.to_array(each) for each in model.graph.initializer}
    pool = op("max_pool")((2, 2), (2, 2))
    layers = [
        Layer("conv1", op("conv2d")(), ("data", "conv1_w", "conv1_b"), "conv1"),
        Layer("pool1", pool, ("conv1",), "pool1"),
        Layer("conv2", op("conv2d")(), ("pool1", "conv2_w", "conv2_b"), "conv2"),
        Layer("pool2", pool, ("conv2",), "pool2"),
        Layer("flatten", op("flatten")(), ("pool2",), "flatten"),
        Layer("ip1", op("fully_connected")(), ("flatten", "ip1_w", "ip1_b"), "ip1"),
        Layer("relu1", op("relu")(), ("ip1",), "relu1"),
        Layer("ip2", op("fully_connected")(), ("relu1", "ip2_w", "ip2_b"), "ip2"),
        Layer("prob", op("softmax")(1), ("ip2",), "prob"),
    ]
    return float_graph("lenet", layers, {"data": TensorType((1, 1, 28, 28), "float32", "NCHW")}, ["prob"], constants)


class _Layers:
    """A float graph as it grows, with random weights."""

    def __init__(self, seed, layout):
        self.rng = np.random.default_rng(seed)
        self.axis = 1 if layout == "NCHW" else 3
        self.layers, self.constants = [], {}

    def add(self, output, name, *inputs, **attributes):
        self.layers.append(Layer(output, op(name)(**attributes), inputs, output))
        return output

    def weight(self, name, *shape):
        taps = int(np.prod(shape[1:])) or 1
        self.constants[name] = (self.rng.normal(size=shape) / np.sqrt(taps)).astype(np.float32)
        return name

    def conv(self, output, source, shape, **attributes):
        """A convolution with bias, batch normalization and ReLU."""
        weight, bias = self.weight(f"{output}_w", *shape), self.weight(f"{output}_b", shape[0])
        self.add(f"{output}_c", "conv2d", source, weight, bias, **attributes)
        self.normalise(f"{output}_n", f"{output}_c", shape[0])
        return self.add(output, "relu", f"{output}_n")

    def normalise(self, output, source, channels):
        names = [f"{output}_{part}" for part in ("gamma", "beta", "mean", "variance")]
        for name in names:
            self.constants[name] = self.rng.uniform(0.5, 1.5, channels).astype(np.float32)
        return self.add(output, "batch_normalization", source, *names)


def residual(seed, layout):
    """A stem, a residual block, a branch of two convolutions, pools, average, a classifier."""
    net = _Layers(seed, layout)
    net.conv("stem", "x", (8, 3, 3, 3), pads=(1, 1, 1, 1))
    net.conv("left", "stem", (8, 8, 3, 3), pads=(1, 1, 1, 1))
    net.conv("deep", "left", (8, 1, 3, 3), pads=(1, 1, 1, 1), group=8)
    net.add("sum", "add", "deep", "stem")
    net.add("after", "relu", "sum")
    net.conv("wide", "after", (6, 8, 1, 5), pads=(0, 2, 0, 2))
    net.conv("high", "after", (4, 4, 5, 1), pads=(1, 0, 3, 0), group=2)
    net.add("both", "concat", "wide", "high", axis=net.axis)
    net.add("pool", "max_pool", "both", kernel_shape=(3, 3), strides=(2, 2), pads=(0, 1, 1, 0))
    net.add("cut", "clip", "pool", minimum=0.25, maximum=1.5)
    net.add("mean", "average_pool", "cut", kernel_shape=(2, 2), strides=(1, 1))
    net.add("flat", "flatten", "mean")
    net.add("flat_fc", "fully_connected", "flat", net.weight("flat_w", 16, 10 * 4 * 4), net.weight("flat_b", 16))
    net.add("global", "global_average_pool", "mean")
    net.add("row", "reshape", "global", shape=(10,))
    net.add("row_fc", "fully_connected", "row", net.weight("row_w", 16, 10))
    net.add("scores", "add", "flat_fc", "row_fc")
    net.add("prob", "softmax", "scores", axis=1)
    shape = (1, 3, 10, 10) if layout == "NCHW" else (1, 10, 10, 3)
    return float_graph("residual", net.layers, {"x": TensorType(shape, "float32", layout)}, ["prob"], net.constants)


def attention(seed):
    """Pixels as a sequence: projections, a matrix product, softmax, another product; one integer output, one real."""
    net = _Layers(seed, "NCHW")
    net.conv("stem", "x", (8, 3, 3, 3), pads=(1, 1, 1, 1))
    net.add("cells", "reshape", "stem", shape=(8, 36))
    net.add("sequence", "transpose", "cells", perm=(0, 2, 1))
    for name in ("query", "key", "value"):
        net.add(name, "fully_connected", "sequence", net.weight(f"{name}_w", 8, 8), net.weight(f"{name}_b", 8))
    net.add("turned", "transpose", "key", perm=(0, 2, 1))
    net.add("match", "matmul", "query", "turned")
    net.add("share", "softmax", "match", axis=2)
    net.add("mixed", "matmul", "share", "value")
    net.add("back", "transpose", "mixed", perm=(0, 2, 1))
    net.add("image", "reshape", "back", shape=(8, 6, 6), layout="NCHW")
    net.add("padded", "pad", "image", pads=(0, 0, 1, 0, 0, 0, 0, 2))
    net.add("last", "max_pool", "padded", kernel_shape=(2, 2), ceil_mode=True, strides=(3, 3))
    return float_graph(
        "attention", net.layers, {"x": TensorType((1, 3, 6, 6), "float32", "NCHW")}, ["last", "share"], net.constants
    )


def island(seed):
    """A batch normalization that nothing absorbs, and a softmax: the first stays in float32."""
    net = _Layers(seed, "NCHW")
    net.normalise("norm", "x", 3)
    net.add("norm_relu", "relu", "norm")
    net.add("norm_clip", "clip", "norm_relu", minimum=0.25, maximum=2.0)
    net.conv("conv", "norm_clip", (4, 3, 3, 3))
    net.add("flat", "flatten", "conv")
    return float_graph(
        "island", net.layers, {"x": TensorType((1, 3, 6, 6), "float32", "NCHW")}, ["flat"], net.constants
    )


def images(graph, seed, count=64):
    """Random inputs of a graph."""
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=(count, *graph.tensors[name].shape[1:])).astype(np.float32) for name in graph.inputs}


def edited(graph, position, **changes):
    """The graph with fields of one layer changed."""
    layers = list(graph.layers)
    layers[position] = replace(layers[position], **changes)
    return replace(graph, layers=tuple(layers))

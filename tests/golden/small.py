"""A small lowered network with awkward names, and images for it: what the reference backend runs in no time."""

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected

TENSORS = ("x_quantized", "block/conv.1", "flat", "y_quantized")
"""The integer ones."""


def images(count=5):
    return np.random.default_rng(8).standard_normal((count, 2, 4, 5)).astype(np.float32)


def lowered(profile="tflite_reference"):
    rng = np.random.default_rng(7)
    layers = [
        Layer("block/conv", Conv2d(pads=(1, 1, 1, 1), strides=(2, 1)), ("x", "w", "b"), "block/conv.1"),
        Layer("flat", Flatten(), ("block/conv.1",), "flat"),
        Layer("fc", FullyConnected(), ("flat", "v"), "y"),
    ]
    shapes = {"w": (3, 2, 3, 3), "b": (3,), "v": (4, 30)}
    constants = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    graph = float_graph("small", layers, {"x": TensorType((1, 2, 4, 5), "float32", "NCHW")}, ["y"], constants)
    tensors = run(graph, {"x": images()}, keep="all", backend="reference")
    rows = {k: Row(float(np.float32(abs(v).max() / 127)), float(v.min()), float(v.max())) for k, v in tensors.items()}
    return lower(graph, Table(rows), profile=profile, preset="mixed")

"""A small network and images for the calibration tests."""

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu


def network(seed=0):
    """x -> conv -> relu -> pool -> flat."""
    layers = [
        Layer("conv", Conv2d(), ("x", "w"), "conv"),
        Layer("relu", Relu(), ("conv",), "relu"),
        Layer("pool", MaxPool((2, 2), (2, 2)), ("relu",), "pool"),
        Layer("flat", Flatten(), ("pool",), "flat"),
    ]
    weight = np.random.default_rng(seed).standard_normal((3, 1, 3, 3)).astype(np.float32)
    return float_graph("net", layers, {"x": TensorType((1, 1, 8, 8), "float32", "NCHW")}, ["flat"], {"w": weight})


def images(count=20, seed=1):
    """float32 [count, 1, 8, 8]."""
    return np.random.default_rng(seed).standard_normal((count, 1, 8, 8)).astype(np.float32)

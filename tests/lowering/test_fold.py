"""Scales and sums of channels become part of the layer before them."""

import numpy as np
import pytest

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.lowering.fold import fold_batch_normalization
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.multiply import Multiply
from int8sim.ops.relu import Relu

IMAGE = TensorType((1, 3, 5, 5), "float32", "NCHW")


def real(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def chain(*middle, **constants):
    """A convolution x -> c, the layers between, a ReLU."""
    layers = [Layer("conv", Conv2d(), ("x", "w"), "c"), *middle, Layer("relu", Relu(), (middle[-1].output,), "y")]
    return float_graph("net", layers, {"x": IMAGE}, ["y"], {"w": real(4, 3, 2, 2), **constants})


def test_a_product_and_a_sum_of_channels():
    """To the last bit a batch normalization with mean 0 and variance 1, folded."""
    scale, shift = real(4, seed=1), real(4, seed=2)
    names = {"s": scale.reshape(4, 1, 1), "t": shift.reshape(1, 4, 1, 1)}
    both = Layer("scale", Multiply(), ("c", "s"), "m"), Layer("shift", Add(), ("t", "m"), "n")
    folded = fold_batch_normalization(chain(*both, **names))
    assert [(layer.name, layer.output, layer.covers) for layer in folded.layers] == [
        ("conv", "n", ("c", "m", "n")),
        ("relu", "y", ()),
    ]
    normal = BatchNormalization(0.0)
    constants = {"g": scale, "b": shift, "m": np.zeros(4, np.float32), "v": np.ones(4, np.float32)}
    other = chain(Layer("norm", normal, ("c", "g", "b", "m", "v"), "n"), **constants)
    x = {"x": real(2, 3, 5, 5, seed=3)}
    found, expected = run(folded, x)["y"], run(fold_batch_normalization(other), x)["y"]
    assert np.array_equal(found.view(np.uint32), expected.view(np.uint32))


@pytest.mark.parametrize("shape", [(4, 4), (4,), (4, 4, 1), (1, 1, 4)], ids=str)
def test_what_varies_over_the_image_stays(shape):
    graph = chain(Layer("shift", Add(), ("c", "t"), "n"), t=real(*shape))
    assert fold_batch_normalization(graph) is graph


def test_one_number_for_all_channels():
    folded = fold_batch_normalization(chain(Layer("scale", Multiply(), ("c", "t"), "n"), t=np.float32([0.5])))
    assert np.array_equal(folded.constants["conv_folded_weight"], folded.constants["w"] * np.float32(0.5))


def test_a_tensor_that_two_layers_read_stays():
    layers = Layer("scale", Multiply(), ("c", "t"), "m"), Layer("sum", Add(), ("c", "m"), "n")
    graph = chain(*layers, t=np.float32([0.5]))
    assert fold_batch_normalization(graph) is graph

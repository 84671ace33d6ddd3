"""calibrate(): rows, sharing, provenance, and every bad input by its named error."""

import numpy as np
import pytest

from int8sim.calibration.run import calibrate, image_batches
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.errors import InputMismatchError, NotFiniteError, TooFewImagesError, UnknownNameError
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu


@pytest.fixture
def network():
    rng = np.random.default_rng(0)
    layers = [
        Layer("conv", Conv2d(), ("x", "w"), "conv"),
        Layer("relu", Relu(), ("conv",), "relu"),
        Layer("pool", MaxPool((2, 2), (2, 2)), ("relu",), "pool"),
        Layer("flat", Flatten(), ("pool",), "flat"),
    ]
    weight = rng.standard_normal((3, 1, 3, 3)).astype(np.float32)
    return float_graph("net", layers, {"x": TensorType((1, 1, 8, 8), "float32", "NCHW")}, ["flat"], {"w": weight})


@pytest.fixture
def images():
    return np.random.default_rng(1).standard_normal((20, 1, 8, 8)).astype(np.float32)


@pytest.mark.parametrize("method", ["entropy2", "minmax"])
def test_pools_and_reshapes_share_and_nothing_else_does(network, images, method):
    table = calibrate(network, image_batches(images, 5, 4), method=method)
    assert list(table) == ["x", "conv", "relu", "pool", "flat"]
    assert table["pool"].scale == table["flat"].scale == table["relu"].scale
    assert table["pool"].shared_with == table["flat"].shared_with == "relu"
    assert table["conv"].scale != table["relu"].scale


def test_provenance_tells_data_and_network_apart(network, images):
    one = calibrate(network, image_batches(images, 5, 2)).provenance
    two = calibrate(network, image_batches(images[::-1], 5, 2)).provenance
    assert (one.method, one.batches, one.batch_size) == ("entropy2", 2, 5)
    assert one.network == two.network
    assert one.data != two.data


def test_progress_counts_batches(network, images):
    done = []
    calibrate(network, image_batches(images, 5, 3), method="minmax", progress=done.append)
    assert done == [1, 2, 3]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_data_names_batch_and_tensor(network, images, bad):
    images[7, 0, 3, 3] = bad
    with pytest.raises(NotFiniteError, match=r"batch 2: tensor 'x' holds 1 NaN or infinite"):
        calibrate(network, image_batches(images, 5, 4))


def test_overflow_inside_the_network_is_named(network, images):
    with pytest.raises(NotFiniteError, match=r"batch 1: tensor 'conv'"), np.errstate(over="ignore"):
        calibrate(network, [np.clip(images, -2, 2) * np.float32(1.6e38)])


def test_too_few_images(images):
    with pytest.raises(TooFewImagesError, match="50 images were asked for, the data holds 20"):
        image_batches(images, 25, 2)


def test_no_batches_at_all(network):
    with pytest.raises(TooFewImagesError):
        calibrate(network, [])


def test_wrong_shape(network, images):
    with pytest.raises(InputMismatchError, match=r"float32 \[5, 1, 7, 8\].*float32 \[N, 1, 8, 8\]"):
        calibrate(network, [images[:5, :, :7]])


def test_unknown_method(network, images):
    with pytest.raises(UnknownNameError, match="entropy2, minmax"):
        calibrate(network, [images], method="entropy3")

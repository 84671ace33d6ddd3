"""Tensors that are written at one scale and read at another, as NVDLA's compiler leaves them."""

import numpy as np
import pytest

from int8sim import api
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.lowering.scale_breaks import scale_breaks
from int8sim.model.errors import MissingRangeError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.concat import Concat
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu

RATIOS = {
    "first_conv_relu": 1.223,
    "group0_block0_relu": 2.438,
    "group0_block1_relu": 2.062,
    "group1_block0_relu": 2.040,
    "group1_block1_relu": 2.212,
    "group2_block0_relu": 0.439,
}
"""Of the ResNet-18's loadables `basic` and `default`: what is in them, over what the next layers take it for."""


@pytest.fixture
def resnet(oracle_folder):
    graph = api.load(oracle_folder / "tensorrt" / "resnet18_cifar10.prototxt")
    return graph, api.read_table(oracle_folder / "nvdla" / "compiler" / "resnet18.cifar10.fixed.json")


@pytest.mark.witness
def test_the_six_tensors_of_the_resnet_18(resnet, compared):
    found = {each.layer: round(each.ratio, 3) for each in scale_breaks(*resnet)}
    assert found == RATIOS
    compared(len(found), least=6)


@pytest.mark.witness
def test_with_fused_activations_every_scale_is_kept(resnet):
    assert scale_breaks(*resnet, fused=True) == ()


def scales(**rows):
    return Table({name: Row(scale) for name, scale in rows.items()})


def dense(name, source, output):
    return Layer(name, FullyConnected(), (source, "w"), output)


def graph_of(*layers, inputs=("x",), outputs=("y",), shape=(1, 4), layout=""):
    kinds = {name: TensorType(shape, "float32", layout) for name in inputs}
    uses_weight = any("w" in layer.inputs for layer in layers)
    constants = {"w": np.eye(4, dtype=np.float32)} if uses_weight else {}
    return float_graph("net", layers, kinds, outputs, constants)


def test_a_rewritten_tensor_behind_a_converter_is_kept():
    """The first fully connected layer converts to the new scale; with a ReLU of its own it would not."""
    plain = graph_of(dense("a", "x", "p"), dense("b", "p", "q"), Layer("s", Add(), ("q", "p"), "y"))
    assert scale_breaks(plain, scales(x=1.0, p=0.5, q=0.25, y=1.0)) == ()


def test_a_relu_alone_or_fused():
    layers = dense("a", "x", "t"), Layer("r", Relu(), ("t",), "p"), dense("b", "p", "q")
    graph = graph_of(*layers, Layer("s", Add(), ("p", "q"), "y"))
    table = scales(x=1.0, t=9.0, p=0.5, q=0.25, y=1.0)
    (found,) = scale_breaks(graph, table)
    assert (found.tensor, found.layer, found.written, found.read, found.sum) == ("p", "r", 0.5, 0.25, "s")
    assert str(found) == (
        "tensor 'p' (layer 'r'): written at scale 0.5, read at 0.25, ratio 2.000; sum 's' gives it 'q''s"
    )
    assert scale_breaks(graph, table, fused=True) == ()


def test_an_input_keeps_its_own_scale():
    graph = graph_of(dense("a", "x", "q"), Layer("s", Add(), ("x", "q"), "y"))
    for fused in (False, True):
        (found,) = scale_breaks(graph, scales(x=1.0, q=0.25, y=1.0), fused=fused)
        assert (found.tensor, found.layer, found.ratio) == ("x", "", 4.0)


def test_pools_and_concatenations_do_not_convert():
    layers = Layer("p", MaxPool((1, 1)), ("x",), "p"), Layer("c", Concat(1), ("p", "z"), "y")
    graph = graph_of(*layers, inputs=("x", "z"), shape=(1, 2, 3, 3), layout="NCHW")
    found = scale_breaks(graph, scales(x=1.0, z=0.5, p=2.0, y=2.0))
    assert [(each.tensor, each.source, each.ratio) for each in found] == [("p", "x", 0.5), ("y", "z", 0.25)]
    assert str(found[0]).endswith("ratio 0.500; it has the codes of 'x'")


def test_what_only_reorders_needs_no_row():
    graph = graph_of(Layer("f", Flatten(), ("x",), "y"), shape=(1, 2, 3, 3), layout="NCHW")
    assert scale_breaks(graph, scales(x=1.0)) == ()
    with pytest.raises(MissingRangeError, match="y"):
        scale_breaks(graph_of(dense("a", "x", "y")), scales(x=1.0))


def test_a_scale_of_zero_is_no_traceback():
    graph = graph_of(
        Layer("r", Relu(), ("x",), "p"), Layer("q", Relu(), ("x",), "q"), Layer("s", Add(), ("p", "q"), "y")
    )
    (found,) = scale_breaks(graph, scales(x=1.0, p=1.0, q=0.0, y=1.0))
    assert found.ratio == float("inf")

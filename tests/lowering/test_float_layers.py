"""Layers that a target has no integer form for: left in float32, or refused by name."""

import numpy as np
import pytest

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.lowering.lower import lower
from int8sim.model.errors import UnsupportedLayersError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.leaky_relu import LeakyRelu
from int8sim.ops.lrn import Lrn
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.softmax import Softmax

IMAGE = TensorType((1, 2, 12, 12), "float32", "NCHW")


def lowered(*ops, profile="nvdla", **options):
    """Layers one behind the other, `layer0` to the last; every tensor at scale 0.1."""
    names = ["x", *(f"t{i}" for i in range(len(ops)))]
    chain = [Layer(f"layer{i}", op, (names[i],), names[i + 1]) for i, op in enumerate(ops)]
    graph = float_graph("net", chain, {"x": IMAGE}, [names[-1]], {})
    return lower(graph, Table({name: Row(0.1) for name in names}), profile=profile, **options)


@pytest.mark.parametrize(
    ("op", "reason"),
    [
        (Lrn(3, 1.0, 0.75, 1.0), "lrn has no integer form there"),
        (LeakyRelu(0.1), "leaky_relu has no integer form there"),
        (AveragePool((9, 2)), "average_pool over 9 x 2 is larger than 8, where its reciprocals end"),
    ],
)
def test_a_layer_that_nvdla_has_not(op, reason):
    with pytest.raises(UnsupportedLayersError) as caught:
        lowered(MaxPool((1, 1)), op, MaxPool((1, 1)), float_layers=False)
    assert caught.value.layers == {"layer1": reason}
    assert str(caught.value).startswith(f"nvdla cannot compute layer 'layer1': {reason}. ")
    assert "--float-layers" in str(caught.value)
    assert any("layer1" in note for note in lowered(MaxPool((1, 1)), op, MaxPool((1, 1))).notes)


def test_a_sum_with_a_constant():
    constants = {"c": np.ones((1, 4), np.float32)}
    graph = float_graph("net", [Layer("sum", Add(), ("x", "c"), "y")], {"x": TensorType((1, 4))}, ["y"], constants)
    table = Table({"x": Row(0.1), "y": Row(0.1)})
    with pytest.raises(UnsupportedLayersError, match="layer 'sum': add of a constant has no integer form there"):
        lower(graph, table, profile="nvdla", float_layers=False)


def test_every_layer_is_named():
    with pytest.raises(UnsupportedLayersError, match=r"'layer0': lrn .*; layer 'layer1': leaky_relu"):
        lowered(Lrn(3, 1.0, 0.75, 1.0), LeakyRelu(0.1), float_layers=False)


def test_what_its_software_computes_is_left():
    """The softmax, and what only moves its values, for NVDLA; a target that says nothing has no such software."""
    graph = lowered(Softmax(1), MaxPool((1, 1)), float_layers=False)
    assert any("softmax stays in float32" in note for note in graph.notes)
    with pytest.raises(UnsupportedLayersError, match="softmax"):
        lowered(Softmax(1), profile="tensorrt", float_layers=False)

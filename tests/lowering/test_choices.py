"""Weight scales per tensor or per channel, layers that stay in float32, ranges of a graph's own: every target."""

import numpy as np
import pytest

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.lowering.own_ranges import own_ranges
from int8sim.model.errors import GraphError, ParameterError, UnknownNameError, UnsupportedLayersError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu
from int8sim.profiles.registry import profiles

RNG = np.random.default_rng(11)
SHAPES = {"w": (2, 1, 3, 3), "wb": (2,), "gamma": (2,), "beta": (2,), "mean": (2,), "u": (3, 2, 1, 1), "v": (4, 12)}
CONSTANTS = {name: RNG.standard_normal(shape).astype(np.float32) for name, shape in SHAPES.items()}
CONSTANTS["variance"] = np.float32([0.5, 2.0])
X = {"x": RNG.standard_normal((3, 1, 6, 6)).astype(np.float32)}
LAYERS = [
    Layer("first", Conv2d(), ("x", "w", "wb"), "a"),
    Layer("norm", BatchNormalization(1e-5), ("a", "gamma", "beta", "mean", "variance"), "b"),
    Layer("relu", Relu(), ("b",), "c"),
    Layer("pool", MaxPool((2, 2), (2, 2)), ("c",), "d"),
    Layer("second", Conv2d(), ("d", "u"), "e"),
    Layer("flat", Flatten(), ("e",), "f"),
    Layer("last", FullyConnected(), ("f", "v"), "y"),
]
NETWORK = float_graph("net", LAYERS, {"x": TensorType((1, 1, 6, 6), "float32", "NCHW")}, ["y"], CONSTANTS)
TENSORS = run(NETWORK, X, backend="reference", keep="all")
TABLE = Table.from_ranges({name: (min(0.0, each.min()), max(0.0, each.max())) for name, each in TENSORS.items()})
TARGETS = sorted(profiles())


def lowered(profile="tflite_reference", preset="mixed", **choices) -> Graph:
    return lower(NETWORK, TABLE, profile=profile, preset=preset, **choices)


def weight_axes(graph):
    return {layer.name: graph.tensors[layer.inputs[1]].quant.axis for layer in graph.layers if layer.op.weighted}


def real_layers(graph):
    moves = {"quantize", "dequantize"}
    return {layer.name for layer in graph.layers if layer.arithmetic is None and layer.op.name not in moves}


@pytest.mark.parametrize("profile", TARGETS)
def test_one_scale_a_tensor(profile):
    """Every target runs it; the scale is that of the greatest weight, so codes of other channels are smaller."""
    graph = lowered(profile, weights="tensor")
    assert set(weight_axes(graph).values()) == {None}
    assert set(run(graph, X, backend="reference")) == {"y"}
    codes = np.abs(graph.constants["second_weight"].astype(int)).reshape(3, -1).max(1)
    greatest = np.abs(CONSTANTS["u"]).reshape(3, -1).max(1)
    assert np.array_equal(codes, np.rint(greatest / greatest.max() * 127))


@pytest.mark.parametrize("profile", TARGETS)
def test_one_scale_a_channel_where_the_target_has_them(profile):
    kinds = profiles()[profile].weights.per_channel
    if not kinds:
        with pytest.raises(ParameterError, match=f"weights is 'channel'; allowed: tensor: {profile} has one scale"):
            lowered(profile, weights="channel")
        return
    graph = lowered(profile, weights="channel")
    expected = {layer.name: 0 if layer.op.kind in kinds else None for layer in LAYERS if layer.op.weighted}
    assert weight_axes(graph) == weight_axes(lowered(profile)) == expected


@pytest.mark.parametrize("profile", TARGETS)
@pytest.mark.parametrize("name", ["second", "pool", "relu", "norm"])
def test_a_layer_excluded_by_name(profile, name):
    """The layer and what is folded or fused with it; what only moves values behind it follows; the rest is integer."""
    graph = lowered(profile, exclude=[name])
    together = {"second": {"second", "flat"}, "pool": {"pool"}}
    assert real_layers(graph) == together.get(name, {"first", "relu", "pool"})
    asked = [note for note in graph.notes if note.endswith("stays in float32, as asked")]
    assert len(asked) == 1
    followers = [note for note in graph.notes if note.endswith("as its input does")]
    assert len(followers) == len(graph.notes) - 1 - sum("forces" in note or "gives way" in note for note in graph.notes)
    assert set(run(graph, X, backend="reference")) == {"y"}


def test_everything_excluded_is_the_float_network():
    graph = lowered(exclude=[layer.name for layer in LAYERS if layer.name != "norm"])
    assert real_layers(graph) == {layer.name for layer in LAYERS} - {"norm"}
    assert {layer.op.name for layer in graph.layers} == {"conv2d", "relu", "max_pool", "flatten", "fully_connected"}


def test_first_and_last_layer():
    graph = lowered(float_ends=True)
    assert real_layers(graph) == {"first", "relu", "pool", "last"}
    assert real_layers(lowered(float_ends=True, exclude=["second"])) >= {"first", "second", "last"}


def test_choices_that_cannot_be():
    with pytest.raises(UnknownNameError, match="unknown layer to exclude 'third'; known: first, flat, last"):
        lowered(exclude=["third"])
    with pytest.raises(UnknownNameError, match="unknown granularity of weights 'row'; known: channel, tensor"):
        lowered(weights="row")
    with pytest.raises(UnsupportedLayersError) as caught:
        lowered("nvdla", exclude=["second"], float_layers=False)
    assert list(caught.value.layers) == ["second"]
    assert "it is to stay in float32" in str(caught.value)


@pytest.mark.parametrize("profile", TARGETS)
@pytest.mark.parametrize("preset", ["performance", "mixed"])
def test_a_graphs_own_ranges_make_it_once_more(profile, preset):
    """Scale and zero point of every tensor come back, by the name of the float tensor; so does every code."""
    graph = lowered(profile, preset)
    again = lower(NETWORK, own_ranges(graph), profile=profile, preset=preset)
    assert {name: kind.quant for name, kind in again.tensors.items()} == {
        name: kind.quant for name, kind in graph.tensors.items()
    }
    first, second = (run(each, X, backend="reference", keep="all") for each in (graph, again))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert own_ranges(graph).provenance.producer == graph.name


def test_own_ranges_of_a_zero_point_reach_from_code_to_code():
    graph = lowered("onnxruntime", "mixed")
    quant, row = graph.tensors["c"].quant, own_ranges(graph)["c"]
    assert (row.low, row.high) == (-quant.zero_point * quant.scale, (255 - quant.zero_point) * quant.scale)
    assert row.threshold >= row.high
    assert own_ranges(lowered("nvdla"))["c"] == Row(lowered("nvdla").tensors["c"].quant.scale)
    with pytest.raises(GraphError, match="'net' has no quantized tensor"):
        own_ranges(NETWORK)

"""Two lowered graphs: exactly the parameters that differ are named."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.analysis.pairs import Change, layer_pairs
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.lowering.lower import lower
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.softmax import Softmax

WEIGHTS = {"w": np.array([[1, 2], [3, 4], [5, 7]], np.float32), "b": np.array([1, 2, 3], np.float32)}


def network(weights=WEIGHTS):
    layers = [Layer("fc", FullyConnected(), ("x", "w", "b"), "y"), Layer("soft", Softmax(1), ("y",), "z")]
    return float_graph("net", layers, {"x": TensorType((1, 2))}, ["z"], weights)


def lowered(scale=0.5, profile="tflite_reference", preset="performance", weights=WEIGHTS):
    table = Table({"x": Row(0.25, -1.0, 2.0), "y": Row(scale, -3.0, 3.0), "z": Row(0.0078125)})
    return lower(network(weights), table, profile=profile, preset=preset)


def found(first, second):
    return {pair.layer: pair for pair in layer_pairs(first, second)}


def test_a_graph_and_itself():
    pairs = found(lowered(), lowered())
    assert list(pairs) == ["quantize_x", "fc", "soft"]
    assert not any(pair.changes for pair in pairs.values())


def test_a_scale_changes_what_follows_from_it():
    pairs = found(lowered(0.5), lowered(0.25))
    assert pairs["quantize_x"].changes == ()
    assert pairs["fc"].changes == (Change("scale", "0.5", "0.25"), Change("output multiplier", "3 of 3 differ", ""))
    assert [change.what for change in pairs["soft"].changes] == ["exponential shift", "exponential difference_min"]
    (shift, _), steps = (
        pairs["soft"].changes,
        [lowered(each).layers[2].arithmetic["exponential"] for each in (0.5, 0.25)],
    )
    assert [int(shift.first), int(shift.second)] == [step.parameters["shift"] for step in steps]


def test_one_weight_and_one_bias():
    """The greatest |weight| stays, so every scale does: one code of six, one of three."""
    other = {"w": WEIGHTS["w"].copy(), "b": WEIGHTS["b"].copy()}
    other["w"][0, 0] = -1
    other["b"][2] = 30
    pairs = found(lowered(), lowered(weights=other))
    expected = (Change("weight", "1 of 6 differ", ""), Change("bias", "1 of 3 differ", ""))
    assert pairs["fc"].changes == expected
    assert str(expected[0]) == "weight: 1 of 6 differ"


@pytest.mark.parametrize("profile", ["nvdla", "tensorrt"])
def test_another_target(profile):
    """Another function, no bias among the constants, a softmax in float32; what only one graph has."""
    first, second = lowered(), lowered(profile=profile)
    pairs = found(first, second)
    assert (pairs["soft"].first, pairs["soft"].second) == ("int8", "float32")
    assert Change("constants", "2", "1") in pairs["fc"].changes
    name = second.layers[1].arithmetic["output"].function.__name__
    assert Change("output", first.layers[1].arithmetic["output"].function.__name__, name) in pairs["fc"].changes
    alone = found(first, replace(second, layers=second.layers[:1]))
    assert (alone["fc"].first, alone["fc"].second, alone["fc"].changes) == ("int8", "", ())
    assert [pair.layer for pair in layer_pairs(replace(second, layers=second.layers[:1]), first)] == [
        "quantize_x",
        "fc",
        "soft",
    ]


def test_layers_of_other_names_are_paired_by_what_they_compute():
    first, second = lowered(0.5), lowered(0.25)
    renamed = replace(second, layers=tuple(replace(layer, name=f"other_{layer.name}") for layer in second.layers))
    assert found(first, renamed) == found(first, second)
    strange = replace(renamed, layers=tuple(replace(layer, covers=("none",)) for layer in renamed.layers[:2]))
    names = [(pair.layer, pair.first, pair.second) for pair in layer_pairs(first, strange)]
    alone = [("other_quantize_x", "", "int8"), ("other_fc", "", "int8")]
    assert names == [("quantize_x", "int8", ""), ("fc", "int8", ""), ("soft", "int8", ""), *alone]

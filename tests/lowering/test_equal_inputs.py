"""One scale for the inputs of a sum: which input keeps its own, chains of sums, groups, and the switch."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.lowering.equal_inputs import Rewrite, equalize
from int8sim.lowering.lower import lower
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu
from int8sim.profiles.nvdla import converter
from int8sim.profiles.registry import profile

f32 = np.float32


def chosen(sums, order, scales, leaders=None):
    """The scales after the pass, and what it reports."""
    rows = {name: (name, Row(scale)) for name, scale in scales.items()}
    found = equalize(sums, order, leaders or {name: name for name in order}, rows)
    return {name: row.scale for name, (_, row) in rows.items()}, found


@pytest.mark.parametrize("inputs", [["a", "b"], ["b", "a"]])
def test_the_input_that_is_computed_last_keeps_its_scale(inputs):
    scales, found = chosen([("sum", inputs)], ["a", "b"], {"a": 2.0, "b": 3.0})
    assert scales == {"a": 3.0, "b": 3.0}
    assert found == [Rewrite("sum", "a", "b", 2.0, 3.0)]


def test_equal_scales_are_left_alone():
    assert chosen([("sum", ["a", "b"]), ("twice", ["a", "a"])], ["a", "b"], {"a": 2.0, "b": 2.0})[1] == []


def test_a_later_sum_reads_and_overwrites_what_an_earlier_one_wrote():
    """a takes b's scale, then c's, and b keeps its own: sums are taken one after the other, and only once."""
    scales, found = chosen([("s", ["a", "b"]), ("t", ["c", "a"])], ["a", "b", "c"], {"a": 1.0, "b": 2.0, "c": 3.0})
    assert scales == {"a": 3.0, "b": 2.0, "c": 3.0}
    assert [(each.before, each.after, each.by) for each in found] == [(1.0, 2.0, "b"), (2.0, 3.0, "c")]


def test_tensors_that_share_a_scale_are_overwritten_together():
    scales, found = chosen([("s", ["p", "b"])], ["a", "p", "b"], {"a": 1.0, "b": 2.0}, {"a": "a", "p": "a", "b": "b"})
    assert scales == {"a": 2.0, "b": 2.0}
    assert found == [Rewrite("s", "p", "b", 1.0, 2.0)]


def residual(first_bottom):
    """x -> fc1 -> relu -> fc2, and fc2 + relu; the sum reads them in either order."""
    weight = np.eye(4, dtype=f32)
    pair = ("r", "b") if first_bottom == "r" else ("b", "r")
    layers = [
        Layer("fc1", FullyConnected(), ("x", "w"), "a"),
        Layer("relu", Relu(), ("a",), "r"),
        Layer("fc2", FullyConnected(), ("r", "w"), "b"),
        Layer("sum", Add(), pair, "s"),
        Layer("last", Relu(), ("s",), "y"),
    ]
    return float_graph("net", layers, {"x": TensorType((1, 4))}, ["y"], {"w": weight})


TABLE = Table({"x": Row(0.01), "a": Row(0.5), "r": Row(0.02), "b": Row(0.03), "s": Row(0.7), "y": Row(0.04)})


@pytest.mark.parametrize("first_bottom", ["r", "b"])
@pytest.mark.parametrize("name", ["nvdla", "nvdla_per_filter"])
def test_everything_that_reads_the_tensor_takes_the_new_scale(first_bottom, name):
    lowered = lower(residual(first_bottom), TABLE, profile=name)
    scales = {tensor: kind.quant.tensor_scale for tensor, kind in lowered.tensors.items() if tensor in "rb"}
    assert scales == {"r": 0.03, "b": 0.03}
    combine = next(layer for layer in lowered.layers if layer.name == "sum").arithmetic["combine"].parameters
    assert (combine["scale"], combine["truncate"]) == converter(float(f32(0.03) / f32(0.04)))
    assert "r: the table's scale 0.02 gives way to b's 0.03" in lowered.notes


def test_the_switch_leaves_the_table_as_it_is():
    plain = replace(profile("nvdla"), equal_inputs=frozenset())
    lowered = lower(residual("b"), TABLE, profile=plain)
    assert [lowered.tensors[name].quant.tensor_scale for name in "rb"] == [0.02, 0.03]
    assert not any("gives way" in note for note in lowered.notes)
    wrong = "sum: it adds codes at scales 0.03 and 0.02 as they are, so the sum is wrong; give its inputs one scale"
    assert wrong in lowered.notes


def test_other_targets_add_tensors_of_different_scales():
    for name in ("tensorrt", "onnxruntime", "tflite_reference"):
        lowered = lower(residual("b"), TABLE, profile=name)
        assert lowered.tensors["r"].quant.tensor_scale != lowered.tensors["b"].quant.tensor_scale


def test_a_pool_before_the_sum_takes_its_input_along():
    """Codes only move through a pool: what it reads gets the new scale too."""
    layers = [
        Layer("pool", MaxPool((1, 1)), ("x",), "p"),
        Layer("conv", Conv2d(), ("x", "w"), "c"),
        Layer("sum", Add(), ("c", "p"), "y"),
    ]
    weight = {"w": np.eye(2, dtype=f32)[:, :, None, None]}
    graph = float_graph("net", layers, {"x": TensorType((1, 2, 2, 2), "float32", "NCHW")}, ["y"], weight)
    table = Table({"x": Row(0.01), "p": Row(0.01), "c": Row(0.02), "y": Row(0.03)})
    lowered = lower(graph, table, profile="nvdla")
    assert [lowered.tensors[name].quant.tensor_scale for name in ("x_quantized", "p", "c")] == [0.02] * 3

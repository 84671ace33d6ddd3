"""Layers of a lowered network against the float one: from definitions written out here, on the reference backend."""

import math

import numpy as np
import pytest

from int8sim.analysis import batches as cutting
from int8sim.analysis.layers import layer_report
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.errors import UnmatchedGraphsError
from int8sim.model.table import Table
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.lrn import Lrn
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu

RNG = np.random.default_rng(7)
WEIGHTS = {
    "w": RNG.standard_normal((2, 1, 3, 3)).astype(np.float32) * np.float32([1, 8])[:, None, None, None],
    "b": RNG.standard_normal(2).astype(np.float32),
    "v": RNG.standard_normal((3, 8)).astype(np.float32),
}
X = {"x": RNG.standard_normal((6, 1, 6, 6)).astype(np.float32)}


def network(middle=None):
    """x -> conv, relu -> pool -> (middle ->) flat -> fc."""
    layers = [
        Layer("conv", Conv2d(), ("x", "w", "b"), "conv"),
        Layer("relu", Relu(), ("conv",), "relu"),
        Layer("pool", MaxPool((2, 2), (2, 2)), ("relu",), "pool"),
        *([Layer("middle", middle, ("pool",), "middle")] if middle else []),
        Layer("flat", Flatten(), ("middle" if middle else "pool",), "flat"),
        Layer("fc", FullyConnected(), ("flat", "v"), "fc"),
    ]
    return float_graph("net", layers, {"x": TensorType((1, 1, 6, 6), "float32", "NCHW")}, ["fc"], WEIGHTS)


def ranges(graph):
    tensors = run(graph, X, backend="reference", keep="all")
    return tensors, Table.from_ranges({name: (values.min(), values.max()) for name, values in tensors.items()})


@pytest.fixture(scope="module")
def lowered():
    """Network, its float tensors, its integer form with a clipped range behind the pool, the report by layer."""
    graph = network()
    tensors, table = ranges(graph)
    table = Table({**table, "fc": table["fc"].from_range("fc", float(np.abs(tensors["fc"]).max()) / 2)})
    integer = lower(graph, table, profile="tflite_reference", preset="mixed")
    report = {entry.layer: entry for entry in layer_report(graph, integer, [X], backend="reference")}
    return graph, tensors, integer, report


def decibels(x, y):
    return 10 * math.log10((x.astype(np.float64) ** 2).sum() / ((x.astype(np.float64) - y) ** 2).sum())


def dequantized(codes, kind):
    return (codes.astype(np.float64) - kind.quant.zero_point) * kind.quant.scale


def test_every_layer_has_its_float_tensor(lowered):
    _, tensors, integer, report = lowered
    expected = {"quantize_x": "x", "conv": "relu", "pool": "pool", "flat": "flat", "fc": "fc"}
    assert {name: entry.tensor for name, entry in report.items()} == expected
    for layer in integer.layers:
        if layer.name in report:
            entry, kind = report[layer.name], integer.tensors[layer.output]
            assert (entry.dtype, entry.scale, entry.zero_point) == ("int8", kind.quant.scale, kind.quant.zero_point)
            assert entry.values == tensors[entry.tensor].size


def test_whole_errors_are_those_of_the_integer_run(lowered):
    _, tensors, integer, report = lowered
    found = run(integer, X, backend="reference", keep="all")
    for layer in integer.layers[:-1]:
        entry, kind = report[layer.name], integer.tensors[layer.output]
        x, y = tensors[entry.tensor], dequantized(found[layer.output], kind)
        assert math.isclose(entry.sqnr, decibels(x, y), rel_tol=1e-12)
        cosine = (x * y).sum() / np.linalg.norm(x.astype(np.float64)) / np.linalg.norm(y)
        assert math.isclose(entry.cosine, cosine, rel_tol=1e-12)
        assert math.isclose(entry.max_lsb, np.abs(x - y).max() / kind.quant.scale, rel_tol=1e-12)
        assert entry.unused == 256 - len(set(found[layer.output].ravel().tolist()))


def test_local_errors_are_those_of_one_layer_on_quantized_float_tensors(lowered):
    _, tensors, integer, report = lowered
    for layer in integer.layers[1:-1]:
        names = [name for name in layer.inputs if name not in integer.constants]
        given = []
        for name in names:
            quant = integer.tensors[name].quant
            source = report[integer.producer(name).name].tensor
            codes = np.rint(tensors[source].astype(np.float64) / quant.scale) + quant.zero_point
            given.append(np.clip(codes, quant.low, quant.high).astype(quant.dtype))
        inputs = [*given, *(integer.constants[name] for name in layer.inputs[len(names) :])]
        kind = integer.tensors[layer.output]
        codes = layer.op.reference(integer.types(layer), kind, layer.arithmetic, inputs)
        expected = decibels(tensors[report[layer.name].tensor], dequantized(codes, kind))
        assert math.isclose(report[layer.name].local_sqnr, expected, rel_tol=1e-12)
    assert report["quantize_x"].local_sqnr == report["quantize_x"].sqnr


def test_clipping_accumulators_and_spread(lowered):
    """Half of the range is cut off behind `fc`; the second channel of `conv` has weights eight times as large."""
    _, tensors, integer, report = lowered
    quant, x = integer.tensors["fc_quantized"].quant, tensors["fc"].astype(np.float64)
    steps = x / quant.scale + quant.zero_point
    assert report["fc"].saturated_high == (steps > 127.5).mean()
    assert report["fc"].saturated_low == (steps < -128.5).mean()
    assert report["fc"].saturated_low + report["fc"].saturated_high > 0
    assert report["conv"].saturated_low == 0, "a ReLU's zeros are no clipped values"
    greatest = np.abs(WEIGHTS["w"]).reshape(2, -1).max(1)
    assert math.isclose(report["conv"].spread, greatest.max() / greatest.min(), rel_tol=1e-6)
    layer = integer.producer("conv") or integer.producer("relu")
    found = run(integer, X, backend="reference", keep="all")
    inputs = [found[layer.inputs[0]], *(integer.constants[name] for name in layer.inputs[1:])]
    shape = (6, *integer.tensors[layer.output].shape[1:])
    every = [
        layer.op.accumulator(integer.types(layer), layer.arithmetic, inputs, place) for place in np.ndindex(*shape)
    ]
    assert report["conv"].accumulator == (min(every), max(every))
    assert report["pool"].accumulator is report["pool"].bits is report["pool"].spread is None


def test_batches_change_nothing(lowered, monkeypatch):
    graph, _, integer, report = lowered
    monkeypatch.setattr(cutting, "VALUES", 500)
    assert cutting.piece(graph) < 6
    parts = [{"x": X["x"][:1]}, {"x": X["x"][1:]}]
    assert layer_report(graph, integer, parts, backend="reference") == list(report.values())


def test_a_layer_that_stays_float_has_no_codes():
    graph = network(Lrn(3, 1.0, 0.75, 1.0))
    _, table = ranges(graph)
    integer = lower(graph, table, profile="nvdla")
    found = {entry.layer: entry for entry in layer_report(graph, integer, [X], backend="reference")}
    middle = found["middle"]
    assert middle.dtype == "float32"
    assert (middle.scale, middle.local_sqnr, middle.max_lsb, middle.saturated_low, middle.unused) == (None,) * 5
    assert 0 < middle.sqnr < math.inf
    assert found["fc"].local_sqnr > 0


def test_graphs_that_do_not_belong_together(lowered):
    graph, _, integer, _ = lowered
    other = float_graph("other", [Layer("r", Relu(), ("x",), "r")], {"x": TensorType((1, 4))}, ["r"], {})
    with pytest.raises(UnmatchedGraphsError, match=r"input 'x': float32\[1, 4\] and float32\[1, 1, 6, 6\] NCHW"):
        layer_report(other, integer, [], backend="reference")
    same = float_graph("same", [Layer("r", Relu(), ("x",), "r")], {"x": graph.tensors["x"]}, ["r"], {})
    with pytest.raises(UnmatchedGraphsError, match="no tensor of one stands for a tensor of the other"):
        layer_report(same, integer, [], backend="reference")

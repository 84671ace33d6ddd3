"""Single layers in C, beside those of whole networks: the ops' own examples, float islands, networks of others."""

import numpy as np
import pytest

import int8sim
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.tensor import TensorType
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.conv_transpose import ConvTranspose
from int8sim.ops.dynamic_conv2d import DynamicConv2d
from int8sim.ops.dynamic_fully_connected import DynamicFullyConnected
from int8sim.ops.pad import Pad
from int8sim.ops.weighted_sum import WeightedSum

from ..conformance.test_backends import Variant, all_cases, float_layer, one_layer, samples, table
from ..importers.onnx_models import saved
from ..importers.test_real_networks import model_of
from ..kernels.test_accumulation import codes, kind
from .called import address, compare, library_of

ISLANDS = [
    Variant("", BatchNormalization(), ((1, 3, 4, 5), (3,), (3,), (3,), (3,)), "NCHW", (1, 2, 3, 4)),
    Variant("", ConvTranspose((2, 1), (1, 0, 0, 1), (1, 2), 2), ((1, 4, 3, 5), (4, 3, 3, 2), (6,)), "NCHW", (1, 2)),
    Variant("", WeightedSum((0.5, -1.0, 3.0)), ((1, 4, 3), (1, 4, 3), (1, 1, 3))),
]


def compared_in_c(cases, folder):
    """How many values of (graph, inputs) were compared."""
    named = {f"n{i}": case for i, case in enumerate(cases)}
    library = library_of({name: graph for name, (graph, _) in named.items()}, folder)
    return sum(compare(library, name, graph, inputs) for name, (graph, inputs) in named.items())


def test_float_islands_and_padding(tmp_path, compared):
    """Layers that stay in float32, and a value of padding that is not zero."""
    graphs = [float_layer(variant) for variant in ISLANDS]
    x = kind((1, 2, 3, 2), zero_point=-9, layout="NHWC")
    padded = one_layer(
        Pad((0, 1, 0, 0, 0, 0, 2, 1), 5.0), (x,), kind((1, 3, 5, 3), zero_point=-9, layout="NHWC"), {}, {}
    )
    cases = [(graph, samples(graph, 3, 30)) for graph in graphs] + [(padded, {"x0": codes(31, (2, 2, 3, 2))})]
    compared(compared_in_c(cases, tmp_path), 1000)


@pytest.mark.slow
def test_every_example(tmp_path, compared):
    """Of every op, in integers and in float32."""
    cases = []
    for (case,) in (each.values for each in all_cases()):
        arrays, real = case.arrays(), case.output.quant is None and not case.arithmetic
        constants = {i: arrays[i] for i in case.constants}
        graph = one_layer(case.op, case.types, case.output, None if real else case.arithmetic, constants)
        cases.append((graph, {f"x{i}": array for i, array in enumerate(arrays) if i not in constants}))
    compared(compared_in_c(cases, tmp_path), len(cases))


def dynamic(op, x_shape, w_shape, seed, layout=""):
    """A layer of that op with int8 weights, one scale and zero point a channel."""
    rng = np.random.default_rng(seed)
    constants = {
        "w": codes(seed, w_shape).astype(np.float32),
        "scales": rng.uniform(0.001, 0.1, w_shape[0]).astype(np.float32),
        "zeros": rng.integers(-5, 5, w_shape[0]).astype(np.float32),
    }
    x = TensorType(x_shape, "float32", layout)
    return float_graph("dynamic", [Layer("layer", op, ("x", *constants), "y")], {"x": x}, ["y"], constants)


@pytest.mark.slow
def test_ranges_of_each_sample(tmp_path, compared):
    """Dynamically quantized layers; values that have no range are refused."""
    graphs = [
        dynamic(DynamicConv2d((2, 1), (1, 0, 1, 2), (1, 2), 2), (1, 4, 5, 6), (6, 2, 3, 2), 40, "NCHW"),
        dynamic(DynamicConv2d(pads=(1, 1, 1, 1), group=4), (1, 5, 6, 4), (4, 1, 3, 3), 41, "NHWC"),
        dynamic(DynamicFullyConnected(), (1, 3, 9), (5, 9), 42),
    ]
    library = library_of({f"n{i}": graph for i, graph in enumerate(graphs)}, tmp_path)
    cases = [(graph, samples(graph, 4, 50)) for graph in graphs]
    compared(sum(compare(library, f"n{i}", *case) for i, case in enumerate(cases)))
    for wrong in (np.nan, np.inf, 1e-45):
        x, y = np.zeros((2, 3, 9), np.float32), np.zeros((2, 3, 5), np.float32)
        assert library["n2_run"](address(x), address(y), 2) == 0
        x[0, 1, 4] = wrong
        assert library["n2_run"](address(x), address(y), 2) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["orientation classifier", "text detector", "text recognizer"])
def test_networks_of_others(tmp_path, name, compared):
    """Lowered for ONNX Runtime: what that has no integers for stays in float32."""
    graph = int8sim.load(saved(model_of(name), tmp_path))
    lowered = int8sim.lower(graph, table(graph), profile="onnxruntime")
    assert any(layer.arithmetic is None for layer in lowered.layers)
    (source,) = graph.inputs
    x = np.random.default_rng(6).standard_normal((1, *graph.tensors[source].shape[1:])).astype(np.float32)
    compared(compared_in_c([(lowered, {source: x})], tmp_path))

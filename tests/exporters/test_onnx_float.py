"""Float32 layers without an integer form, written as ONNX: ONNX Runtime computes the same within float32's rounding."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_quantizer import run_file

from int8sim.exporters.onnx import write_layers
from int8sim.exporters.onnx_float import WRITERS
from int8sim.exporters.onnx_model import OnnxModel
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.model.errors import NotExportableError
from int8sim.model.tensor import TensorType
from int8sim.ops.conv_transpose import ConvTranspose
from int8sim.ops.lrn import Lrn
from int8sim.ops.normalize import Normalize
from int8sim.ops.power import Power
from int8sim.ops.prelu import Prelu
from int8sim.ops.reduce_mean import ReduceMean
from int8sim.ops.registry import ops
from int8sim.ops.resize_weighted import ResizeWeighted
from int8sim.ops.weighted_sum import WeightedSum

NCHW, NHWC = (TensorType((1, *shape), layout=layout) for shape, layout in (((4, 5, 6), "NCHW"), ((5, 6, 4), "NHWC")))
HALVES = (0, (1.0,)), (0, (0.25, 0.5, 0.25)), (2, (0.5, 0.5))
HARDER = [
    (ConvTranspose((2, 3), (1, 0, 1, -2), (1, 1), 2), [NCHW], [(4, 3, 3, 2), (6,)]),
    (ConvTranspose((2, 2), (0, 1, 1, 0), (2, 1)), [NHWC], [(4, 3, 2, 2)]),
    (Lrn(3, 0.5, 0.75, 1.0), [NHWC], []),
    (Normalize((1, 2), 0.01), [NHWC], [(4,), (4,)]),
    (Normalize((2, 3), 0.01), [NCHW], [(4, 1, 1), (4, 1, 1)]),
    (Power(2.0, 0.5, 3.0), [NCHW], []),
    (Power(-1.0, 0.25, 4.0), [NCHW], []),
    (Prelu(), [NCHW], [(4,)]),
    (ReduceMean((2, 3), keepdims=False), [NCHW], []),
    (ResizeWeighted(HALVES, HALVES), [NHWC], []),
    (WeightedSum((1.0, -0.5, 2.0)), [NCHW] * 3, []),
]
"""Op, activations' types, constants' shapes."""


def graph_of(op, kinds, constants):
    """One layer. constants: arrays, its last inputs."""
    inputs = {f"x{place}": kind for place, kind in enumerate(kinds)}
    values = {f"w{place}": np.asarray(array, np.float32) for place, array in enumerate(constants)}
    return float_graph("island", [Layer("y", op, (*inputs, *values), "y")], inputs, ["y"], values)


def assert_near(graph, inputs, folder):
    """How many values are near. The interpreted definition, which needs no compiler."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    path = folder / "island.onnx"
    path.write_bytes(write_layers(OnnxModel(graph)).SerializeToString())
    found, expected = run(graph, inputs, backend="reference")["y"], run_file(path, inputs, ["y"], optimized=False)["y"]
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
    return found.size


@pytest.mark.parametrize("name", sorted(WRITERS))
def test_the_ops_own_examples_are_the_engines(name, tmp_path):
    cases = [case for case in ops()[name].cases() if not case.arithmetic]
    for case in cases:
        arrays = dict(enumerate(case.arrays()))
        constants = [arrays.pop(place) for place in case.constants]
        kinds = [case.types[place] for place in arrays]
        if any(not weights for _, weights in getattr(case.op, "columns", ())) or getattr(case.op, "within_channel", 0):
            with pytest.raises(NotExportableError):
                write_layers(OnnxModel(graph_of(case.op, kinds, constants)))
            continue
        inputs = {f"x{place}": np.ascontiguousarray(array) for place, array in enumerate(arrays.values())}
        assert_near(graph_of(case.op, kinds, constants), inputs, tmp_path)
    assert cases


@pytest.mark.parametrize(("op", "kinds", "shapes"), HARDER)
def test_larger_layers_are_the_engines(op, kinds, shapes, tmp_path):
    rng = np.random.default_rng(5)
    graph = graph_of(op, kinds, [rng.standard_normal(shape) for shape in shapes])
    inputs = {
        name: rng.standard_normal((2, *graph.tensors[name].shape[1:])).astype(np.float32) for name in graph.inputs
    }
    assert assert_near(graph, inputs, tmp_path) > 0


def test_a_transposed_convolution_that_adds_too_much_is_refused():
    graph = graph_of(ConvTranspose((1, 1), (0, 0, -1, 0)), [NCHW], [np.zeros((4, 3, 2, 2))])
    with pytest.raises(NotExportableError, match="add more cells"):
        write_layers(OnnxModel(graph))

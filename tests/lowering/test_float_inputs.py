"""A quantized network behind a quantize layer computes what the lowered one does."""

from dataclasses import replace

import numpy as np
import pytest

from int8sim.graph.check import check, float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.lowering.float_inputs import float_inputs
from int8sim.lowering.lower import lower
from int8sim.model.table import Table
from int8sim.model.tensor import TensorType
from int8sim.ops.fully_connected import FullyConnected
from int8sim.profiles.registry import profiles


@pytest.mark.parametrize("profile", sorted(profiles()))
def test_real_values_in_the_same_outputs_out(profile, compared):
    weight = np.random.default_rng(1).standard_normal((5, 3)).astype(np.float32)
    network = float_graph(
        "net", [Layer("fc", FullyConnected(), ("x", "w"), "y")], {"x": TensorType((1, 3))}, ["y"], {"w": weight}
    )
    graph = lower(network, Table.from_ranges({"x": (-1.0, 2.0), "y": (-4.0, 3.0)}), profile=profile, preset="mixed")
    assert float_inputs(graph) is graph
    codes = replace(graph, layers=graph.layers[1:], inputs=("x_quantized",))
    codes = replace(codes, tensors={name: kind for name, kind in graph.tensors.items() if name != "x"})
    check(codes)
    real = float_inputs(codes)
    check(real)
    assert real.inputs == ("x_quantized",)
    assert real.tensors["x_quantized"].dtype == "float32"
    x = np.random.default_rng(2).uniform(-3, 3, (40, 3)).astype(np.float32)
    expected = run(graph, {"x": x}, backend="reference", keep="all")
    found = run(real, {"x_quantized": x}, backend="reference", keep="all")
    assert np.array_equal(found["x_quantized_quantized"], expected["x_quantized"])
    assert np.array_equal(found["y"], expected["y"])
    compared(found["y"].size + x.size)

"""Whole networks in both engines: every tensor of every layer."""

import numpy as np
import pytest
from exporter_compare import compare, engine
from exporter_networks import attention, digits, images, island, lenet, minmax, residual

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op

pytestmark = pytest.mark.engine

PROFILES = ("onnxruntime", "tflite_reference")
PRESETS = ("performance", "mixed")


@pytest.fixture(scope="module")
def calibrated_lenet():
    graph, inputs = lenet(), digits()
    return graph, minmax(graph, inputs), inputs


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("profile", PROFILES)
def test_lenet_on_a_thousand_digits(calibrated_lenet, profile, preset, compared):
    graph, table, inputs = calibrated_lenet
    counts = compare(lower(graph, table, profile=profile, preset=preset), inputs, profile)
    compared(sum(counts.values()), 20_514_000, profile)
    assert set(counts) == {"quantize", "conv2d", "max_pool", "flatten", "fully_connected", "softmax", "dequantize"}


@pytest.mark.parametrize("profile", PROFILES)
def test_lenet_with_one_scale_for_a_weight_tensor(calibrated_lenet, profile, compared):
    graph, table, inputs = calibrated_lenet
    lowered = lower(graph, table, profile=profile, preset="mixed", weights="tensor")
    some = {name: values[:100] for name, values in inputs.items()}
    compared(sum(compare(lowered, some, profile).values()), 2_051_400, f"{profile}, weights per tensor")


@pytest.mark.parametrize("preset", PRESETS)
def test_lenet_as_written_gives_the_same_outputs(calibrated_lenet, preset):
    """Without the extra outputs, ONNX Runtime is free to fuse and to change layouts."""
    graph, table, inputs = calibrated_lenet
    compare(lower(graph, table, profile="onnxruntime", preset=preset), inputs, "onnxruntime", keep="outputs")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("profile", PROFILES)
def test_residual_network(profile, layout, preset, compared):
    for seed in range(3):
        graph = residual(seed, layout)
        inputs = images(graph, seed)
        lowered = lower(graph, minmax(graph, inputs), profile=profile, preset=preset)
        counts = compare(lowered, inputs, profile)
        assert {"add", "concat", "global_average_pool", "average_pool", "clip", "softmax"} <= set(counts)
        compared(sum(counts.values()), what=profile)
        if profile == "onnxruntime":
            compare(lowered, inputs, profile, keep="outputs")


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("profile", PROFILES)
def test_attention_network(profile, preset, compared):
    graph = attention(5)
    inputs = images(graph, 5)
    counts = compare(lower(graph, minmax(graph, inputs), profile=profile, preset=preset), inputs, profile)
    assert {"matmul", "transpose", "reshape", "pad", "max_pool"} <= set(counts)
    compared(sum(counts.values()), what=profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_hard_sigmoid_in_float32_is_the_engines(profile, compared):
    layer = Layer("y", op("hard_sigmoid")(float(np.float32(0.2)), 0.5), ("x",), "y")
    graph = float_graph("gate", [layer], {"x": TensorType((1, 500), "float32")}, ["y"], {})
    inputs = {"x": 3 * images(graph, 7)["x"]}
    counts = compare(lower(graph, minmax(graph, inputs), profile=profile), inputs, profile)
    compared(counts["hard_sigmoid"], 32_000, profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_float_islands_run_in_the_engines_own_float_arithmetic(profile):
    graph = island(3)
    inputs = images(graph, 3)
    lowered = lower(graph, minmax(graph, inputs), profile=profile, preset="mixed")
    assert any("norm" in note for note in lowered.notes)
    mine, theirs = run(lowered, inputs, keep="all"), engine(profile)(lowered, inputs)
    for layer in lowered.layers:
        if layer.arithmetic is None:
            np.testing.assert_allclose(theirs[layer.output], mine[layer.output], rtol=1e-5, atol=1e-6)
    quantized = lowered.layers[3].output
    assert np.abs(theirs[quantized].astype(int) - mine[quantized].astype(int)).max() <= 1

"""Networks by ONNX Runtime's dynamic quantizer: the products of integers are the engine's, bit for bit."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx_quantizer import node_outputs, optimized, run_file

import int8sim
from int8sim.model.errors import LayerError, UnsupportedOperatorError

from .onnx_models import loaded, model, node
from .test_onnx_quantized import vnni
from .test_onnx_trained import layers_alone
from .zoo import written

pytestmark = pytest.mark.engine

BATCH = 3
RANGE = node("DynamicQuantizeLinear", "x", "codes s z")
W = {"w": np.ones((4, 2), np.int8), "ws": np.float32(0.5), "wz": np.int8(0), "wide": np.float32([0.5, 0.25])}


def quantized(name, folder, weights, channels):
    """(the file, whose batch is open; inputs)."""
    from onnxruntime.quantization import QuantType, quantize_dynamic

    path, samples = written(name, folder)
    proto = onnx.load(path)
    proto.graph.input[0].type.tensor_type.shape.dim[0].dim_param = "N"
    target = folder / "dynamic.onnx"
    quantize_dynamic(proto, target, weight_type=QuantType[weights], per_channel=channels)
    return target, {"x": np.concatenate([each["x"] * (place + 1) for place, each in enumerate(samples[:BATCH])])}


@pytest.mark.parametrize(("weights", "channels"), [("QInt8", True), ("QInt8", False), ("QUInt8", False)])
@pytest.mark.parametrize(("name", "products"), [("mlp", 3), ("line", 3), ("mobile", 5)])
def test_every_product_is_the_engines(name, products, weights, channels, tmp_path, compared):
    """The range is that of the batch."""
    vnni()
    path, inputs = quantized(name, tmp_path, weights, channels)
    graph = int8sim.load(path)
    names = [each for each in node_outputs(path) if each in graph.tensors]
    assert [layer.op.whole for layer in graph.layers if layer.op.kind == "dynamic"] == [True] * products
    for optimizes in (False, True):
        counts = layers_alone(graph, inputs, run_file(path, inputs, names, optimizes))
    compared(sum(each for op, each in counts.items() if op.startswith("dynamic")), 0, name)


def test_the_engines_own_fused_operators_are_read(tmp_path, compared):
    vnni()
    path, inputs = quantized("mlp", tmp_path, "QInt8", False)
    fused = optimized(path, tmp_path / "fused.onnx")
    assert "DynamicQuantizeMatMul" in {each.op_type for each in onnx.load(fused).graph.node}
    graph = int8sim.load(fused)
    names = [each for each in node_outputs(fused) if each in graph.tensors]
    counts = layers_alone(graph, inputs, run_file(fused, inputs, names))
    compared(sum(each for op, each in counts.items() if op.startswith("dynamic")), 0, "fused")


CHAIN = [RANGE, node("MatMulInteger", "codes w z wz", "i"), node("Cast", "i", "f", to=1)]


def test_scales_that_do_not_fit(tmp_path):
    nodes = [*CHAIN, node("Mul", "s three", "m"), node("Mul", "f m", "y")]
    with pytest.raises(LayerError, match=r"its scales are .*\[3\]; \[1\] or \[2\] is needed"):
        loaded(model(nodes, {"x": ["N", 4]}, constants={**W, "three": np.ones(3, np.float32)}), tmp_path)


REFUSED = [
    ([node("DynamicQuantizeLinear", "x", "codes"), node("MatMulInteger", "codes w", "y")], "otherwise than by"),
    ([RANGE, node("DequantizeLinear", "codes s z", "y")], "otherwise than by MatMulInteger"),
    ([RANGE, node("MatMulInteger", "codes w z wz", "y")], "otherwise than by MatMulInteger"),
    (
        [
            RANGE,
            node("MatMulInteger", "codes w - wz", "i"),
            *([node("Cast", "i", "f", to=1), node("Mul", "s ws", "m"), node("Mul", "f m", "y")]),
        ],
        "otherwise than by MatMulInteger",
    ),
]


@pytest.mark.parametrize(("nodes", "reason"), REFUSED)
def test_chains_that_are_not_read(nodes, reason, tmp_path):
    with pytest.raises(UnsupportedOperatorError, match=reason):
        loaded(model(nodes, {"x": ["N", 4]}, constants=W), tmp_path)

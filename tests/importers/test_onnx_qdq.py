"""QDQ models as people write them, not only as the quantizer does: what ONNX Runtime fuses, int8sim computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
import pytest
from onnx_quantizer import INT8_ALLOWED, node_outputs, run_file

import int8sim
from int8sim.graph.run import run

from .test_onnx_quantized import vnni
from .zoo import Net

pytestmark = pytest.mark.engine

SIGNED = {"uint8": 0, "int8": -128}


class Qdq(Net):
    """A model written with pairs. dtype: of the activations' codes."""

    def __init__(self, shape: tuple[int, ...] = (1, 4, 6, 6), dtype: str = "uint8", seed: int = 0) -> None:
        super().__init__(shape, seed)
        self.dtype = dtype

    def parameters(self, scale: Any, zero_point: Any, dtype: str) -> list[str]:
        return [self.constant(np.float32(scale)), self.constant(np.array(zero_point, dtype))]

    def pair(self, x: str, scale: float = 0.03, zero_point: int = 128) -> str:
        """Real values through codes. zero_point: of uint8 codes."""
        parameters = self.parameters(scale, zero_point + SIGNED[self.dtype], self.dtype)
        return self("DequantizeLinear", self("QuantizeLinear", x, *parameters), *parameters)

    def codes(self, *shape: int, scales: int = 1, axis: int = 0) -> str:
        """A weight of int8 codes, dequantized."""
        scale = self.rng.uniform(0.005, 0.01, scales) if scales > 1 else 0.008
        parameters = self.parameters(scale, np.zeros(scales) if scales > 1 else 0, "int8")
        values = self.constant(self.rng.integers(-127, 128, shape).astype(np.int8))
        return self("DequantizeLinear", values, *parameters, axis=axis)

    def sums(self, count: int, scale: float) -> str:
        """A bias of int32 codes, dequantized."""
        values = self.constant(self.rng.integers(-3000, 3000, count).astype(np.int32))
        return self("DequantizeLinear", values, *self.parameters(scale, 0, "int32"))


def real_bias(n: Qdq) -> onnx.ModelProto:
    x = n.pair("x", 0.02)
    one = n.pair(n("Relu", n("Conv", x, n.codes(8, 4, 3, 3, scales=8), n.weight(8))), 0.011, 0)
    return n.model(n.pair(n("Conv", one, n.codes(6, 8, 1, 1), n.weight(6))))


def real_weight(n: Qdq) -> onnx.ModelProto:
    """Of ConvTranspose too, which stays real."""
    x = n.pair(n("Conv", n.pair("x", 0.02), n.weight(8, 4, 3, 3), n.weight(8)), 0.02)
    y = n.pair(n("ConvTranspose", x, n.weight(8, 6, 2, 2), n.weight(6), strides=[2, 2]))
    return n.model(n.pair(n("Gemm", n.pair(n("Flatten", y), 0.03), n.weight(384, 5)), 0.05))


def pairs_afar(n: Qdq) -> onnx.ModelProto:
    """Moves stand between the operators and their pairs."""
    x = n("Transpose", n("Transpose", n.pair("x", 0.02), perm=[0, 2, 3, 1]), perm=[0, 3, 1, 2])
    y = n("MaxPool", n.relu(n("Conv", x, n.codes(8, 4, 3, 3), n.weight(8))), kernel_shape=[2, 2], strides=[2, 2])
    flat = n.pair(n("Reshape", n("Slice", y, n.ints(0), n.ints(6), n.ints(1)), n.ints(1, 24)), 0.02, 0)
    return n.model(n("Unsqueeze", n.pair(n("Gemm", flat, n.codes(24, 5)), 0.05), n.ints(1)))


def real_results(n: Qdq) -> onnx.ModelProto:
    """Products whose results are not quantized."""
    x = n.pair(n("Flatten", n.pair("x", 0.02)), 0.02)
    a = n("Gemm", x, n.codes(6, 144), n.sums(6, 0.02 * 0.008), transB=1)
    b = n("MatMul", x, n.codes(144, 6, scales=6, axis=1))
    rows = n.pair(n("Reshape", n.pair("x", 0.02), n.ints(1, 4, 36)), 0.02)
    columns = n.pair(n("Transpose", rows, perm=[0, 2, 1]), 0.02)
    return n.model(a, b, n("MatMul", rows, columns))


def split(n: Qdq) -> onnx.ModelProto:
    x = n.pair(n("Conv", n.pair("x", 0.02), n.codes(8, 4, 1, 1)))
    a, b = (n.pair(each) for each in n("Split", x, outputs=2, axis=1))
    return n.model(n.pair(n("Add", a, b), 0.05), n.pair(n("Mul", a, n.pair(n("Sigmoid", b), 0.004, 0)), 0.02))


MODELS: Mapping[str, Callable[[Qdq], onnx.ModelProto]] = {
    each.__name__: each for each in (real_bias, real_weight, pairs_afar, real_results, split)
}

REAL = {"conv_transpose", "multiply"}
"""What stays real: the engine has no integer transposed convolution; scales one a column, behind a product."""


@pytest.mark.parametrize("dtype", ["uint8", "int8"])
@pytest.mark.parametrize("name", MODELS)
def test_every_code_of_a_written_qdq_model_is_the_engines(name, dtype, tmp_path, compared):
    vnni()
    net = Qdq(dtype=dtype)
    path = tmp_path / "model.onnx"
    onnx.save(MODELS[name](net), path)
    inputs = {"x": np.random.default_rng(1).uniform(-2, 2, net.shape).astype(np.float32)}
    graph = int8sim.load(path)
    codes = {layer.output for layer in graph.layers} & set(node_outputs(path, "QuantizeLinear"))
    expected = run_file(path, inputs, [*codes, *graph.outputs], **{INT8_ALLOWED: "1"})
    found = run(graph, inputs, keep="all")
    assert {layer.op.name for layer in graph.layers if layer.arithmetic is None} <= REAL, graph.notes
    for tensor, values in expected.items():
        assert found[tensor].dtype == values.dtype, tensor
        assert np.array_equal(found[tensor], values), tensor
    compared(sum(values.size for values in expected.values()), 0, name)

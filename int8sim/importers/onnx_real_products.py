"""Readers of products of codes whose result is real: float32(accumulator) times float32(Sx * Sw), and a real bias.

Source: microsoft/onnxruntime:docs/ContribOperators.md (QGemm without a scale of its output, MatMulIntegerToFloat).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from int8sim.graph.ir import Layer
from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_operators import READERS as FLOAT
from int8sim.importers.onnx_quantized_network import Coded, QuantizedNetwork
from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams
from int8sim.ops.add import Add
from int8sim.ops.base import Op
from int8sim.ops.dequantize import Dequantize
from int8sim.ops.matmul import Matmul
from int8sim.ops.multiply import Multiply


def read_real_gemm(net: QuantizedNetwork, node: Node) -> None:
    """QGemm without a scale of its output; int32 C."""
    _by_constant(net, node, "Gemm", (1, 2), (4, 5), 3, node.input(6))


def read_integer_to_float(net: QuantizedNetwork, node: Node) -> None:
    """MatMulIntegerToFloat: A, B, their scales, their zero points, a real bias."""
    if node.input(1) in net.values:
        _by_constant(net, node, "MatMul", (2, 4), (3, 5), 1, "")
        return
    a, b = net.codes(node, 0, 2, 4), net.codes(node, 1, 3, 5)
    scale = np.float32(net.types[a].quantized.tensor_scale) * np.float32(net.types[b].quantized.tensor_scale)
    part = _part(net, node, "sum")
    net.integer(part, Matmul(), (a, b), _sums(scale))
    _finish(net, node, part.output, np.asarray(scale))


def _by_constant(
    net: QuantizedNetwork, node: Node, operator: str, x: tuple[int, int], w: tuple[int, int], place: int, bias: str
) -> None:
    """x, w: where the scale and the zero point of each stand; place: where the weight does."""
    codes = net.codes(node, 0, *x)
    weight = net.quant(node, *w, net.constant(node, place, "weight").dtype.name)
    scales = np.float32(net.types[codes].quantized.tensor_scale) * np.array(weight.scales, np.float32)
    part = _part(net, node, "sum")
    own = (codes, node.input(place)), part.outputs, node.attributes
    sums = _sums(scales[0] if scales.size == 1 else np.float32(1))
    net.coded(Coded(operator, part.layer, *own, sums, weight, bias), FLOAT[operator])
    _finish(net, node, part.output, scales)


def _part(net: QuantizedNetwork, node: Node, role: str) -> Node:
    """The node under another name, for a layer of its own."""
    name = net.fresh(f"{node.layer}_{role}")
    return replace(node, layer=name, outputs=(name,))


def _sums(scale: np.float32) -> QuantParams:
    return QuantParams(float(scale), 0, None, "int32")


def _finish(net: QuantizedNetwork, node: Node, sums: str, scales: Array) -> None:
    """Accumulators to real values, by one scale or one a column; then the bias."""
    last = node if not node.input(6) or node.operator.endswith("QGemm") else _part(net, node, "product")
    if scales.size == 1:
        net.integer(last, Dequantize(), (sums,), None)
    else:
        real = _part(net, node, "numbers")
        net.integer(real, Dequantize(), (sums,), None)
        _with(net, last, Multiply(), real.output, scales)
    if last is not node:
        _with(net, node, Add(), last.output, net.floats(node, 6, "bias"))


def _with(net: QuantizedNetwork, node: Node, op: Op, x: str, values: Array) -> None:
    net.write(Layer(node.layer, op, (x, net.derived(node.layer, "operand", values)), node.output))

"""One function per quantized ONNX operator (QOperator form), and the table of them; the float ones are read as ever.

An operator's scales and zero points are constants among its inputs. Products are read by the reader of the float
operator, which sees a node with x and weight only (onnx_quantized_network.py). Sources: onnx/onnx:docs/Operators.md;
com.microsoft: microsoft/onnxruntime:docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from int8sim.importers import onnx_dynamic as dynamic
from int8sim.importers.onnx_channels_last import either, read_nhwc_max_pool
from int8sim.importers.onnx_codes import CODES as CONSTANTS
from int8sim.importers.onnx_codes import dequantized, quantized
from int8sim.importers.onnx_file import FLOAT32, UINT8, Node, code_dtype
from int8sim.importers.onnx_operators import READERS as FLOAT
from int8sim.importers.onnx_quantized_network import Coded, QuantizedNetwork
from int8sim.importers.onnx_real_products import read_integer_to_float, read_real_gemm
from int8sim.model.tensor import BITS, QuantParams
from int8sim.ops.add import Add
from int8sim.ops.base import Op
from int8sim.ops.clip import Clip
from int8sim.ops.concat import Concat
from int8sim.ops.dequantize import Dequantize
from int8sim.ops.leaky_relu import LeakyRelu
from int8sim.ops.matmul import Matmul
from int8sim.ops.multiply import Multiply
from int8sim.ops.quantize import Quantize
from int8sim.ops.relu import Relu
from int8sim.ops.requantize import Requantize
from int8sim.ops.sigmoid import Sigmoid
from int8sim.ops.softmax import Softmax
from int8sim.spec.affine import dequantize

Reader = Callable[[QuantizedNetwork, Node], None]

SLOPE = float(np.float32(0.01))
"""LeakyRelu's where none is stated."""
SUM = QuantParams(1.0, 0, None, "int32")
"""Of an accumulator that no operator gives a scale."""
NAMES = frozenset(
    {"QuantizeLinear", "DequantizeLinear", "ConvInteger", "MatMulInteger", "MatMulIntegerToFloat", "QGemm"}
)
STEMS = ("QLinear", "QAttention", "DynamicQuantize")


def read_quantize(net: QuantizedNetwork, node: Node) -> None:
    """QuantizeLinear: real values to codes of one scale; of a constant, at once."""
    element = node.integer("output_dtype", 0)
    dtype = net.constant(node, 2, "zero point").dtype if node.input(2) else code_dtype(element or UINT8)
    constant = node.input(0) in net.values
    if dtype.name not in (CONSTANTS if constant else BITS) or (node.integer("block_size", 0) and not constant):
        raise node.refused(f"it makes {dtype.name} codes, or codes in blocks, of an activation", BITS)
    if constant:
        net.define(node, quantized(net, node, dtype))
        return
    x = net.activation(node)
    if net.types[x].quant:
        raise node.misfit(f"{x!r} is {net.types[x]}; real values are quantized")
    net.integer(node, Quantize(), (x,), net.tensor_quant(node, 1, 2, dtype.name))


def read_dequantize(net: QuantizedNetwork, node: Node) -> None:
    """DequantizeLinear: codes to real values; of a constant, at once."""
    if node.input(0) in net.values:
        net.define(node, dequantized(net, node))
    else:
        net.integer(node, Dequantize(), (net.codes(node, 0, 1, 2),), None)


def read_conv(net: QuantizedNetwork, node: Node) -> None:
    """QLinearConv: x, weight and output with scale and zero point each, int32 bias."""
    _product(net, node, "Conv", 6, 8)


def read_gemm(net: QuantizedNetwork, node: Node) -> None:
    """QGemm with a constant B; int32 C, which beta does not scale. Without a scale of its own the output is real."""
    if node.real("alpha", 1.0) != 1.0:
        raise node.refused("alpha is not 1")
    if node.input(7):
        _product(net, node, "Gemm", 7, 6)
    else:
        read_real_gemm(net, node)


def _product(net: QuantizedNetwork, node: Node, operator: str, result: int, bias: int) -> None:
    """x and a constant weight, by the float operator's reader. result: where the output's scale is."""
    x = net.codes(node, 0, 1, 2)
    weight = net.quant(node, 4, 5, net.constant(node, 3, "weight").dtype.name)
    y = net.tensor_quant(node, result, result + 1, net.types[x].dtype)
    if weight.dtype not in {"int8", net.types[x].dtype}:
        raise node.refused(f"x is {net.types[x].dtype}, the weight {weight.dtype}; the engine has no such product")
    own = node.outputs, node.attributes
    net.coded(Coded(operator, node.layer, (x, node.input(3)), *own, y, weight, node.input(bias)), FLOAT[operator])


def read_matmul(net: QuantizedNetwork, node: Node) -> None:
    """QLinearMatMul: by a constant matrix a fully connected layer, by another activation a matrix product."""
    if node.input(3) in net.values:
        _product(net, node, "MatMul", 6, 8)
        return
    a, b = net.codes(node, 0, 1, 2), net.codes(node, 3, 4, 5)
    net.integer(node, Matmul(), (a, b), net.tensor_quant(node, 6, 7, net.types[a].dtype))


def _sums(operator: str) -> Reader:
    """ConvInteger, MatMulInteger: codes and constant weights with zero points, no scales; the accumulator, int32."""

    def read(net: QuantizedNetwork, node: Node) -> None:
        x, weight = net.counts(node, 0, 2), net.constant(node, 1, "weight")
        zeros = net.zeros(node, 3, weight.dtype.name)
        if zeros.dtype.name not in BITS or not zeros.size:
            raise node.refused(f"its weight's zero point is {zeros.dtype.name}[{zeros.size}]; codes are needed", BITS)
        one, codes = zeros.size == 1, tuple(zeros.tolist())
        quant = QuantParams(1.0, codes[0]) if one else QuantParams((1.0,) * zeros.size, codes, 0)
        own = node.outputs, node.attributes, SUM, replace(quant, dtype=zeros.dtype.name)
        net.coded(Coded(operator, node.layer, (x, node.input(1)), *own), FLOAT[operator])

    return read


def _of_two(op: Op) -> Reader:
    """QLinearAdd, QLinearMul: two operands, constants or activations, which broadcast."""

    def read(net: QuantizedNetwork, node: Node) -> None:
        a, b = net.operand(node, 0, 1, 2), net.operand(node, 3, 4, 5)
        net.integer(node, op, (a, b), net.tensor_quant(node, 6, 7, net.type_of(a).dtype))

    return read


def _of_one(make: Callable[[QuantizedNetwork, Node, str], Op]) -> Reader:
    """x and the output with scale and zero point each. make: the op, by the name of x."""

    def read(net: QuantizedNetwork, node: Node) -> None:
        x = net.codes(node, 0, 1, 2)
        net.integer(node, make(net, node, x), (x,), net.tensor_quant(node, 3, 4, net.types[x].dtype))

    return read


def _softmax(net: QuantizedNetwork, node: Node, x: str) -> Softmax:
    """Attribute opset: up to 12 all axes from `axis` on count as one."""
    shape = net.shape(x)
    axis = net.axis(node, node.integer("axis", -1), len(shape))
    if node.integer("opset", 13) < 13 and any(size != 1 for size in net.types[x].shape[axis + 1 :]):
        raise node.refused(f"before opset 13 axis {axis} means all axes from there on of {net.types[x]}")
    return Softmax(axis)


def _pool(operator: str) -> Reader:
    """By the float operator's reader."""

    def read(net: QuantizedNetwork, node: Node) -> None:
        x = net.codes(node, 0, 1, 2)
        y = net.tensor_quant(node, 3, 4, net.types[x].dtype)
        net.coded(Coded(operator, node.layer, (x,), node.outputs, node.attributes, y), FLOAT[operator])

    return read


def read_concat(net: QuantizedNetwork, node: Node) -> None:
    """QLinearConcat: output scale and zero point first, then three inputs a part. One part on axis 0: another scale."""
    if len(node.inputs) < 5 or len(node.inputs) % 3 != 2:
        raise node.misfit(f"it has {len(node.inputs)} inputs; two and three for each part are needed")
    parts = [net.codes(node, place, place + 1, place + 2) for place in range(2, len(node.inputs), 3)]
    if len(parts) == 1 and node.integer("axis", None) == 0:
        op: Op = Requantize()
    else:
        op = Concat(net.axis(node, node.integer("axis", None), len(net.shape(parts[0]))))
    net.integer(node, op, parts, net.tensor_quant(node, 0, 1, net.types[parts[0]].dtype))


def read_cast(net: QuantizedNetwork, node: Node) -> None:
    """Cast of codes to float: the numbers that they are."""
    x = net.activation(node)
    if node.integer("to", None) != FLOAT32:
        raise node.refused("it casts codes to another type than float32")
    net.integer(node, Dequantize(), (net.read_as(node, 0, QuantParams(1.0, 0, None, net.types[x].dtype)),), None)


def read_clip(net: QuantizedNetwork, node: Node) -> None:
    """Clip of codes, whose bounds are codes."""
    x = net.activation(node)
    quant = net.types[x].quantized
    low, high = net.code(node, 1, quant.low), net.code(node, 2, quant.high)
    if low > high:
        raise node.misfit(f"its minimum {low} is above its maximum {high}")
    minimum, maximum = (dequantize(code, quant.tensor_scale, quant.tensor_zero_point) for code in (low, high))
    net.integer(node, Clip(minimum, maximum), (x,), quant, (low, high))


def read_relu(net: QuantizedNetwork, node: Node) -> None:
    """Relu of codes: the greater of the code and 0; the real one where the zero point is 0."""
    x = net.activation(node)
    quant = net.types[x].quantized
    if quant.tensor_zero_point:
        raise node.refused(f"it is of codes whose zero point is {quant.tensor_zero_point}; 0 is read")
    net.integer(node, Relu(), (x,), quant)


def read_pad(net: QuantizedNetwork, node: Node) -> None:
    """Pad of codes, with the code of real zero."""
    quant = net.types[net.activation(node)].quantized
    code = net.code(node, 2, 0)
    if code != quant.tensor_zero_point:
        raise node.refused(f"it pads with the code {code}, and the zero point is {quant.tensor_zero_point}")
    FLOAT["Pad"](net, replace(node, inputs=(*node.inputs[:2], "", *node.inputs[3:])))


READERS: Mapping[str, Reader] = {
    "ConvInteger": _sums("Conv"),
    "DequantizeLinear": read_dequantize,
    "DynamicQuantizeLinear": dynamic.read_range,
    "MatMulInteger": _sums("MatMul"),
    "QLinearConv": read_conv,
    "QLinearMatMul": read_matmul,
    "QuantizeLinear": read_quantize,
    "com.microsoft.DequantizeLinear": read_dequantize,
    "com.microsoft.DynamicQuantizeMatMul": dynamic.read_matmul,
    "com.microsoft.MatMulIntegerToFloat": read_integer_to_float,
    "com.microsoft.QGemm": read_gemm,
    "com.microsoft.QLinearAdd": _of_two(Add()),
    "com.microsoft.NhwcMaxPool": read_nhwc_max_pool,
    "com.microsoft.QLinearAveragePool": either(_pool("AveragePool")),
    "com.microsoft.QLinearConcat": read_concat,
    "com.microsoft.QLinearConv": either(read_conv),
    "com.microsoft.QLinearGlobalAveragePool": either(_pool("GlobalAveragePool")),
    "com.microsoft.QLinearLeakyRelu": _of_one(lambda _net, node, _x: LeakyRelu(node.real("alpha", SLOPE))),
    "com.microsoft.QLinearMul": _of_two(Multiply()),
    "com.microsoft.QLinearSigmoid": _of_one(lambda *_: Sigmoid()),
    "com.microsoft.QLinearSoftmax": _of_one(_softmax),
    "com.microsoft.QuantizeLinear": read_quantize,
}
"""Quantized operator -> what reads a node of it."""

CODES: Mapping[str, Reader] = {"Cast": read_cast, "Clip": read_clip, "Pad": read_pad, "Relu": read_relu}
"""Float operator -> what reads a node of it whose input is codes."""

SUPPORTED = tuple(sorted(READERS))


def is_quantized(operator: str) -> bool:
    """Whether an operator, its domain in front, is one of quantized networks."""
    name = operator.rpartition(".")[2]
    return name in NAMES or name.startswith(STEMS)


def read(net: QuantizedNetwork, node: Node) -> None:
    """One node, by its operator and by whether its first input is codes."""
    first = net.types.get(net.resolve(node.input(0)))
    readers = [READERS, CODES, FLOAT] if first is not None and first.quant else [READERS, FLOAT]
    own = {dynamic.CONV: dynamic.read_conv}
    next(each[node.operator] for each in (own, *readers) if node.operator in each)(net, node)

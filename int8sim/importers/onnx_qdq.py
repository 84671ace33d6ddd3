"""A QDQ graph in QOperator form: what stands between DequantizeLinear and QuantizeLinear becomes a quantized operator.

An operator is taken if every tensor that it reads comes from a DequantizeLinear of 8-bit codes, weights and int32 bias
included, and only a QuantizeLinear reads its result; a Relu or Clip between the two goes where the codes' own range
implies it. That is what ONNX Runtime's optimizer fuses (with session.qdqisint8allowed for int8 activations, which it
leaves in float32 on x86 otherwise); without optimizations it computes such a graph in float32, to other codes:
docs/quantized-onnx.md says how far off. Operators that only move values are taken if the scale stays.
Everything else stays as it is: float32 operators between the pairs.

Source: microsoft/onnxruntime:onnxruntime/core/optimizer/qdq_transformer/selectors_actions/.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from int8sim.importers.onnx_file import Model, Node
from int8sim.importers.onnx_pairs import CODES, DEQUANTIZE, QUANTIZE, Pairs, Quantized, made_by
from int8sim.importers.onnx_qdq_moves import moved
from int8sim.importers.onnx_qdq_weights import CLAMPS, with_codes
from int8sim.model.step import Array
from int8sim.model.tensor import dtype_range

MOVES = frozenset(
    {"DepthToSpace", "Flatten", "Gather", "MaxPool", "Reshape", "Resize", "Slice", "Squeeze", "Transpose", "Unsqueeze"}
)
"""Operators whose first input's values are the output's."""
CLOSE = 1e-4
"""By how much a bias's scale may differ from the product of its layer's scales, relatively: codes count there."""


def fused(model: Model) -> Model:
    """The model with quantized operators in place of every operator between pairs."""
    with np.errstate(all="ignore"):  # scales that are none are refused where a layer has them
        found = _Pairs(with_codes(moved(model)))
        return replace(found.model, nodes=tuple(found.needed(found.rewritten())))


class _Pairs(Pairs):
    """The model's pairs, and what takes their place."""

    def rewritten(self) -> Iterator[Node]:
        """Every node: a fused operator in the place of its QuantizeLinear, its own node left out."""
        made = {node.output: self._fused(node) for node in self.model.nodes if node.operator in QUANTIZE}
        made |= {node.output: self._real(node) for node in self.model.nodes if node.operator in REAL}
        gone = {id(each) for pair in made.values() if pair for each in pair[1:]}
        for node in self.model.nodes:
            pair = made.get(node.output)
            if pair:
                yield pair[0]
            elif id(node) not in gone:
                yield node

    def needed(self, nodes: Iterator[Node]) -> list[Node]:
        """Without the DequantizeLinears that nothing reads any more."""
        every = list(nodes)
        read = {*self.model.outputs, *(name for node in every for name in node.inputs)}
        return [node for node in every if node.operator not in DEQUANTIZE or not read.isdisjoint(node.outputs)]

    def _fused(self, quantize: Node) -> tuple[Node, ...] | None:
        """The quantized operator, and the nodes whose place it takes; None where there is none."""
        result = made_by(quantize)
        clamp, node = None, self.only(quantize.input(0))
        if node and node.operator in CLAMPS and self._is_implied(node, result):
            clamp, node = node, self.only(node.input(0))
        if node is None or (node.operator not in FUSIONS and node.operator not in MOVES):
            return None
        made = self._moved(node, result) if node.operator in MOVES else FUSIONS[node.operator](self, node, result)
        return (made, node, *([clamp] if clamp else [])) if made else None

    def _real(self, node: Node) -> tuple[Node, ...] | None:
        """A product of codes whose result stays real; not where an Add takes it, which the engine fuses with it."""
        readers = [each.operator for each in self.readers.get(node.output, []) if each]
        if readers == ["Add"] or not QUANTIZE.isdisjoint(readers):
            return None
        made = REAL[node.operator](self, node, None)
        return (made,) if made else None

    def _is_implied(self, clamp: Node, result: Quantized) -> bool:
        """Whether codes cannot stand for anything outside the clamp."""
        scale, zero = self.value(result.scale), self.value(result.zero_point)
        if scale is None or zero is None or (scale.size, zero.size) != (1, 1) or zero.dtype.name not in CODES:
            return False
        ends = [(code - int(zero.reshape(()))) * float(scale.reshape(())) for code in dtype_range(zero.dtype.name)]
        bounds = [0.0, np.inf] if clamp.operator == "Relu" else self._clip(clamp)
        return bounds is not None and bounds[0] <= ends[0] and ends[1] <= bounds[1]

    def _clip(self, node: Node) -> list[float] | None:
        if self.model.opset < 11:
            return [node.real("min", -np.inf), node.real("max", np.inf)]
        values = [self.value(node.input(place)) if node.input(place) else None for place in (1, 2)]
        if any(node.input(place) and not _is_one(value) for place, value in zip((1, 2), values, strict=True)):
            return None
        ends = zip(values, (-np.inf, np.inf), strict=True)
        return [end if value is None else float(value.reshape(())) for value, end in ends]

    def _moved(self, node: Node, result: Quantized) -> Node | None:
        """A Resize that is no mode nearest stays real: ONNX Runtime 1.31.1 leaves it there."""
        source = self.source(node.input(0)) if node.text("mode", "nearest") == "nearest" else None
        if source is None or not self.all_codes([source, result]) or not self.same([source, result]):
            return None
        return replace(node, inputs=(source.codes, *node.inputs[1:]), outputs=(result.codes,))

    def bias(self, node: Node, x: Quantized, weight: Quantized) -> str | None:
        """The name of int32 codes at the product of the scales; "" without a bias, None for another one."""
        if not node.input(2):
            return ""
        found = self.weight(node.input(2), 0)
        if found is None:
            return None
        codes, own, left, right = (self.value(name) for name in (found.codes, found.scale, x.scale, weight.scale))
        if codes is None or own is None or left is None or right is None or codes.dtype.name != "int32":
            return None
        product = left.reshape(-1) * right.reshape(-1)
        fits = own.size in {1, product.size} and np.allclose(own.reshape(-1), product, CLOSE, 0.0)
        return found.codes if fits else None


def _is_one(values: Array | None) -> bool:
    return values is not None and values.size == 1


Fuse = Callable[[_Pairs, Node, Quantized], Node | None]
QGEMM = "com.microsoft.QGemm"
TO_FLOAT = "com.microsoft.MatMulIntegerToFloat"


def _is_product(pairs: _Pairs, x: Quantized | None, weight: Quantized | None, y: Quantized | None) -> bool:
    """Whether the engine multiplies these: x and y of one type, the weight of the same, or int8 beside uint8."""
    if x is None or weight is None or not pairs.all_codes([x, y] if y else [x]):
        return False
    return pairs.dtype(weight) in {"int8", pairs.dtype(x)}


def _conv(pairs: _Pairs, node: Node, y: Quantized) -> Node | None:
    x, weight = pairs.source(node.input(0)), pairs.weight(node.input(1), 0)
    if x is None or weight is None or not _is_product(pairs, x, weight, y):
        return None
    bias = pairs.bias(node, x, weight)
    return None if bias is None else _made(node, "QLinearConv", [*x.names, *weight.names, *y.parameters, bias], y)


def _gemm(pairs: _Pairs, node: Node, y: Quantized | None) -> Node | None:
    plain = node.real("alpha", 1.0) == node.real("beta", 1.0) == 1.0
    x, weight = pairs.source(node.input(0)), pairs.weight(node.input(1), 0 if node.integer("transB", 0) else 1)
    if not plain or x is None or weight is None or not _is_product(pairs, x, weight, y):
        return None
    bias = pairs.bias(node, x, weight)
    result = y.parameters if y else []
    return None if bias is None else _made(node, QGEMM, [*x.names, *weight.names, bias, *result], y)


def _of_all(operator: str) -> Fuse:
    """Operators of one or two tensors of codes."""

    def fuse(pairs: _Pairs, node: Node, y: Quantized) -> Node | None:
        sources = [pairs.source(name) for name in node.inputs]
        if not pairs.all_codes([*sources, y]):
            return None
        return _made(node, operator, [*(name for each in sources if each for name in each.names), *y.parameters], y)

    return fuse


def _matmul(pairs: _Pairs, node: Node, y: Quantized | None) -> Node | None:
    a, b = pairs.source(node.input(0)), pairs.weight(node.input(1), 1)
    if a is None or b is None or not _is_product(pairs, a, b, y):
        return None
    if y is None:
        return _made(node, TO_FLOAT, [a.codes, b.codes, a.scale, b.scale, a.zero_point, b.zero_point], y)
    return _made(node, "QLinearMatMul", [*a.names, *b.names, *y.parameters], y)


def _concat(pairs: _Pairs, node: Node, y: Quantized) -> Node | None:
    sources = [pairs.source(name) for name in node.inputs]
    if not pairs.all_codes([*sources, y]):
        return None
    parts = [name for each in sources if each for name in each.names]
    return _made(node, "com.microsoft.QLinearConcat", [*y.parameters, *parts], y)


def _softmax(pairs: _Pairs, node: Node, y: Quantized) -> Node | None:
    made = _of_all("com.microsoft.QLinearSoftmax")(pairs, node, y)
    axis = node.integer("axis", -1 if pairs.model.opset >= 13 else 1)
    return replace(made, attributes={"axis": axis, "opset": pairs.model.opset}) if made else None


def _made(node: Node, operator: str, inputs: list[str], result: Quantized | None) -> Node:
    outputs = (result.codes,) if result else node.outputs
    return replace(node, operator=operator, inputs=tuple(inputs), outputs=outputs)


FUSIONS: Mapping[str, Fuse] = {
    "Add": _of_all("com.microsoft.QLinearAdd"),
    "AveragePool": _of_all("com.microsoft.QLinearAveragePool"),
    "Concat": _concat,
    "Conv": _conv,
    "Gemm": _gemm,
    "GlobalAveragePool": _of_all("com.microsoft.QLinearGlobalAveragePool"),
    "LeakyRelu": _of_all("com.microsoft.QLinearLeakyRelu"),
    "MatMul": _matmul,
    "Mul": _of_all("com.microsoft.QLinearMul"),
    "Sigmoid": _of_all("com.microsoft.QLinearSigmoid"),
    "Softmax": _softmax,
}
"""Float operator -> the quantized one of a node, or None where its tensors are not all codes."""

REAL: Mapping[str, Callable[[_Pairs, Node, None], Node | None]] = {"Gemm": _gemm, "MatMul": _matmul}
"""The same for nodes whose result stays real."""

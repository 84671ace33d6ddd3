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

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from int8sim.importers.onnx_file import Model, Node
from int8sim.model.step import Array
from int8sim.model.tensor import dtype_range

Q, DQ = "QuantizeLinear", "DequantizeLinear"
CODES = ("int8", "uint8")
MOVES = frozenset(
    {"DepthToSpace", "Flatten", "Gather", "MaxPool", "Reshape", "Resize", "Slice", "Squeeze", "Transpose", "Unsqueeze"}
)
"""Operators whose first input's values are the output's."""
CLOSE = 1e-4
"""By how much a bias's scale may differ from the product of its layer's scales, relatively: codes count there."""
CLAMPS = frozenset({"Relu", "Clip"})


def fused(model: Model) -> Model:
    """The model with quantized operators in place of every operator between pairs."""
    found = _Pairs(model)
    with np.errstate(all="ignore"):  # scales that are none are refused where a layer has them
        return replace(model, nodes=tuple(found.needed(found.rewritten())))


@dataclass(frozen=True)
class _Quantized:
    """A tensor's codes, scale and zero point by name, as a DequantizeLinear reads or a QuantizeLinear makes them."""

    codes: str
    scale: str
    zero_point: str

    @property
    def names(self) -> list[str]:
        return [self.codes, self.scale, self.zero_point]

    @property
    def parameters(self) -> list[str]:
        return [self.scale, self.zero_point]


class _Pairs:
    """The model by its tensors: who gives them, who reads them."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.producers = {name: node for node in model.nodes for name in node.outputs}
        self.readers: dict[str, list[Node | None]] = {name: [None] for name in model.outputs}
        for node in model.nodes:
            for name in node.inputs:
                self.readers.setdefault(name, []).append(node)

    def rewritten(self) -> Iterator[Node]:
        """Every node: a fused operator in the place of its QuantizeLinear, its own node left out."""
        made = {node.output: self._fused(node) for node in self.model.nodes if node.operator == Q}
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
        return [node for node in every if node.operator != DQ or not read.isdisjoint(node.outputs)]

    def _fused(self, quantize: Node) -> tuple[Node, ...] | None:
        """The quantized operator, and the nodes whose place it takes; None where there is none."""
        result = _Quantized(quantize.output, quantize.input(1), quantize.input(2))
        clamp, node = None, self._only(quantize.input(0))
        if node and node.operator in CLAMPS and self._is_implied(node, result):
            clamp, node = node, self._only(node.input(0))
        if node is None or (node.operator not in FUSIONS and node.operator not in MOVES):
            return None
        made = self._moved(node, result) if node.operator in MOVES else FUSIONS[node.operator](self, node, result)
        return (made, node, *([clamp] if clamp else [])) if made else None

    def _only(self, tensor: str) -> Node | None:
        """The producer of a tensor that has one reader; None for anything else."""
        node = self.producers.get(tensor)
        alone = node is not None and len(node.outputs) == 1 and len(self.readers[tensor]) == 1
        return node if alone else None

    def value(self, name: str) -> Array | None:
        """A constant of numbers that stands in the file."""
        node = self.producers.get(name)
        stated = node.attributes.get("value") if node and node.operator == "Constant" else None
        found = stated if isinstance(stated, np.ndarray) else self.model.values.get(name)
        return found if found is not None and found.dtype.kind in "iuf" else None

    def _is_implied(self, clamp: Node, result: _Quantized) -> bool:
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

    def source(self, tensor: str) -> _Quantized | None:
        """The codes of one scale behind a tensor of real values; None if no DequantizeLinear gives it."""
        found = self.weight(tensor, None)
        scale = self.value(found.scale) if found else None
        return found if scale is not None and scale.size == 1 else None

    def weight(self, tensor: str, axis: int | None) -> _Quantized | None:
        """The same where there may be one scale for each place along an axis; None: along any."""
        node = self.producers.get(tensor)
        if node is None or node.operator != DQ or node.attributes.get("block_size"):
            return None
        scale = self.value(node.input(1))
        if scale is None or (scale.size > 1 and axis not in {None, node.integer("axis", 1)}):
            return None
        return _Quantized(node.input(0), node.input(1), node.input(2))

    def dtype(self, tensor: _Quantized) -> str:
        """Of the codes, where the file says it."""
        for name in (tensor.zero_point, tensor.codes):
            values = self.value(name)
            if values is not None:
                return values.dtype.name
        return "uint8" if tensor.zero_point == "" else ""

    def all_codes(self, tensors: Sequence[_Quantized | None]) -> bool:
        """Whether each is there and of one 8-bit type."""
        found = {self.dtype(each) for each in tensors if each}
        return None not in tensors and len(found) == 1 and found <= set(CODES)

    def _moved(self, node: Node, result: _Quantized) -> Node | None:
        source = self.source(node.input(0))
        if source is None or not self.all_codes([source, result]) or not self._same(source, result):
            return None
        return replace(node, inputs=(source.codes, *node.inputs[1:]), outputs=(result.codes,))

    def _same(self, a: _Quantized, b: _Quantized) -> bool:
        pairs = [(self.value(x), self.value(y)) for x, y in zip(a.parameters, b.parameters, strict=True)]
        return all(x is not None and y is not None and np.array_equal(x, y) for x, y in pairs)

    def bias(self, node: Node, x: _Quantized, weight: _Quantized) -> str | None:
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


Fuse = Callable[[_Pairs, Node, _Quantized], Node | None]
QGEMM = "com.microsoft.QGemm"


def _is_product(pairs: _Pairs, x: _Quantized | None, weight: _Quantized | None, y: _Quantized) -> bool:
    """Whether the engine multiplies these: x and y of one type, the weight of the same, or int8 beside uint8."""
    if x is None or weight is None or not pairs.all_codes([x, y]):
        return False
    return pairs.dtype(weight) in {"int8", pairs.dtype(x)}


def _conv(pairs: _Pairs, node: Node, y: _Quantized) -> Node | None:
    x, weight = pairs.source(node.input(0)), pairs.weight(node.input(1), 0)
    if x is None or weight is None or not _is_product(pairs, x, weight, y):
        return None
    bias = pairs.bias(node, x, weight)
    return None if bias is None else _made(node, "QLinearConv", [*x.names, *weight.names, *y.parameters, bias], y)


def _gemm(pairs: _Pairs, node: Node, y: _Quantized) -> Node | None:
    plain = node.real("alpha", 1.0) == node.real("beta", 1.0) == 1.0
    x, weight = pairs.source(node.input(0)), pairs.weight(node.input(1), 0 if node.integer("transB", 0) else 1)
    if not plain or x is None or weight is None or not _is_product(pairs, x, weight, y):
        return None
    bias = pairs.bias(node, x, weight)
    return None if bias is None else _made(node, QGEMM, [*x.names, *weight.names, bias, *y.parameters], y)


def _of_all(operator: str) -> Fuse:
    """Operators of one or two tensors of codes."""

    def fuse(pairs: _Pairs, node: Node, y: _Quantized) -> Node | None:
        sources = [pairs.source(name) for name in node.inputs]
        if not pairs.all_codes([*sources, y]):
            return None
        return _made(node, operator, [*(name for each in sources if each for name in each.names), *y.parameters], y)

    return fuse


def _matmul(pairs: _Pairs, node: Node, y: _Quantized) -> Node | None:
    a, b = pairs.source(node.input(0)), pairs.weight(node.input(1), 1)
    if a is None or b is None or not _is_product(pairs, a, b, y):
        return None
    return _made(node, "QLinearMatMul", [*a.names, *b.names, *y.parameters], y)


def _concat(pairs: _Pairs, node: Node, y: _Quantized) -> Node | None:
    sources = [pairs.source(name) for name in node.inputs]
    if not pairs.all_codes([*sources, y]):
        return None
    parts = [name for each in sources if each for name in each.names]
    return _made(node, "com.microsoft.QLinearConcat", [*y.parameters, *parts], y)


def _softmax(pairs: _Pairs, node: Node, y: _Quantized) -> Node | None:
    made = _of_all("com.microsoft.QLinearSoftmax")(pairs, node, y)
    axis = node.integer("axis", -1 if pairs.model.opset >= 13 else 1)
    return replace(made, attributes={"axis": axis, "opset": pairs.model.opset}) if made else None


def _made(node: Node, operator: str, inputs: list[str], result: _Quantized) -> Node:
    return replace(node, operator=operator, inputs=tuple(inputs), outputs=(result.codes,))


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

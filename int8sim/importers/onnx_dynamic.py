"""Dynamically quantized networks: DynamicQuantizeLinear, a product of integers, Cast and Mul as one layer.

The chain is what ONNX Runtime's quantizer writes: codes, scale and zero point of x; MatMulInteger or ConvInteger; its
sums as float32, times the product of both scales. Where something else reads a tensor between, the chain is refused.
ONNX Runtime's own operators of it, DynamicQuantizeMatMul and MatMulIntegerToFloat, are read as well. Source:
onnx/onnx:docs/Operators.md, microsoft/onnxruntime:docs/ContribOperators.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from int8sim.graph.check import infer
from int8sim.graph.ir import Layer
from int8sim.importers.onnx_file import FLOAT32, Model, Node
from int8sim.importers.onnx_operators import READERS as FLOAT
from int8sim.importers.onnx_pairs import Pairs
from int8sim.importers.onnx_quantized_network import Coded, QuantizedNetwork
from int8sim.model.tensor import QuantParams
from int8sim.ops.add import Add
from int8sim.ops.dynamic_conv2d import DynamicConv2d
from int8sim.ops.dynamic_fully_connected import DynamicFullyConnected

RANGE, TO_FLOAT = "DynamicQuantizeLinear", "com.microsoft.MatMulIntegerToFloat"
MATMUL, CONV = "com.microsoft.DynamicQuantizeMatMul", "DynamicQuantizeLinear, ConvInteger, Mul"
PRODUCTS = {"MatMulInteger": MATMUL, "ConvInteger": CONV}
"""Of integers -> as the whole chain is called; the second name is this file's own."""
OPS = {"conv2d": DynamicConv2d, "fully_connected": DynamicFullyConnected}


def joined(model: Model) -> Model:
    """The model with one node in place of every chain."""
    pairs = Pairs(model)
    made = {id(last): (new, gone) for last, new, gone in _chains(pairs)}
    gone = {id(each) for _, nodes in made.values() for each in nodes}
    left = [made[id(node)][0] if id(node) in made else node for node in model.nodes if id(node) not in gone]
    for idle in ({"Mul"}, {RANGE}):  # the products of scales, then the ranges, that nothing reads any more
        read = {*model.outputs, *(name for node in left for name in node.inputs)}
        left = [each for each in left if not (_of_range(pairs, each, idle) and read.isdisjoint(each.outputs))]
    return replace(model, nodes=tuple(left))


def _of_range(pairs: Pairs, node: Node, operators: set[str]) -> bool:
    return node.operator in operators and (node.operator == RANGE or _scaled(pairs, node) is not None)


def _scaled(pairs: Pairs, mul: Node | None) -> tuple[Node, str] | None:
    """(the DynamicQuantizeLinear, the name of Sw) of a product of both scales."""
    if mul is None or mul.operator != "Mul":
        return None
    for own, other in ((mul.input(0), mul.input(1)), (mul.input(1), mul.input(0))):
        source = pairs.producers.get(own)
        if source and source.operator == RANGE and own == _made(source, 1) and pairs.value(other) is not None:
            return source, other
    return None


def _made(source: Node, position: int) -> str | None:
    """An output, if it is there."""
    return (source.outputs[position] if position < len(source.outputs) else None) or None


def _chains(pairs: Pairs) -> Iterator[tuple[Node, Node, list[Node]]]:
    """(the node whose result is the chain's, what takes its place, the nodes that go)."""
    for node in pairs.model.nodes:
        source = pairs.producers.get(node.input(0))
        if source is None or source.operator != RANGE or node.input(0) != source.output:
            continue
        x, zero_point = source.input(0), _made(source, 2)
        if node.operator == TO_FLOAT and (node.input(2), node.input(4)) == (_made(source, 1), zero_point):
            inputs = (x, node.input(1), node.input(3), node.input(5), node.input(6))
            yield node, replace(node, operator=MATMUL, inputs=inputs), []
        elif node.operator in PRODUCTS and node.input(2) == zero_point:
            yield from _chain(pairs, node, source)


def _chain(pairs: Pairs, node: Node, source: Node) -> Iterator[tuple[Node, Node, list[Node]]]:
    cast = pairs.reader(node.output)
    mul = pairs.reader(cast.output) if cast and cast.operator == "Cast" and cast.integer("to", 0) == FLOAT32 else None
    if cast is None or mul is None or mul.operator != "Mul" or len(mul.inputs) != 2:
        return
    scales = mul.inputs[1] if mul.inputs[0] == cast.output else mul.inputs[0]
    found = _scaled(pairs, pairs.producers.get(scales))
    if found and found[0] is source:
        inputs = (source.input(0), node.input(1), found[1], node.input(3))
        new = replace(node, operator=PRODUCTS[node.operator], layer=mul.layer, inputs=inputs, outputs=mul.outputs)
        yield mul, new, [node, cast]


def read_range(net: QuantizedNetwork, node: Node) -> None:
    """DynamicQuantizeLinear outside of a chain: refused."""
    del net
    chain = "MatMulInteger or ConvInteger with a constant weight, Cast to float and Mul by both scales"
    raise node.refused(f"its codes, scale and zero point are read otherwise than by {chain}, alone")


def read_matmul(net: QuantizedNetwork, node: Node) -> None:
    """DynamicQuantizeMatMul: x, constant B, its scales, its zero points, a real bias."""
    if node.input(4):
        product = net.fresh(f"{node.layer}_product")
        _read(net, replace(node, layer=product, inputs=node.inputs[:4], outputs=(product,)), "MatMul")
        bias = net.derived(node.layer, "bias", net.floats(node, 4, "bias"))
        net.write(Layer(node.layer, Add(), (product, bias), node.output))
    else:
        _read(net, node, "MatMul")


def read_conv(net: QuantizedNetwork, node: Node) -> None:
    """A chain around ConvInteger."""
    _read(net, node, "Conv")


def _read(net: QuantizedNetwork, node: Node, operator: str) -> None:
    """By the float operator's reader, whose layer then gets the scales and zero points of the weight."""
    weight, scales = net.constant(node, 1, "weight"), net.floats(node, 2, "scale").reshape(-1)
    zeros = net.zeros(node, 3, weight.dtype.name)
    if weight.dtype.name not in {"int8", "uint8"} or zeros.dtype != weight.dtype:
        raise node.refused(f"the weight is {weight.dtype.name}, its zero point {zeros.dtype.name}; 8 bits are read")
    own = (node.input(0), node.input(1)), node.outputs, node.attributes
    coded = Coded(operator, node.layer, *own, QuantParams(1.0), QuantParams(1.0, dtype=weight.dtype.name))
    net.coded(coded, FLOAT[operator])
    place, layer = next((i, each) for i, each in enumerate(net.layers) if each.name == node.layer)
    given = {field.name: getattr(layer.op, field.name) for field in fields(layer.op)}
    more = [net.derived(node.layer, role, values) for role, values in (("scales", scales), ("zeros", zeros))]
    op = OPS[layer.op.name](**given, whole=not net.lead)
    net.layers[place] = replace(layer, op=op, inputs=(*layer.inputs, *more))
    infer(net.layers[place], [net.type_of(name) for name in net.layers[place].inputs])

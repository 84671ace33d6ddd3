"""Pairs of a QDQ model where ONNX Runtime's optimizer puts them: as near to the operators that compute as they go.

What only moves values gives the same codes on either side of a QuantizeLinear; which operators then stand between
pairs, and are computed in integers, depends on it. A Split between pairs of one scale moves codes. Source:
microsoft/onnxruntime:onnxruntime/core/optimizer/qdq_transformer/qdq_propagation.cc and
selectors_actions/qdq_selector_action_transformer.cc.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from int8sim.importers.onnx_file import Model, Node
from int8sim.importers.onnx_pairs import DEQUANTIZE, QUANTIZE, Pairs, Quantized, made_by, read_by

PASSED = frozenset({"MaxPool", "Reshape", "Slice", "Squeeze", "Transpose", "Unsqueeze"})
"""Operators that pairs are moved past."""
FIRST_MAX_POOL = 12
"""The opset from which the engine's MaxPool takes codes."""


def moved(model: Model) -> Model:
    """The model with every QuantizeLinear before what moves, every DequantizeLinear behind it."""
    while True:
        found = _step(Pairs(model))
        if found is None:
            return _split(model)
        model = replace(model, nodes=tuple(found))


def _step(pairs: Pairs) -> list[Node] | None:
    """The nodes after one exchange; None where there is nothing to exchange."""
    for node in pairs.model.nodes:
        if node.operator in PASSED and (node.operator != "MaxPool" or pairs.model.opset >= FIRST_MAX_POOL):
            made = _quantized_before(pairs, node) or _dequantized_behind(pairs, node)
            if made:
                gone, instead = made
                return [new for each in pairs.model.nodes for new in _exchanged(each, node, gone, instead)]
    return None


def _exchanged(each: Node, node: Node, gone: Node | None, instead: tuple[Node, ...]) -> Iterator[Node]:
    if each is node:
        yield from instead
    elif each is not gone:
        yield each


def _quantized_before(pairs: Pairs, node: Node) -> tuple[Node | None, tuple[Node, ...]] | None:
    """(the QuantizeLinear that goes, it and the node in the other order)."""
    quantize, source = pairs.reader(node.output), pairs.producers.get(node.input(0))
    if quantize is None or quantize.operator not in QUANTIZE or not pairs.is_single(made_by(quantize)):
        return None
    if pairs.reader(node.input(0)) is not node or (source and source.operator in DEQUANTIZE):
        return None
    name = pairs.fresh(f"{node.input(0)}_quantized")
    before = replace(quantize, layer=name, inputs=(node.input(0), *quantize.inputs[1:]), outputs=(name,))
    return quantize, (before, replace(node, inputs=(name, *node.inputs[1:]), outputs=quantize.outputs))


def _dequantized_behind(pairs: Pairs, node: Node) -> tuple[Node | None, tuple[Node, ...]] | None:
    """(None, the node of codes and a DequantizeLinear), where anything but a QuantizeLinear reads the result."""
    dequantize = pairs.producers.get(node.input(0))
    if dequantize is None or dequantize.operator not in DEQUANTIZE or not pairs.is_single(read_by(dequantize)):
        return None
    readers = pairs.readers.get(node.output, [])
    if pairs.reader(dequantize.output) is not node or all(each and each.operator in QUANTIZE for each in readers):
        return None
    name = pairs.fresh(f"{node.output}_quantized")
    codes = replace(node, inputs=(dequantize.input(0), *node.inputs[1:]), outputs=(name,))
    layer = pairs.fresh(f"{node.layer}_dequantized")
    return None, (
        codes,
        replace(dequantize, layer=layer, inputs=(name, *dequantize.inputs[1:]), outputs=node.outputs),
    )


def _split(model: Model) -> Model:
    """Every Split between pairs of one scale, of codes."""
    pairs, gone, made = Pairs(model), set[int](), dict[int, Node]()
    for node in model.nodes:
        found = _codes_of_split(pairs, node) if node.operator == "Split" else None
        if found:
            source, results = found
            gone |= {id(each) for each in results}
            outputs = tuple(each.output for each in results)
            made[id(node)] = replace(node, inputs=(source.codes, *node.inputs[1:]), outputs=outputs)
    return replace(model, nodes=tuple(made.get(id(each), each) for each in model.nodes if id(each) not in gone))


def _codes_of_split(pairs: Pairs, node: Node) -> tuple[Quantized, list[Node]] | None:
    source = pairs.source(node.input(0))
    results = [pairs.reader(name) for name in node.outputs]
    found = [each for each in results if each and each.operator in QUANTIZE]
    if source is None or len(found) < len(results) or not pairs.same([source, *map(made_by, found)]):
        return None
    return source, found

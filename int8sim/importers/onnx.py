"""A float32 convolutional network in an ONNX file, opset 7 to 28, as a graph.

Dimension 0 of every activation is the batch, whatever number the file declares. Where an operator moves or mixes it, or
the inputs differ in it, the model is read once more with an axis in front that is the batch, of which the model knows
nothing: inputs are then [N, ...] with all of the declared dimensions behind N (1 for a dimension 0 that is open).

Tensors keep their names. A layer has its node's name where that is not empty and no other node has it, else its
output's. 4-D activations are NCHW, unless nothing but a Transpose to NCHW reads them. Dropout, Identity and Cast are
other names of a tensor and make no layer. What is computed from constants and shapes is a constant. What is computed is
float32, whatever float type the file declares.

onnx_file.py reads the file, onnx_operators.py has a function for each operator, onnx_network.py is what they fill in.
"""

from __future__ import annotations

import os

from onnx import defs

from int8sim.graph.ir import Graph
from int8sim.importers.onnx_constants import fold, folds
from int8sim.importers.onnx_file import Model, Node, read_model
from int8sim.importers.onnx_network import Network
from int8sim.importers.onnx_operators import READERS, SUPPORTED
from int8sim.importers.unknown import refuse_unknown
from int8sim.model.errors import BatchMovedError, Int8SimError

__all__ = ["SUPPORTED", "load_onnx"]

QUANTIZED = frozenset({"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"})


def load_onnx(path: str | os.PathLike[str]) -> Graph:
    """The graph of a float model.

    Raises NotAModelError for a file that is no complete ONNX model or leaves more open than the batch,
    UnsupportedOperatorError for an operator or a form of one that is not read, LayerError for shapes that do not fit,
    GraphError for tensors without a producer or with two.
    """
    model = read_model(path)
    _refuse_unknown(model)
    if not model.batch:
        return _read(model, 1)
    try:
        return _read(model, 0)
    except BatchMovedError as moved:
        return _without_batch(model, moved)


def _read(model: Model, lead: int) -> Graph:
    network = Network(model, lead)
    for node in model.nodes:
        _refuse_unread(network, node)
        if folds(network, node):
            fold(network, node)
        else:
            READERS[node.operator](network, node)
    return network.graph()


def _without_batch(model: Model, moved: BatchMovedError) -> Graph:
    """With an axis in front. Raises the first error if that fails too."""
    try:
        return _read(model, 1)
    except Int8SimError:
        raise moved from None


def _refuse_unknown(model: Model) -> None:
    """Before anything else, so that the first error names what matters most."""
    for node in model.nodes:
        if _is_quantized(node):
            raise node.refused(
                "this model is already quantized, and int8sim quantizes a float model itself; give it the float model"
            )
    hint = " (exporting with constant folding, or a model simplifier, removes many operators)"
    refuse_unknown(model.nodes, lambda node: node.operator, READERS, "it is not supported", SUPPORTED, hint)


def _is_quantized(node: Node) -> bool:
    operator = node.operator.rpartition(".")[2]
    return operator in QUANTIZED or operator.startswith(("QLinear", "QGemm", "QAttention", "DynamicQuantize"))


def _refuse_unread(network: Network, node: Node) -> None:
    """What a reader does not look at must not be there: such as Clip's bounds as attributes in a model of opset 11."""
    try:
        schema = defs.get_schema(node.operator, network.model.opset, "")
    except defs.SchemaError:
        raise node.refused(f"opset {network.model.opset} has no such operator") from None
    known = f"{node.operator} of opset {network.model.opset} has"
    for name in node.attributes:
        if name not in schema.attributes:
            has = ", ".join(sorted(schema.attributes)) or "none"
            raise node.refused(f"{known} no attribute {name!r}; it has {has}")
    if any(node.inputs[schema.max_input :]):
        raise node.refused(f"it has {len(node.inputs)} inputs; {known} {schema.max_input} at most")
    for name in filter(None, node.outputs[1:] if node.operator != "Split" else ()):
        if network.readers(name):
            raise node.refused(f"its output {name!r} is used; only the first output is read")

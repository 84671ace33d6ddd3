"""A convolutional network in an ONNX file, opset 7 to 28, as a graph: a float one, or one that is quantized already.

Dimension 0 of every activation is the batch, whatever number the file declares. Where an operator moves or mixes it, or
the inputs differ in it, the model is read once more with an axis in front that is the batch, of which the model knows
nothing: inputs are then [N, ...] with all of the declared dimensions behind N (1 for a dimension 0 that is open).

Tensors keep their names. A layer has its node's name where that is not empty and no other node has it, else its
output's. 4-D activations are NCHW, unless nothing but a Transpose to NCHW reads them. Dropout, Identity and Cast are
other names of a tensor and make no layer. What is computed from constants and shapes is a constant. What is computed is
float32, whatever float type the file declares.

A quantized network, in QOperator form (QLinearConv, QGemm ...) or as a QDQ graph, which onnx_qdq.py brings into that
form, becomes integer layers with the arithmetic of a profile. What has no quantized operator stays a float32 layer
between a dequantize and a quantize, and the graph's notes name it.

onnx_file.py reads the file, onnx_operators.py has a function for each operator, onnx_network.py is what they fill in;
onnx_quantized.py and onnx_quantized_network.py the same for quantized ones.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from onnx import defs

from int8sim.graph.ir import Graph
from int8sim.importers import onnx_quantized
from int8sim.importers.onnx_constants import fold, folds
from int8sim.importers.onnx_dynamic import CONV, joined
from int8sim.importers.onnx_file import FLOATS, Model, Node, read_model
from int8sim.importers.onnx_network import Network
from int8sim.importers.onnx_operators import READERS, SUPPORTED
from int8sim.importers.onnx_qdq import fused
from int8sim.importers.onnx_quantized_network import QuantizedNetwork
from int8sim.importers.unknown import refuse_unknown
from int8sim.model.errors import BatchMovedError, Int8SimError, NotAModelError, ParameterError
from int8sim.profiles.base import Profile
from int8sim.profiles.registry import profile as find_profile

__all__ = ["SUPPORTED", "load_onnx"]

MANY = frozenset({"DynamicQuantizeLinear", "Split"})
"""Operators whose every output is looked at."""
ENGINE = "onnxruntime"
"""Whose arithmetic a quantized file gets where none is named."""
Kind = TypeVar("Kind", bound=Network)


def load_onnx(path: str | os.PathLike[str], profile: str | Profile | None = None) -> Graph:
    """The graph of a model. profile: by whose arithmetic a quantized one computes; None: ONNX Runtime's.

    Raises NotAModelError for a file that is no complete ONNX model or leaves more open than the batch,
    UnsupportedOperatorError for an operator or a form of one that is not read, LayerError for shapes that do not fit,
    GraphError for tensors without a producer or with two; for quantized models also BadScaleError, ParameterError for
    a profile that takes no integer biases, UnknownNameError.
    """
    model = read_model(path)
    if any(onnx_quantized.is_quantized(node.operator) for node in model.nodes):
        return _quantized(model, find_profile(profile or ENGINE))
    for name in (name for name, dtype in model.dtypes.items() if dtype not in FLOATS):
        raise NotAModelError(path, f"input {name!r} is no float tensor, and no operator of the network is quantized")
    _refuse_unknown(model, SUPPORTED)
    return _graph(model, lambda lead: Network(model, lead), lambda network, node: READERS[node.operator](network, node))


def _quantized(model: Model, profile: Profile) -> Graph:
    if profile.bias is None:
        raise ParameterError("profile", profile.name, f"one that takes int32 biases, such as {ENGINE}")
    _refuse_unknown(model, (*SUPPORTED, *onnx_quantized.SUPPORTED))
    whole = fused(joined(model))
    return _graph(whole, lambda lead: QuantizedNetwork(whole, profile, lead), onnx_quantized.read)


def _refuse_unknown(model: Model, supported: tuple[str, ...]) -> None:
    """Before anything else, so that the first error names what matters most."""
    known = READERS.keys() | set(supported)
    hint = " (exporting with constant folding, or a model simplifier, removes many operators)"
    refuse_unknown(model.nodes, lambda node: node.operator, known, "it is not supported", sorted(supported), hint)


def _graph(model: Model, make: Callable[[int], Kind], read: Callable[[Kind, Node], None]) -> Graph:
    """The batch is axis 0, or stands before it where that does not do; then the first error counts if both fail."""
    if not model.batch:
        return _read(make(1), read)
    try:
        return _read(make(0), read)
    except BatchMovedError as moved:
        try:
            return _read(make(1), read)
        except Int8SimError:
            raise moved from None


def _read(network: Kind, read: Callable[[Kind, Node], None]) -> Graph:
    for node in network.model.nodes:
        if "." not in node.operator and node.operator != CONV:
            _refuse_unread(network, node)
        if folds(network, node):
            fold(network, node)
        else:
            read(network, node)
    return network.graph()


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
    for name in filter(None, node.outputs[1:] if node.operator not in MANY else ()):
        if network.readers(name):
            raise node.refused(f"its output {name!r} is used; only the first output is read")

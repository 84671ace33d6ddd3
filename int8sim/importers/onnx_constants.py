"""Constants of an ONNX model: those that it states, and those that it computes from constants and shapes.

A node whose inputs are all constant is evaluated when the model is read, by ONNX's own reference evaluator, unless all
such nodes would hold more values than a network needs, or take more than MOST operations.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper, shape_inference
from onnx.reference import ReferenceEvaluator

from int8sim.importers.onnx_file import Node
from int8sim.importers.onnx_network import Network
from int8sim.model.step import Array

FLOATS = frozenset({TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE})
"""Element types of activations."""
MOST = 1 << 31
"""Operations of all nodes that are evaluated: seconds."""
EACH = 1 << 14
"""Operations that a node counts for beside those of its values."""
BY_VALUE = {"ScatterND": 1 << 10}
"""What an operation counts for where the evaluator goes from value to value in Python."""
TOLD = 64
"""Values of a constant that shapes may depend on."""

ONLY_CONSTANT = frozenset(
    {"And", "ConstantOfShape", "Ceil", "Equal", "Exp", "Expand", "Floor", "Greater", "GreaterOrEqual", "Less", "Log"}
    | {"LessOrEqual", "Min", "Mod", "Neg", "Not", "Or", "Range", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceSum"}
    | {"Round", "ScatterND", "Sign", "Tile", "Where"}
)
"""Operators that are read of constants only."""

FOLDED = ONLY_CONSTANT | frozenset(
    {"Add", "Cast", "Clip", "Concat", "Div", "Flatten", "Gather", "MatMul", "Mul", "Pad", "Pow", "Reciprocal"}
    | {"ReduceMean", "Relu", "Reshape", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Transpose", "Unsqueeze"}
)
"""Operators that are evaluated where all their inputs are constant."""


def read_constant(net: Network, node: Node) -> None:
    """Constant: a tensor, a number or a vector of numbers."""
    for name in ("value_float", "value_floats", "value_int", "value_ints"):
        if node.attributes.get(name) is not None:
            net.define(node, np.array(node.attributes[name], "float32" if "float" in name else "int64"))
            return
    value = node.attributes.get("value")
    if not isinstance(value, np.ndarray):
        raise node.refused("it holds no dense tensor of numbers")
    net.define(node, value)


def read_shape(net: Network, node: Node) -> None:
    """Shape: of an activation it is known when the model is read, with the batch that the model declares."""
    constant = net.values.get(node.input(0))
    shape = net.declared(net.activation(node)) if constant is None else constant.shape
    stop = node.attributes.get("end")
    part = shape[node.integer("start", 0) : stop if isinstance(stop, int) else None]
    net.define(node, np.array(part, np.int64))


def read_of_constants(net: Network, node: Node) -> None:
    """What is evaluated and not of constants is refused: the first activation says why."""
    for position in range(len(node.inputs)):
        net.constant(node, position, f"input of {node.operator}")


def folds(net: Network, node: Node) -> bool:
    """Whether the node is to be evaluated."""
    given = [name for name in node.inputs if name]
    return node.operator in FOLDED and bool(given) and all(name in net.values for name in given)


def fold(net: Network, node: Node) -> None:
    """Evaluate the node.

    Raises LayerError if its inputs do not fit it, UnsupportedOperatorError if it is too large or takes too long.
    """
    given = {name: net.values[name] for name in node.inputs if name}
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            _check_work(net, node, given, _checked_size(net, node, given))
            found = ReferenceEvaluator(_model(net, node, given)).run(None, given)
    except (MemoryError, RecursionError):
        raise node.refused("its constants are too large") from None
    except _TooLargeError as problem:
        raise node.refused(str(problem)) from None
    except Exception as problem:  # the evaluator raises many types
        raise node.misfit(f"it cannot be computed from its constants ({problem})") from None
    for name, values in zip(filter(None, node.outputs), found, strict=False):
        net.values[name] = np.asarray(values)


class _TooLargeError(Exception):
    pass


def _checked_size(net: Network, node: Node, given: Mapping[str, Array]) -> int:
    """How many values its outputs have, by shape inference, which is told the values of what is small."""
    small = {name: values for name, values in given.items() if values.size <= TOLD}
    model, found = _model(net, node, given), 0
    model.graph.initializer.extend(numpy_helper.from_array(values, name) for name, values in small.items())
    inferred = shape_inference.infer_shapes(model, data_prop=True)
    for output in inferred.graph.output:
        kind = output.type.tensor_type
        known = kind.HasField("shape") and all(dim.HasField("dim_value") for dim in kind.shape.dim)
        size = math.prod(dim.dim_value for dim in kind.shape.dim)
        if not known or size > net.room:
            count = f"{size:,} values, and {net.room:,} are left of what all computed constants may hold"
            raise _TooLargeError(f"its output {output.name!r} has {count if known else 'an unknown size'}")
        net.room -= size
        found += size
    return found


def _check_work(net: Network, node: Node, given: Mapping[str, Array], made: int) -> None:
    """Count the node's operations. made: values of its outputs."""
    depth = next(iter(given.values())).shape[-1:] if node.operator == "MatMul" else ()
    work = made * math.prod(depth) + sum(values.size for values in given.values())
    net.folding += EACH + work * BY_VALUE.get(node.operator, 1)
    if net.folding > MOST:
        raise _TooLargeError(
            f"what the network computes of constants takes over {MOST:,} operations up to here, {work:,} in this node; "
            "fold its constants first, with a model simplifier"
        )


def _model(net: Network, node: Node, given: Mapping[str, Array]) -> ModelProto:
    """A model of the node alone."""
    attributes = {
        name: numpy_helper.from_array(value) if isinstance(value, np.ndarray) else value
        for name, value in node.attributes.items()
        if value is not None
    }
    call = helper.make_node(node.operator, node.inputs, node.outputs, **attributes)
    inputs = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(values.dtype), values.shape)
        for name, values in given.items()
    ]
    outputs = [helper.make_empty_tensor_value_info(name) for name in node.outputs if name]
    graph = helper.make_graph([call], "constants", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", net.model.opset)])

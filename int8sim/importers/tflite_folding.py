"""Operators whose result the file alone determines, computed while it is read: shapes, and constants in another type.

Networks that were converted for any batch compute the shape of a RESHAPE; those with float16 weights store them behind
DEQUANTIZE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from int8sim.importers.tflite_file import Operator, Tensor
from int8sim.importers.tflite_network import Network
from int8sim.importers.tflite_quantization import activation_quant
from int8sim.model.step import Array

INTEGERS = frozenset({"int32", "int64"})


def fold(net: Network, node: Operator) -> bool:
    """Whether the node is computed now: its output is then a constant."""
    folder = FOLDERS.get(node.name)
    given = [net.tensor(index) for index in node.inputs if index >= 0]
    if folder is None or not given or (node.name != "SHAPE" and any(each.values is None for each in given)):
        return False
    if node.name not in {"SHAPE", "DEQUANTIZE"} and any(each.dtype not in INTEGERS for each in given):
        return False
    try:
        values = folder(node, given)
    except (ValueError, IndexError) as problem:
        raise node.misfit(f"its constants do not fit: {problem}") from None
    target = net.tensor(node.outputs[0])
    net.replace(node.outputs[0], replace(target, shape=values.shape, dtype=values.dtype.name, values=values))
    return True


def _shape(node: Operator, given: list[Tensor]) -> Array:
    return np.array(given[0].shape, "int64" if node.integer(0, "b") == INT64 else "int32")


INT64 = 4  # of TensorType


def _dequantize(_: Operator, given: list[Tensor]) -> Array:
    values, quant = _content(given[0]), None if given[0].dtype == "float16" else activation_quant(given[0])
    if quant is None:
        return values.astype(np.float32)
    real: Array = (values.astype(np.float32) - quant.tensor_zero_point) * np.float32(quant.tensor_scale)
    return real


def _content(tensor: Tensor) -> Array:
    return np.zeros(0) if tensor.values is None else tensor.values


def _strided_slice(node: Operator, given: list[Tensor]) -> Array:
    """Of a shape: one axis, no mask but shrink_axis_mask, begin_mask and end_mask."""
    x, begin, end, stride = map(_content, given)
    if x.ndim != 1 or node.integer(2) or node.integer(3):
        raise node.refused("it takes parts of a constant of more than one axis")
    first, last = (None if node.integer(slot) else int(edge[0]) for slot, edge in ((0, begin), (1, end)))
    taken: Array = np.asarray(x[int(begin[0])] if node.integer(4) else x[first : last : int(stride[0])])
    return taken


def _pack(node: Operator, given: list[Tensor]) -> Array:
    return np.stack([_content(each) for each in given], node.integer(1))


def _concatenation(node: Operator, given: list[Tensor]) -> Array:
    return np.concatenate([_content(each) for each in given], node.integer(0))


FOLDERS: Mapping[str, Callable[[Operator, list[Tensor]], Array]] = {
    "CONCATENATION": _concatenation,
    "DEQUANTIZE": _dequantize,
    "PACK": _pack,
    "SHAPE": _shape,
    "STRIDED_SLICE": _strided_slice,
}
"""Operator -> the values of its output."""

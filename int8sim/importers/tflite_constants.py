"""Constants that a .tflite file stores small and dequantizes itself: read as the float32 values that they stand for.

Files with float16 weights have a DEQUANTIZE for each (TensorFlow Lite's float16 quantization); the engines run it once.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from int8sim.importers.tflite_file import Model, Operator, Tensor
from int8sim.model.step import Array


def without_dequantized_constants(model: Model) -> Model:
    """The model, each constant's DEQUANTIZE replaced by float32 values; of integers, those that have one scale."""
    found = {node: _real(model.tensors[node.inputs[0]]) for node in model.operators if _dequantizes(node)}
    real = {node.outputs[0]: values for node, values in found.items() if values is not None}
    operators = tuple(node for node in model.operators if found.get(node) is None)
    tensors = tuple(_replaced(tensor, real.get(index)) for index, tensor in enumerate(model.tensors))
    return replace(model, tensors=tensors, operators=operators)


def _dequantizes(node: Operator) -> bool:
    return node.name == "DEQUANTIZE" and node.has(0)


def _real(tensor: Tensor) -> Array | None:
    """float32 values of a float16 constant, or of codes of one scale: their product is rounded to float32 once."""
    if tensor.values is None or tensor.dtype == "float32":
        return None
    if tensor.dtype == "float16":
        return tensor.values.astype(np.float32)
    if len(tensor.scales) != 1:
        return None
    codes = tensor.values.astype(np.float64) - tensor.zero_points[0]
    real: Array = (codes * tensor.scales[0]).astype(np.float32)
    return real


def _replaced(tensor: Tensor, values: Array | None) -> Tensor:
    return tensor if values is None else replace(tensor, dtype="float32", scales=(), zero_points=(), values=values)

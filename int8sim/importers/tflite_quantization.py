"""What a .tflite file's scales and zero points mean: one of each for an activation, one scale per channel for a weight.

A file's quantized_dimension is not asked: an engine knows where each operator has its channels, and some files name
another axis.
"""

from __future__ import annotations

import numpy as np

from int8sim.importers.tflite_file import Operator, Tensor
from int8sim.model.errors import LayerError
from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams, dtype_range

CODES = ("int8", "uint8", "int16")
"""What activations can be."""


def activation_quant(tensor: Tensor) -> QuantParams | None:
    """The one scale and zero point of an activation; None for a float32 one. Raises LayerError, BadScaleError."""
    if tensor.dtype == "float32":
        return None
    if tensor.dtype not in CODES or not tensor.scales:
        reason = "float32, and int8, uint8 or int16 with a scale, are read"
        raise LayerError(
            tensor.name, f"this tensor is {tensor.dtype or 'of an unknown type'}, {_scales(tensor)}; {reason}"
        )
    if len(tensor.scales) > 1 or not _is_code(tensor.zero_points[0], tensor.dtype):
        found = f"{_scales(tensor)} and zero point {tensor.zero_points[0]}"
        raise LayerError(tensor.name, f"this tensor has {found}; one scale and a zero point that is a code are needed")
    if tensor.dtype == "int16" and tensor.zero_points[0]:
        raise LayerError(tensor.name, f"this int16 tensor has zero point {tensor.zero_points[0]}; only 0 is read")
    quant = QuantParams(tensor.scales[0], tensor.zero_points[0], None, tensor.dtype)
    quant.check(tensor.name)
    return quant


def weight_quant(node: Operator, tensor: Tensor, outputs: int) -> QuantParams | None:
    """One scale for a weight, or one per output channel, on axis 0; None for a float32 one."""
    if tensor.dtype == "float32":
        return None
    if tensor.dtype != "int8" or len(tensor.scales) not in {1, outputs}:
        raise node.refused(
            f"its weight is {tensor.dtype}, {_scales(tensor)}; int8 with one scale, or one for each of {outputs} "
            "output channels, is read"
        )
    if any(tensor.zero_points):
        raise node.refused("its weight has a zero point other than 0")
    one = len(tensor.scales) == 1
    quant = QuantParams(tensor.scales[0] if one else tensor.scales, 0, None if one else 0)
    quant.check(tensor.name)
    return quant


def real_weight(weight: Array, quant: QuantParams) -> Array:
    """The float32 values of a weight's codes [O, ...]."""
    scales = np.array(quant.scales, np.float32).reshape(-1, *[1] * (weight.ndim - 1))
    real: Array = weight.astype(np.float32) * scales
    return real


def bias_quant(tensor: Tensor, x: QuantParams, weight: QuantParams) -> QuantParams:
    """A bias's scales: the file's, or, where it has none that fit the weight's, the products that its codes stand at.

    x: of the layer's input.
    """
    products = tuple(float(np.float32(x.tensor_scale) * np.float32(scale)) for scale in weight.scales)
    scales = tensor.scales if len(tensor.scales) == len(products) else products
    one = len(scales) == 1
    return QuantParams(scales[0] if one else scales, 0, None if one else 0, tensor.dtype)


def _scales(tensor: Tensor) -> str:
    return (
        "no scale" if not tensor.scales else "one scale" if len(tensor.scales) == 1 else f"{len(tensor.scales)} scales"
    )


def _is_code(zero_point: int, dtype: str) -> bool:
    low, high = dtype_range(dtype)
    return low <= zero_point <= high

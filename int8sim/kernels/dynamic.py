"""ONNX DynamicQuantizeLinear of an array: scale and zero point from its own range, then its codes."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.kernels.arrays import quantize
from int8sim.model.errors import BadScaleError, InputMismatchError
from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams
from int8sim.spec.dynamic import dynamic_is_defined, dynamic_scale, dynamic_zero_point


def dynamic_quantize(values: Any) -> tuple[Array, float, int]:
    """(uint8 codes, scale, zero point) of float32 values, as ONNX Runtime's CPU computes DynamicQuantizeLinear.

    values: any shape; none at all have the range 0 .. 0. Raises InputMismatchError for another dtype, BadScaleError
    where spec.dynamic.dynamic_is_defined says no: NaN, infinities, and ranges too wide or too narrow for a scale.
    """
    array = np.asarray(values)
    if array.dtype != np.float32:
        raise InputMismatchError("values", array.dtype.name, "float32")
    low, high = float(array.min(initial=0.0)), float(array.max(initial=0.0))
    scale = dynamic_scale(low, high)
    if not dynamic_is_defined(low, high):
        raise BadScaleError("values", scale, f"finite and greater than 0; the values are {low!r} .. {high!r}")
    zero_point = dynamic_zero_point(low, scale)
    return quantize(array, QuantParams(scale, zero_point, dtype="uint8")), scale, zero_point

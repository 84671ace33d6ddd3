"""Real ranges to quantization parameters, per tensor or per channel, by the rules of spec/affine.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.model.errors import BadScaleError, UnknownNameError
from int8sim.model.tensor import QuantParams, dtype_range
from int8sim.spec import affine
from int8sim.spec.float32 import float32

RULES = ("onnxruntime", "tflite")
"""Who derives an asymmetric scale and zero point: in float64, half even; or in float32, half away."""


def symmetric_params(amax: Any, *, dtype: str = "int8", narrow: bool = True, axis: int | None = None) -> QuantParams:
    """Zero point 0, scale = float32(amax / greatest code): TensorRT's, NVDLA's and the weights of every engine.

    amax: the greatest |x|, a number, or one per slice along `axis`; 0 gives scale 1. dtype: int8 or int16; an
    unsigned type covers 0 .. amax. narrow: without the lowest signed code.
    Raises BadScaleError for NaN, infinity or less than 0.
    """
    high = dtype_range(dtype)[1]
    values = _finite("amax", amax)
    if min(values) < 0.0:
        raise BadScaleError("amax", min(values), "finite and not negative")
    scales = [affine.symmetric_scale(value, high) or 1.0 for value in values]
    return _params(scales, [0] * len(scales), axis, dtype, narrow)


def asymmetric_params(
    low: Any,
    high: Any,
    *,
    dtype: str = "uint8",
    narrow: bool = False,
    axis: int | None = None,
    rule: str = "onnxruntime",
) -> QuantParams:
    """Scale and zero point of the range low .. high, widened to hold 0, so that real zero has a code of its own.

    low, high: numbers, or one each per slice along `axis`. rule: "onnxruntime" or "tflite".
    Raises BadScaleError for NaN or infinity, UnknownNameError.
    """
    if rule not in RULES:
        raise UnknownNameError("rule", rule, RULES)
    qmin, qmax = dtype_range(dtype, narrow)
    derive = _onnxruntime if rule == "onnxruntime" else _tflite
    pairs = [derive(a, b, qmin, qmax) for a, b in zip(_finite("low", low), _finite("high", high), strict=True)]
    return _params([scale for scale, _ in pairs], [point for _, point in pairs], axis, dtype, narrow)


def _onnxruntime(low: float, high: float, qmin: int, qmax: int) -> tuple[float, int]:
    scale = affine.asymmetric_scale(low, high, qmax - qmin)
    return float32(scale), affine.zero_point_half_even(low, scale, qmin, qmax)


def _tflite(low: float, high: float, qmin: int, qmax: int) -> tuple[float, int]:
    bottom, top = float32(low), float32(high)
    scale = affine.asymmetric_scale_float32(bottom, top, qmax - qmin)
    return scale, affine.zero_point_half_away(bottom, scale, qmin, qmax)


def _finite(name: str, values: Any) -> list[float]:
    numbers: list[float] = np.atleast_1d(np.asarray(values, np.float64)).tolist()
    for number in numbers:
        if not np.isfinite(number):
            raise BadScaleError(name, number, "a finite real bound")
    return numbers


def _params(scales: list[float], points: list[int], axis: int | None, dtype: str, narrow: bool) -> QuantParams:
    if axis is None:
        return QuantParams(scales[0], points[0], None, dtype, narrow)
    return QuantParams(tuple(scales), tuple(points), axis, dtype, narrow)

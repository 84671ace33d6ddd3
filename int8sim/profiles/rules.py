"""Derivations that several profiles share: clamps, symmetric ranges, weight codes, float32 ratios per channel."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from int8sim.model.step import Array, Number
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import MOVE, Floats, Scheme, Weights
from int8sim.spec.affine import clamp_code, dequantize, quantize_half_even, symmetric_scale

Parameters = Mapping[str, Mapping[str, Number]]

INT8_MAX = 127
MOVES = frozenset({"max_pool", "flatten", "reshape", "transpose", "pad", "resize_nearest", "slice", "relu", "clip"})
"""Ops whose codes move, or are clamped, at one scale in every engine here."""


def symmetric_int8(row: Row, non_negative: bool) -> QuantParams:
    """The table's own scale, zero point 0, -128 .. 127. A tensor that was always 0 gets scale 1."""
    del non_negative
    return QuantParams(row.scale if row.scale > 0.0 else 1.0)


def clamp_scheme() -> Scheme:
    """ReLU and Clip on codes of one scale."""

    def derive(*, low: int, high: int) -> Parameters:
        return {"convert": {"low": low, "high": high}}

    return Scheme({"convert": clamp_code}, derive)


def quantize_scheme(function: Callable[..., int] = quantize_half_even) -> Scheme:
    """Real values to codes by a function of (real, scale, zero_point, low, high)."""

    def derive(*, y: QuantParams) -> Parameters:
        scale, zero_point = np.float32(y.tensor_scale), y.tensor_zero_point
        return {"convert": {"scale": scale, "zero_point": zero_point, "low": y.low, "high": y.high}}

    return Scheme({"convert": function}, derive)


def dequantize_scheme() -> Scheme:
    """Codes to real values."""

    def derive(*, x: QuantParams) -> Parameters:
        return {"convert": {"scale": np.float32(x.tensor_scale), "zero_point": x.tensor_zero_point}}

    return Scheme({"convert": dequantize}, derive)


def amax_scale(amax: float) -> float:
    """float32(amax / 127): symmetric, narrow."""
    return symmetric_scale(amax, INT8_MAX)


def divide_half_even(weights: Floats, scales: Floats, low: int, high: int) -> Array:
    """clamp(half_even(float32(w / scale))): the array form of spec.affine.quantize_half_even with zero point 0."""
    codes: Array = np.clip(np.rint(weights / scales), low, high).astype(np.int8)
    return codes


def times_half_away(weights: Floats, reciprocals: Floats, low: int, high: int) -> Array:
    """clamp(half_away(float32(w * reciprocal))): the array form of spec.affine.quantize_weight_half_away."""
    products = (weights * reciprocals).astype(np.float32)
    whole = np.trunc(products)
    rest = products - whole
    nearest = whole + (rest >= np.float32(0.5)) - (rest <= np.float32(-0.5))
    codes: Array = np.clip(nearest, low, high).astype(np.int8)
    return codes


def times_half_up(weights: Floats, reciprocals: Floats, low: int, high: int) -> Array:
    """clamp(floor(float32(w * reciprocal) + 0.5)): the array form of spec.affine.quantize_half_up."""
    products = (weights * reciprocals).astype(np.float32)
    codes: Array = np.clip(np.floor(products + np.float32(0.5)), low, high).astype(np.int8)
    return codes


def channel_scales(w: QuantParams, channels: int) -> list[float]:
    """One weight scale per output channel, whether they differ or not."""
    return list(w.scales) * (channels // len(w.scales))


def per_channel(values: list[int] | list[float], dtype: type) -> Array:
    """One value per output channel."""
    return np.array(values, dtype)


SYMMETRIC = {"performance": symmetric_int8, "mixed": symmetric_int8}
"""Activations of a target that has no zero points."""
PER_TENSOR = Weights(frozenset(), amax_scale, divide_half_even)
"""int8 weights, -127 .. 127, with one scale a tensor."""
COMMON = {
    "clamp": clamp_scheme(),
    "quantize": quantize_scheme(),
    "dequantize": dequantize_scheme(),
    "concat": MOVE,
    "move": MOVE,
}
"""Schemes of a target that clamps and moves codes as they are; `concat` must be in its `same_scale`."""

"""A float layer's constants as an engine's converter writes them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from int8sim.model.errors import LayerError
from int8sim.model.step import Array
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams, TensorType, dtype_range
from int8sim.ops.quantize import Quantize
from int8sim.profiles.base import Profile


def quantize_weight(profile: Profile, kind: str, layer: str, weight: Array) -> tuple[Array, TensorType]:
    """Codes and type of a weight [O, ...], one scale per output channel where the profile says so.

    A slice of zeros gets scale 1. Raises LayerError for NaN or infinity.
    """
    if not np.isfinite(weight).all():
        raise LayerError(layer, "its weights hold NaN or infinity; a scale cannot be derived from them")
    rule = profile.weights
    per_channel = kind in rule.per_channel
    axes = tuple(range(1, weight.ndim)) if per_channel else None
    amax = np.abs(weight).max(axis=axes, keepdims=True)
    scales = np.array([rule.scale(value) or 1.0 for value in amax.ravel().tolist()], np.float32).reshape(amax.shape)
    codes = rule.quantize(weight.astype(np.float32), scales, *dtype_range(rule.dtype, rule.narrow))
    flat = tuple(scales.ravel().tolist())
    quant = QuantParams(flat if per_channel else flat[0], 0, 0 if per_channel else None, rule.dtype, rule.narrow)
    return codes, TensorType(tuple(weight.shape), rule.dtype, "", quant)


def quantize_bias(profile: Profile, x: QuantParams, weight: TensorType, bias: Array) -> tuple[Array, TensorType] | None:
    """Codes and type of a bias [O] at the product of scales; None where the scheme takes the real bias itself.

    int32, or int64 behind 16-bit activations.
    """
    rule = profile.wide_bias if x.dtype == "int16" else profile.bias
    if rule is None:
        return None
    scales = np.array(weight.quantized.scales, np.float32)
    codes = rule(bias.astype(np.float32), x.tensor_scale, scales)
    product = tuple((np.float32(x.tensor_scale) * scales).astype(np.float32).tolist())
    shared = weight.quantized.axis is None
    quant = QuantParams(product[0] if shared else product, 0, None if shared else 0, codes.dtype.name)
    return codes, TensorType(tuple(bias.shape), codes.dtype.name, "", quant)


def quantize_operand(
    profile: Profile, rule: Callable[[Row, bool], QuantParams], layer: str, values: Array
) -> tuple[Array, TensorType]:
    """Codes and type of a constant that an op takes in place of an activation: its own range, by the activations' rule.

    Zeros get scale 1. Raises LayerError for NaN or infinity.
    """
    if not np.isfinite(values).all():
        raise LayerError(layer, "a constant of it holds NaN or infinity; a scale cannot be derived from that")
    low, high = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    row = Row.from_range(layer, (low, high)) if low < high else Row(1.0, -1.0, 1.0)
    quant = rule(row, low >= 0.0)
    kind = TensorType(tuple(values.shape), quant.dtype, "", quant)
    convert = profile.schemes["quantize"].steps(y=quant)
    return Quantize().reference([TensorType(kind.shape)], kind, convert, [values.astype(np.float32)]), kind

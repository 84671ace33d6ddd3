"""The instructions as functions of arrays: dp4a, dp2a, cvt, quantize and dequantize, compiled from the spec.

Python numbers give a Python number (the spec itself, interpreted), arrays an array of the broadcast shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.kernels import roles
from int8sim.kernels.compile import bind, build
from int8sim.model.errors import InputMismatchError, UnknownNameError
from int8sim.model.step import Array, Number, Step
from int8sim.model.tensor import QuantParams
from int8sim.spec import affine, cvt
from int8sim.spec import dp4a as products
from int8sim.spec.float32 import float32, float32_bits
from int8sim.spec.rounding import Rounding

Words = int | Array

CONVERSIONS = (Rounding.HALF_EVEN, Rounding.TOWARD_ZERO, Rounding.FLOOR, Rounding.CEIL)
CODES = ("int8", "uint8", "int16")
QUANTIZE = {"half_even": affine.quantize_half_even, "half_away": affine.quantize_half_away}


def dp4a(a: Words, b: Words, c: Words, a_signed: bool = True, b_signed: bool = True) -> Any:
    """c + four byte products modulo 2**32. a, b: 32-bit words; c: int32 or uint32; all of one broadcast shape.

    Returns an int, or an int32 array (uint32 if both operands are unsigned). Source: PTX ISA, dp4a.
    Raises InputMismatchError for anything that is no integer.
    """
    signs = {"a_signed": int(a_signed), "b_signed": int(b_signed)}
    return _words(Step(products.dp4a, signs), (a, b, c), a_signed or b_signed)


def dp2a(a: Words, b: Words, c: Words, high: bool = False, a_signed: bool = True, b_signed: bool = True) -> Any:
    """c + two products of 16-bit halves of a and bytes 0, 1 (high: 2, 3) of b, modulo 2**32; as `dp4a`."""
    flags = {"high": int(high), "a_signed": int(a_signed), "b_signed": int(b_signed)}
    return _words(Step(products.dp2a, flags), (a, b, c), a_signed or b_signed)


def convert(values: Any, dtype: str = "int8", *, rounding: Rounding = Rounding.HALF_EVEN, flush: bool = False) -> Any:
    """PTX cvt to int8 or uint8, saturating: float32 by `rounding` (NaN gives 0), integers by clamping.

    values: a number or an array; float64 and float16 arrays are refused, as cvt from them is another instruction.
    rounding: HALF_EVEN, TOWARD_ZERO, FLOOR or CEIL (.rni, .rzi, .rmi, .rpi). flush: subnormals to 0 first (.ftz).
    """
    if dtype not in {"int8", "uint8"}:
        raise UnknownNameError("destination dtype", dtype, ("int8", "uint8"))
    if rounding not in CONVERSIONS:
        raise UnknownNameError("rounding of cvt", rounding.name, [each.name for each in CONVERSIONS])
    signed = dtype == "int8"
    if isinstance(values, int):
        return cvt.int32_to_int8(values, signed)
    if isinstance(values, float):
        return cvt.float32_to_int8(float32_bits(float32(values)), rounding, signed, flush)
    array = np.asarray(values)
    if array.dtype.kind in "iu":
        info = np.iinfo(dtype)
        return np.clip(array, info.min, info.max).astype(dtype)
    bits = _float32(array).view(np.uint32)
    flags = {"rounding": int(rounding), "signed": int(signed), "flush": int(flush)}
    return _each(Step(cvt.float32_to_int8, flags), bits, dtype)


def quantize(values: Any, quant: QuantParams, rounding: str = "half_even") -> Array:
    """Codes of real values: clamp(nearest(x / scale) + zero_point), in float32. Per tensor, or along quant.axis.

    values: float32, any shape. rounding: "half_even" (ONNX, TensorRT) or "half_away" (TensorFlow Lite).
    Returns an array of quant.dtype: int8, uint8 or int16, as the ends of int32 are no float32 values.
    """
    if quant.dtype not in CODES:
        raise UnknownNameError("dtype of codes", quant.dtype, CODES)
    if rounding not in QUANTIZE:
        raise UnknownNameError("rounding of quantize", rounding, QUANTIZE)
    scale, zero_point = _per_channel(quant)
    numbers: dict[str, Number] = {"scale": scale, "zero_point": zero_point, "low": quant.low, "high": quant.high}
    return _along(Step(QUANTIZE[rounding], numbers), _float32(np.asarray(values)), quant, quant.dtype)


def dequantize(codes: Any, quant: QuantParams) -> Array:
    """float32((code - zero_point) * scale), per tensor or along quant.axis. codes: an array of quant.dtype."""
    scale, zero_point = _per_channel(quant)
    array = np.asarray(codes)
    if array.dtype.name != quant.dtype:
        raise InputMismatchError("codes", array.dtype.name, quant.dtype)
    return _along(Step(affine.dequantize, {"scale": scale, "zero_point": zero_point}), array, quant, "float32")


def _float32(array: Array) -> Array:
    if array.dtype != np.float32:
        raise InputMismatchError("values", array.dtype.name, "float32")
    return np.ascontiguousarray(array)


def _words(step: Step, operands: tuple[Words, ...], signed: bool) -> Any:
    if all(isinstance(operand, int) for operand in operands):
        return step(*operands)  # type: ignore[arg-type]
    arrays = np.broadcast_arrays(*(np.asarray(operand) for operand in operands))
    for name, array in zip("abc", arrays, strict=True):
        if array.dtype.kind not in "iu":
            raise InputMismatchError(name, array.dtype.name, "32-bit words, int32 or uint32")
    flat = [np.array(array, np.int64).reshape(-1) for array in arrays]
    out = np.empty(flat[0].shape, np.int64)
    built, values = bind(step)
    build(_dots, {"dot": built})(*flat, values, out)
    return out.astype(np.int32 if signed else np.uint32).reshape(arrays[0].shape)


def _per_channel(quant: QuantParams) -> tuple[Array, Array]:
    """Scales (float32) and zero points (int64), one per channel, or one."""
    points = quant.zero_point if isinstance(quant.zero_point, tuple) else (quant.zero_point,) * len(quant.scales)
    return np.array(quant.scales, np.float32), np.array(points, np.int64)


def _each(step: Step, array: Array, dtype: str) -> Array:
    out = np.empty(array.shape, dtype)
    built, values = bind(step)
    build(_converts, {"convert": built})(array.astype(np.int64).reshape(-1, 1), values, out.reshape(-1, 1))
    return out


def _along(step: Step, array: Array, quant: QuantParams, dtype: str) -> Array:
    """The step over an array whose channels lie along quant.axis."""
    channels = len(quant.scales)
    moved = array if quant.axis is None else np.moveaxis(array, quant.axis, -1)
    if channels > 1 and moved.shape[-1] != channels:
        raise InputMismatchError("values", f"{moved.shape[-1]} channels", f"{channels}, one per scale")
    source = np.array(moved, order="C")
    if source.dtype.kind in "iu":
        source = source.astype(np.int64)
    out = np.empty(source.shape, dtype)
    built, values = bind(step)
    build(_converts, {"convert": built})(source.reshape(-1, channels), values, out.reshape(-1, channels))
    return out if quant.axis is None else np.moveaxis(out, -1, quant.axis)


def _dots(a: Array, b: Array, c: Array, p: roles.Parameters, out: Array) -> None:
    for i in range(out.shape[0]):
        out[i] = roles.dot(a[i], b[i], c[i], p, 0)


def _converts(x: Array, p: roles.Parameters, out: Array) -> None:
    for i in range(x.shape[0]):
        for channel in range(x.shape[1]):
            out[i, channel] = roles.convert(x[i, channel], p, channel)

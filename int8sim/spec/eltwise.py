"""Sums of two quantized tensors, each engine's way."""

from __future__ import annotations

from int8sim.spec.affine import dequantize, quantize_half_even
from int8sim.spec.float32 import float32, fma, half_even
from int8sim.spec.integers import S6, S16, U31, clamp, clamp_offset
from int8sim.spec.requantize import double, double_is_defined

ADD_LEFT_SHIFT = 20  # both operands are shifted left by this before they are scaled
ADD_LEFT_SHIFT_16 = 15  # of 16-bit codes


def add_double(
    a: S16,
    b: S16,
    a_zero_point: S16,
    b_zero_point: S16,
    a_multiplier: U31,
    a_shift: S6,
    b_multiplier: U31,
    b_shift: S6,
    multiplier: U31,
    shift: S6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """TensorFlow Lite's ADD: each operand << 20 and scaled to twice the greater scale, the sum scaled to the output.

    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/add.h.
    """
    left = double((a - a_zero_point) << ADD_LEFT_SHIFT, a_multiplier, a_shift)
    right = double((b - b_zero_point) << ADD_LEFT_SHIFT, b_multiplier, b_shift)
    return clamp_offset(double(left + right, multiplier, shift), zero_point, low, high)


def add_double_is_defined(
    a: int,
    b: int,
    a_zero_point: int,
    b_zero_point: int,
    a_multiplier: int,
    a_shift: int,
    b_multiplier: int,
    b_shift: int,
    multiplier: int,
    shift: int,
) -> bool:
    """Whether `double` is, of both operands and of their sum."""
    left, right = (a - a_zero_point) << ADD_LEFT_SHIFT, (b - b_zero_point) << ADD_LEFT_SHIFT
    operands = double_is_defined(left, a_multiplier, a_shift) and double_is_defined(right, b_multiplier, b_shift)
    total = double(left, a_multiplier, a_shift) + double(right, b_multiplier, b_shift)
    return operands and double_is_defined(total, multiplier, shift)


def subtract_double(
    a: S16,
    b: S16,
    a_zero_point: S16,
    b_zero_point: S16,
    a_multiplier: U31,
    a_shift: S6,
    b_multiplier: U31,
    b_shift: S6,
    multiplier: U31,
    shift: S6,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """TensorFlow Lite's SUB: as `add_double`, with the difference of the scaled operands.

    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/sub.h.
    """
    left = double((a - a_zero_point) << ADD_LEFT_SHIFT, a_multiplier, a_shift)
    right = double((b - b_zero_point) << ADD_LEFT_SHIFT, b_multiplier, b_shift)
    return clamp_offset(double(left - right, multiplier, shift), zero_point, low, high)


def subtract_double_is_defined(
    a: int,
    b: int,
    a_zero_point: int,
    b_zero_point: int,
    a_multiplier: int,
    a_shift: int,
    b_multiplier: int,
    b_shift: int,
    multiplier: int,
    shift: int,
) -> bool:
    """Whether `double` is, of both operands and of their difference."""
    left, right = (a - a_zero_point) << ADD_LEFT_SHIFT, (b - b_zero_point) << ADD_LEFT_SHIFT
    operands = double_is_defined(left, a_multiplier, a_shift) and double_is_defined(right, b_multiplier, b_shift)
    difference = double(left, a_multiplier, a_shift) - double(right, b_multiplier, b_shift)
    return operands and double_is_defined(difference, multiplier, shift)


def maximum_code(a: S16, b: S16, low: S16, high: S16) -> int:
    """TensorFlow Lite's MAXIMUM: of codes of one scale, as they are. Source: reference/maximum_minimum.h."""
    return clamp(max(a, b), low, high)


def minimum_code(a: S16, b: S16, low: S16, high: S16) -> int:
    """TensorFlow Lite's MINIMUM, as `maximum_code`."""
    return clamp(min(a, b), low, high)


def add_fma(a: S16, b: S16, a_ratio: float, b_ratio: float, fixed: float, low: S16, high: S16) -> int:
    """ONNX Runtime's QLinearAdd with AVX2 and FMA: half_even(fma(a, rA, fma(b, rB, fixed))), clamped before rounding.

    ratios: float32 input scale / output scale. fixed: float32(zc - fma(rA, za, float32(rB * zb))). From 2**31 on the
    conversion to int32 gives -2**31 on x86, and so `low`.
    Source: microsoft/onnxruntime:onnxruntime/core/mlas/lib/intrinsics/avx2/qladd_avx2.cpp.
    """
    value = fma(float32(a), a_ratio, fma(float32(b), b_ratio, fixed))
    if not value < float32(2147483648.0):
        return low
    return half_even(min(max(value, float32(low)), float32(high)))


def add_fma_is_defined(a: int, b: int, a_ratio: float, b_ratio: float, fixed: float) -> bool:
    """Whether the sum fits int32."""
    return -(1 << 31) <= fma(float32(a), a_ratio, fma(float32(b), b_ratio, fixed)) < 1 << 31


def add_dequantized(a: S16, b: S16, a_scale: float, b_scale: float, scale: float, low: S16, high: S16) -> int:
    """The Q/DQ formula, zero points 0: quantize(a * a_scale + b * b_scale), four float32 roundings, half even."""
    total = float32(float32(float32(a) * a_scale) + float32(float32(b) * b_scale))
    return half_even(min(max(float32(total / scale), float32(low)), float32(high)))


def requantize_real(
    x: S16, from_scale: float, from_zero_point: S16, scale: float, zero_point: S16, low: S16, high: S16
) -> int:
    """Quantize(dequantize(x)) in float32: an input of ONNX Runtime's QLinearConcat whose scale differs.

    Source: microsoft/onnxruntime:onnxruntime/contrib_ops/cpu/quantization/qlinear_concat.cc.
    """
    return quantize_half_even(dequantize(x, from_scale, from_zero_point), scale, zero_point, low, high)

"""ONNX Runtime's quantized operators of one or two codes: QLinearMul, QLinearLeakyRelu, QLinearSigmoid.

The last two look every code up in a table of 256 entries; the functions here are one entry of it. Sources:
microsoft/onnxruntime:onnxruntime/core/mlas/lib/qlmul.cpp, onnxruntime/contrib_ops/cpu/quantization/
qlinear_lookup_table.cc and qlinear_activations.cc; measured on ONNX Runtime 1.31.1.
"""

from __future__ import annotations

from int8sim.spec.activations import leaky_relu
from int8sim.spec.affine import dequantize, quantize_half_even
from int8sim.spec.float32 import float32, fma, half_even
from int8sim.spec.integers import S16

LOGISTIC_END = 18.0
NUMERATOR = (
    4.370310016654777e-11,
    1.156273228275495e-07,
    6.085748827899806e-05,
    0.008513770997524261,
    0.24828794598579407,
)
DENOMINATOR = (
    6.102473669618302e-13,
    5.761021437677982e-09,
    6.291068075370276e-06,
    0.0017019881634041667,
    0.1168176531791687,
    0.9931519031524658,
)
"""Coefficients of P and Q, the highest power first; each is exactly float32."""


def multiply_float32(
    a: S16, b: S16, a_zero_point: S16, b_zero_point: S16, multiplier: float, zero_point: S16, low: S16, high: S16
) -> int:
    """saturate(half_even(float32((a - za) * (b - zb)) * multiplier + zero_point)), every step float32, none fused.

    multiplier: float32(float32(Sa * Sb) / Sy). From 2**31 on the conversion to int32 gives -2**31 on x86, and so `low`.
    """
    product = float32(float32((a - a_zero_point) * (b - b_zero_point)) * multiplier)
    value = float32(product + float32(zero_point))
    if not value < float32(2147483648.0):
        return low
    return half_even(min(max(value, float32(low)), float32(high)))


def multiply_float32_is_defined(
    a: int, b: int, a_zero_point: int, b_zero_point: int, multiplier: float, zero_point: int
) -> bool:
    """Whether the scaled product, zero point included, fits int32."""
    product = float32(float32((a - a_zero_point) * (b - b_zero_point)) * multiplier)
    return -(1 << 31) <= float32(product + zero_point) < 1 << 31


def leaky_relu_real(
    x: S16,
    slope: float,
    from_scale: float,
    from_zero_point: S16,
    scale: float,
    zero_point: S16,
    low: S16,
    high: S16,
) -> int:
    """Quantize(leaky_relu(dequantize(x))) in float32."""
    real = leaky_relu(dequantize(x, from_scale, from_zero_point), slope)
    return quantize_half_even(real, scale, zero_point, low, high)


def sigmoid_real(
    x: S16, from_scale: float, from_zero_point: S16, scale: float, zero_point: S16, low: S16, high: S16
) -> int:
    """Quantize(logistic_fma(dequantize(x))) in float32."""
    real = logistic_fma(dequantize(x, from_scale, from_zero_point))
    return quantize_half_even(real, scale, zero_point, low, high)


def logistic_fma(x: float) -> float:
    """ONNX Runtime's Sigmoid with FMA: x * P(x**2) / Q(x**2) + 1/2, at least 0, x clamped to -18 .. 18.

    P and Q by Horner's rule, one fused multiply-add a coefficient; nothing else is fused. Nothing keeps it below 1:
    twenty arguments between 17 and 18 give 1 + 2**-23. x: float32, no NaN.
    Source: microsoft/onnxruntime:onnxruntime/core/mlas/lib/logistic.cpp and x86_64/LogisticKernelFma3.S.
    """
    bounded = min(max(x, float32(-LOGISTIC_END)), float32(LOGISTIC_END))
    square = float32(bounded * bounded)
    quotient = float32(float32(_horner(NUMERATOR, square) * bounded) / _horner(DENOMINATOR, square))
    return max(float32(quotient + float32(0.5)), float32(0.0))


def _horner(coefficients: tuple[float, ...], x: float) -> float:
    value = coefficients[0]
    for coefficient in coefficients[1:]:
        value = fma(value, x, coefficient)
    return value

"""Real scales -> the integers an engine computes with."""

from __future__ import annotations

import math
from fractions import Fraction

from int8sim.spec.float32 import float32


def tflite_multiplier(real: float) -> tuple[int, int]:
    """A positive real as (multiplier, shift): about multiplier / 2**(31 + shift), multiplier in 2**30 .. 2**31 - 1.

    frexp, then the mantissa to 31 bits half away; a mantissa that rounds to 1 is halved; a real below 2**-32 gives
    (0, 0). Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/quantization_util.cc, QuantizeMultiplier
    (its shift is positive to the left; here, as everywhere, to the right).
    """
    mantissa, exponent = math.frexp(real)
    multiplier = math.floor(Fraction(mantissa) * (1 << 31) + Fraction(1, 2))
    if multiplier == 1 << 31:
        multiplier, exponent = multiplier // 2, exponent + 1
    if exponent < -31 or multiplier == 0:
        return 0, 0
    return multiplier, -exponent


def nvdla_shift(real: float) -> int:
    """The right shift at which |real| * 2**shift fills 15 bits: 15 - (floor(log2 |real|) + 1). 0 for 0.

    Source: nvdla/sw:umd/core/src/compiler/include/priv/LowPrecision.h, scaleAndShiftFromScalarImpl2.
    """
    return 15 - math.frexp(abs(real))[1] if real else 0


def nvdla_scale(real: float, shift: int) -> int:
    """real * 2**shift as an int16, truncated toward zero. With `nvdla_shift` it lies in 16384 .. 32767, or is 0."""
    return math.trunc(Fraction(real) * Fraction(2) ** shift)


def float32_ratio(input_scale: float, weight_scale: float, output_scale: float) -> float:
    """float32(float32(input * weight) / output): the order in which ONNX Runtime and XNNPACK compute it."""
    return float32(float32(input_scale * weight_scale) / output_scale)


def nvdla_ratio(input_scale: float, weight_scale: float, output_scale: float) -> float:
    """float32(float32(input / output) * weight): the order in which NVDLA's compiler computes it."""
    return float32(float32(input_scale / output_scale) * weight_scale)


def mean_multiplier(real: float, count: int) -> tuple[int, int]:
    """The multiplier and right shift of a real ratio with a division by `count` folded in: TensorFlow Lite's MEAN.

    The multiplier is shifted left as far as the count's magnitude allows, then divided, truncated.
    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/integer_ops/mean.h.
    """
    multiplier, right = tflite_multiplier(real)
    room = min(count.bit_length() - 1, 32, 31 - right)
    return (multiplier << room) // count, right + room

"""From an accumulator to an output word: multiply by the real ratio of scales, round, add the zero point, clamp.

Engines differ in how the multiplication is rounded, and that is the whole of most one-LSB mismatches:

| function | arithmetic | engines |
| --- | --- | --- |
| float_rne | float32 product, half to even | ONNX Runtime, XNNPACK, fbgemm |
| quantize_sum | dequantize, add the float bias, divide by the output scale, half to even | the published Q/DQ formula |
| double | 31-bit fixed point, half up, then a shift, half away | TensorFlow Lite reference and Micro, CMSIS-NN |
| double_up | 31-bit fixed point, half up, then a shift, half up | TensorFlow Lite optimized (ruy) |
| single | one shift, half up | builds with TFLITE_SINGLE_ROUNDING or CMSIS_NN_USE_SINGLE_ROUNDING |
| real_half_away | float64 product, half away | LiteRT reference fully connected |

A shift is positive to the right, everywhere.
"""

from __future__ import annotations

from int8sim.spec.float32 import float32, half_even
from int8sim.spec.integers import S6, S16, S32, U31, clamp, clamp_offset, wrap
from int8sim.spec.rounding import Rounding, shift_right, shift_right_32


def float_rne(acc: S32, multiplier: float, zero_point: S16, low: S16, high: S16) -> int:
    """saturate(half_even(float32(acc) * multiplier) + zero_point), both steps in float32.

    multiplier: float32, the engine's own product and quotient of scales (the order of these matters to the last bit).
    The clamp to low - zero_point .. high - zero_point comes before the rounding, so that no float leaves int32.
    Source: microsoft/onnxruntime:onnxruntime/core/mlas/lib/quantize.cpp, MlasRequantizeOutput.
    """
    scaled = float32(float32(acc) * multiplier)
    bounded = min(max(scaled, float32(low - zero_point)), float32(high - zero_point))
    return half_even(bounded) + zero_point


def quantize_sum(acc: S32, rescale: float, bias: float, scale: float, low: S16, high: S16) -> int:
    """Quantize(dequantize(acc) + bias): the Q/DQ formula with an exact integer accumulator, four float32 roundings.

    rescale: float32 input scale times weight scale. bias: float32, real. scale: float32 of the output; it divides.
    Source: the definitions of QuantizeLinear and DequantizeLinear in NVIDIA's TensorRT documentation, explicit
    quantization, zero point 0, half to even. What TensorRT's fused layers compute inside is not published.
    """
    real = float32(float32(float32(acc) * rescale) + bias)
    return half_even(min(max(float32(real / scale), float32(low)), float32(high)))


def high_multiply(value: S32, multiplier: U31) -> int:
    """value * multiplier / 2**31, half up: gemmlowp's SaturatingRoundingDoublingHighMul for multiplier >= 0.

    gemmlowp adds 2**30 or 1 - 2**30 by sign and then truncates; that is the floor of the product plus 2**30.
    """
    return shift_right(value * multiplier, 31, Rounding.HALF_UP)


def double(acc: S32, multiplier: U31, shift: S6) -> int:
    """Two roundings: `high_multiply`, then a right shift with ties away from zero.

    shift: -31 .. 31; a negative one shifts the accumulator left first, in 32 bits.
    Source: tensorflow/tflite-micro:tensorflow/lite/kernels/internal/common.cc, MultiplyByQuantizedMultiplier.
    """
    left = wrap(acc << max(-shift, 0), 32)
    return shift_right_32(high_multiply(left, multiplier), max(shift, 0), Rounding.HALF_AWAY)


def double_up(acc: S32, multiplier: U31, shift: S6) -> int:
    """As `double`, with the shift's ties toward plus infinity: ruy's and LiteRT's optimized kernels on x86."""
    left = wrap(acc << max(-shift, 0), 32)
    return shift_right_32(high_multiply(left, multiplier), max(shift, 0), Rounding.HALF_UP)


def single(acc: S32, multiplier: U31, shift: S6) -> int:
    """One rounding: acc * multiplier / 2**(31 + shift), half up. shift: -31 .. 31."""
    return shift_right(acc * multiplier, 31 + shift, Rounding.HALF_UP)


def double_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """Whether the 32-bit left shift of `double` keeps its value, and the multiplier is a legal one."""
    return left_shift_is_defined(acc, shift) and _is_multiplier(multiplier, shift)


def left_shift_is_defined(acc: int, shift: int) -> bool:
    """Whether a negative shift, which goes left first, keeps the value in 32 bits."""
    return wrap(acc << max(-shift, 0), 32) == acc << max(-shift, 0)


def double_up_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """As `double`: the left shift is the same."""
    return double_is_defined(acc, multiplier, shift)


def single_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """Whether `single` stays within its 32-bit result, and the multiplier is a legal one."""
    result = shift_right(acc * multiplier, 31 + shift, Rounding.HALF_UP)
    return wrap(result, 32) == result and _is_multiplier(multiplier, shift)


def _is_multiplier(multiplier: int, shift: int) -> bool:
    return (multiplier == 0 or 1 << 30 <= multiplier < 1 << 31) and -31 < shift <= 31


def fixed_point(acc: S32, multiplier: U31, shift: S6, scheme: str) -> int:
    """One of the three fixed-point schemes by name: "double", "double_up" or "single". No zero point, no clamp."""
    if scheme == "double":
        return double(acc, multiplier, shift)
    if scheme == "double_up":
        return double_up(acc, multiplier, shift)
    if scheme == "single":
        return single(acc, multiplier, shift)
    raise ValueError(f"scheme {scheme!r} is none of 'double', 'double_up', 'single'")


def real_half_away(acc: S32, multiplier: float) -> int:
    """half_away(float64(acc) * multiplier) as a C cast to int32 gives it on x86: beyond int32 it is -2**31.

    multiplier: float64. Source: measured against LiteRT 2.3.0's reference FULLY_CONNECTED, 0 of 5,460,000 outputs
    differ; a single fixed-point rounding differs on 3 % of outputs aimed at ties.
    """
    product = min(max(float(acc) * multiplier, -1.0e12), 1.0e12)
    whole = int(product)
    rest = product - float(whole)
    nearest = whole + (1 if rest >= 0.5 else 0) - (1 if rest <= -0.5 else 0)
    return nearest if -(1 << 31) <= nearest < 1 << 31 else -(1 << 31)


def real_half_away_is_defined(acc: int, multiplier: float) -> bool:
    """Whether the rounded product fits int32; beyond that the C cast is undefined."""
    return abs(acc * multiplier) < (1 << 31) - 1


def output_real_is_defined(acc: int, multiplier: float) -> bool:
    """Whether the rounded product fits int32."""
    return real_half_away_is_defined(acc, multiplier)


def output_double_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """As `double`."""
    return double_is_defined(acc, multiplier, shift)


def output_double_up_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """As `double_up`."""
    return double_up_is_defined(acc, multiplier, shift)


def output_single_is_defined(acc: int, multiplier: int, shift: int) -> bool:
    """As `single`."""
    return single_is_defined(acc, multiplier, shift)


def output_real(acc: S32, multiplier: float, zero_point: S16, low: S16, high: S16) -> int:
    """clamp(wrap(real_half_away(acc) + zero_point, 32)): the 32-bit sum wraps as LiteRT's does."""
    return clamp(wrap(real_half_away(acc, multiplier) + zero_point, 32), low, high)


def output_double(acc: S32, multiplier: U31, shift: S6, zero_point: S16, low: S16, high: S16) -> int:
    """clamp(double(acc) + zero_point)."""
    return clamp_offset(double(acc, multiplier, shift), zero_point, low, high)


def output_double_up(acc: S32, multiplier: U31, shift: S6, zero_point: S16, low: S16, high: S16) -> int:
    """clamp(double_up(acc) + zero_point)."""
    return clamp_offset(double_up(acc, multiplier, shift), zero_point, low, high)


def output_single(acc: S32, multiplier: U31, shift: S6, zero_point: S16, low: S16, high: S16) -> int:
    """clamp(single(acc) + zero_point)."""
    return clamp(single(acc, multiplier, shift) + zero_point, low, high)

"""TensorFlow Lite (LiteRT) with the XNNPACK delegate, on x86: OpResolverType.BUILTIN, an interpreter's default.

Multipliers are float32 (half to even), except those of ADD, LEAKY_RELU and QUANTIZE between codes, which are fixed
point (spec/xnnpack.py). A fused activation's bound is rounded half to even after the zero point has been added to it.

The delegate takes CONV_2D, DEPTHWISE_CONV_2D, TRANSPOSE_CONV, FULLY_CONNECTED, ADD, SUB, MUL, MEAN, MAX_POOL_2D,
LOGISTIC, TANH, LEAKY_RELU, QUANTIZE, DEQUANTIZE, CONCATENATION, PAD, RESHAPE, TRANSPOSE, RESIZE_BILINEAR, and
BATCH_MATMUL where the second operand's zero point is 0. It leaves to the optimized kernels (tflite_optimized.py):
AVERAGE_POOL_2D, SOFTMAX, HARD_SWISH, RESIZE_NEAREST_NEIGHBOR, PADV2, MAXIMUM, MINIMUM and RELU of codes; ADD, MUL,
LEAKY_RELU and QUANTIZE of codes where a ratio of scales is outside its bounds; QUANTIZE between int8 and uint8; and a
TRANSPOSE_CONV whose output has cells at its end that no window reaches. A convolution or fully connected layer whose
ratio is 256 or more does not run at all. Sources:
google-ai-edge/LiteRT:tflite/delegates/xnnpack/xnnpack_delegate.cc; google/XNNPACK;
measured on ai-edge-litert 2.3.0.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from int8sim.model.errors import RatioError
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Branch, Scheme
from int8sim.profiles.rules import Parameters, channel_scales, dequantize_scheme, per_channel
from int8sim.profiles.tflite_optimized import TFLITE_OPTIMIZED, TO_16_BITS
from int8sim.spec.float32 import float32, half_even
from int8sim.spec.multipliers import float32_ratio
from int8sim.spec.pooling import sum_codes
from int8sim.spec.requantize import float_rne
from int8sim.spec.xnnpack import (
    PLACE_BITS,
    add_shifted,
    bilinear_place,
    bound_code,
    leaky_relu_8_bit,
    mean_offset_rne,
    multiply_rne,
    quantize_rne,
    requantize_8_bit,
    sigmoid_code,
    tanh_code,
    weighted_half_up,
)

LARGEST_RATIO = 256.0  # of an accumulator's scale to the output's: from there on XNNPACK creates no operator
ADD_MULTIPLIER_BITS = 20
LEAST_NEGATIVE = -127.99609375  # the least ratio below zero that LEAKY_RELU takes


def _matmul(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    """float32(float32(Sx * Sw) / Sy)."""
    ratios = [float32_ratio(x.tensor_scale, s, y.tensor_scale) for s in channel_scales(w, channels)]
    bounds = {"zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"output": {"multiplier": per_channel(ratios, np.float32), **bounds}}


def _weighted(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    """The same. Raises RatioError where XNNPACK creates no operator."""
    greatest = float32_ratio(x.tensor_scale, max(w.scales), y.tensor_scale)
    if greatest >= LARGEST_RATIO:
        raise RatioError(greatest, "less than 256")
    return _matmul(x=x, w=w, y=y, channels=channels, low=low, high=high)


def _ratio(x: QuantParams, y: QuantParams) -> float:
    return float32(x.tensor_scale / y.tensor_scale)


def _add_is_left(*, a: QuantParams, b: QuantParams, y: QuantParams) -> bool:
    return not all(2.0**-10 <= _ratio(each, y) < 2.0**8 for each in (a, b))


def _add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    return _sum(a, b, y, low, high, 1)


def _subtract(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    return _sum(a, b, y, low, high, -1)


def _sum(a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int, sign: int) -> Parameters:
    """Multipliers half_even(ratio * 2**shift), the shift such that the greater has 21 bits; sign: of the second."""
    ratios = _ratio(a, y), _ratio(b, y)
    shift = ADD_MULTIPLIER_BITS + 1 - math.frexp(max(ratios))[1]
    left, right = (round(ratio * 2.0**shift) for ratio in ratios)
    zero_points = {"a_zero_point": a.tensor_zero_point, "b_zero_point": b.tensor_zero_point}
    scaling = {"a_multiplier": left, "b_multiplier": sign * right, "shift": shift}
    return {"combine": {**zero_points, **scaling, "zero_point": y.tensor_zero_point, "low": low, "high": high}}


def _product(a: QuantParams, b: QuantParams, y: QuantParams) -> float:
    return float32_ratio(a.tensor_scale, b.tensor_scale, y.tensor_scale)


def _multiply_is_left(*, a: QuantParams, b: QuantParams, y: QuantParams) -> bool:
    return not 2.0**-16 <= _product(a, b, y) < 2.0**8


def _multiply(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    zero_points = {"a_zero_point": a.tensor_zero_point, "b_zero_point": b.tensor_zero_point}
    bounds = {"zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"combine": {**zero_points, "multiplier": np.float32(_product(a, b, y)), **bounds}}


def _mean(*, x: QuantParams, y: QuantParams, window: tuple[int, int], low: int, high: int) -> Parameters:
    """Every step float32: multiplier (1 / count) * (Sx / Sy), offset zy - count * zx * multiplier."""
    count = float32(window[0] * window[1])
    multiplier = float32(float32(1 / count) * _ratio(x, y))
    moved = float32(float32(count * x.tensor_zero_point) * multiplier)
    offset = np.float32(float32(y.tensor_zero_point - moved))
    return {"finish": {"multiplier": np.float32(multiplier), "offset": offset, "low": low, "high": high}}


def _is_outside(*, x: QuantParams, y: QuantParams) -> bool:
    return not 2.0**-8 <= _ratio(x, y) <= 2.0**7


def _requantize_is_left(*, x: QuantParams, y: QuantParams) -> bool:
    return x.dtype != y.dtype or _is_outside(x=x, y=y)


def _requantize(*, x: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """A multiplier half_even(256 * ratio)."""
    zero_points = {"from_zero_point": x.tensor_zero_point}
    bounds = {"zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"convert": {**zero_points, "multiplier": half_even(256 * _ratio(x, y)), **bounds}}


def _leaky_relu_is_left(*, x: QuantParams, y: QuantParams, slope: float) -> bool:
    below = float32(_ratio(x, y) * slope)
    return _is_outside(x=x, y=y) or abs(below) < 2.0**-8 or not LEAST_NEGATIVE <= below <= 2.0**7


def _leaky_relu(*, x: QuantParams, y: QuantParams, low: int, high: int, slope: float) -> Parameters:
    """Multipliers half_even(256 * ratio), of codes from the zero point up and below it."""
    ratio = _ratio(x, y)
    multiplier, below = half_even(256 * ratio), half_even(256 * float32(ratio * slope))
    scaling = {"from_zero_point": x.tensor_zero_point, "multiplier": multiplier, "slope_multiplier": below}
    return {"convert": {**scaling, "zero_point": y.tensor_zero_point, "low": low, "high": high}}


def _function(*, x: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """A function of real values: the scales on both sides."""
    return {
        "convert": {
            "scale": np.float32(x.tensor_scale),
            "from_zero_point": x.tensor_zero_point,
            "inverse_scale": np.float32(float32(1 / y.tensor_scale)),
            "zero_point": y.tensor_zero_point,
            "low": low,
            "high": high,
        }
    }


def _quantize(*, y: QuantParams) -> Parameters:
    inverse = np.float32(float32(1 / y.tensor_scale))
    bounds = {"zero_point": y.tensor_zero_point, "low": y.low, "high": y.high}
    return {"convert": {"inverse_scale": inverse, **bounds}}


def _resize_bilinear(*, low: int, high: int) -> Parameters:
    """Weights of 11 bits along each axis."""
    return {"output": {"shift": 2 * PLACE_BITS, "low": low, "high": high}}


def _matmul_is_left(*, w: QuantParams) -> bool:
    return w.tensor_zero_point != 0


def _conv_transpose_is_left(*, beyond: bool = False) -> bool:
    return beyond


OPTIMIZED = TFLITE_OPTIMIZED.schemes
MEAN = Scheme({"step": sum_codes, "finish": mean_offset_rne}, _mean)
WEIGHTED = Scheme({"output": float_rne}, _weighted)
CONV_TRANSPOSE_LEFT = Branch("cells that no window reaches", _conv_transpose_is_left, OPTIMIZED["conv_transpose"])
ADD_LEFT = Branch("a ratio outside 2**-10 .. 2**8", _add_is_left, OPTIMIZED["add"])
SUBTRACT_LEFT = replace(ADD_LEFT, scheme=OPTIMIZED["subtract"])
MULTIPLY_LEFT = Branch("ratio outside 2**-16 .. 2**8", _multiply_is_left, OPTIMIZED["multiply"])
REQUANTIZE_LEFT = Branch("another type, or a ratio outside 2**-8 .. 2**7", _requantize_is_left, OPTIMIZED["requantize"])
MATMUL_LEFT = Branch("zero point of b not 0", _matmul_is_left, OPTIMIZED["matmul"])
LEAKY_RELU_LEFT = Branch("a ratio outside 2**-8 .. 2**7", _leaky_relu_is_left, OPTIMIZED["leaky_relu"])

XNNPACK = replace(
    TFLITE_OPTIMIZED,
    name="xnnpack",
    title="TensorFlow Lite (LiteRT) with the XNNPACK delegate, x86",
    source="google/XNNPACK; google-ai-edge/LiteRT:tflite/delegates/xnnpack/",
    schemes={
        **OPTIMIZED,
        "convolution": WEIGHTED,
        "conv_transpose": replace(WEIGHTED, branches=(CONV_TRANSPOSE_LEFT,)),
        "fully_connected": WEIGHTED,
        "matmul": Scheme({"output": float_rne}, _matmul, branches=(MATMUL_LEFT,)),
        "add": Scheme({"combine": add_shifted}, _add, branches=(ADD_LEFT,)),
        "subtract": Scheme({"combine": add_shifted}, _subtract, branches=(SUBTRACT_LEFT,)),
        "multiply": Scheme({"combine": multiply_rne}, _multiply, branches=(MULTIPLY_LEFT,)),
        "global_average_pool": MEAN,
        "reduce_mean": MEAN,
        "resize_weighted": Scheme({"output": weighted_half_up}, _resize_bilinear),
        "sigmoid": Scheme({"convert": sigmoid_code}, _function),
        "tanh": Scheme({"convert": tanh_code}, _function),
        "leaky_relu": Scheme({"convert": leaky_relu_8_bit}, _leaky_relu, branches=(LEAKY_RELU_LEFT,)),
        "requantize": Scheme({"convert": requantize_8_bit}, _requantize, branches=(TO_16_BITS, REQUANTIZE_LEFT)),
        "quantize": Scheme({"convert": quantize_rne}, _quantize),
        "dequantize": dequantize_scheme(),
    },
    bilinear=bilinear_place,
    bounds=dict.fromkeys(
        ("convolution", "conv_transpose", "fully_connected", "add", "subtract", "multiply"), bound_code
    ),
)

"""What the engines that run .tflite files share: the converter's quantization, and multipliers from real scales.

Each function below that takes keywords is the `derive` of a scheme (base.py). Formulas: tensorflow/tflite-
micro:tensorflow/lite/kernels/internal/reference/, google-ai-edge/LiteRT:tflite/kernels/. Quantization:
google-ai-edge/LiteRT:tflite/tools/optimize/quantization_utils.cc.
"""

from __future__ import annotations

import math

import numpy as np

from int8sim.model.errors import RatioError
from int8sim.model.step import Array
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Floats, Weights
from int8sim.profiles.rules import (
    Parameters,
    amax_scale,
    channel_scales,
    per_channel,
    symmetric_int8,
    times_half_away,
)
from int8sim.spec.affine import asymmetric_scale_float32, zero_point_half_away
from int8sim.spec.eltwise import ADD_LEFT_SHIFT
from int8sim.spec.float32 import float32
from int8sim.spec.multipliers import float32_ratio, mean_multiplier, tflite_multiplier
from int8sim.spec.tflite_elementwise import narrow_multiplier

LARGEST_LEFT_SHIFT = -31
INPUT_INTEGER_BITS = 5  # of the scaled difference in softmax


def asymmetric_int8(row: Row, non_negative: bool) -> QuantParams:
    """int8, the range widened to hold 0: GetAsymmetricQuantizationParams, in float32."""
    low, high = (float32(bound) for bound in row.real_range())
    low = 0.0 if non_negative else low
    scale = asymmetric_scale_float32(low, high, 255)
    return QuantParams(scale, zero_point_half_away(low, scale, -128, 127))


def weight_codes(weights: Floats, scales: Floats, low: int, high: int) -> Array:
    """clamp(half_away(w * float32(127 / amax))), amax being scale * 127 of the same slice.

    SymmetricPerChannelQuantization multiplies by the reciprocal. The maximum is taken again from the weights, because
    the rounded scale does not determine it.
    """
    axes = tuple(range(1, weights.ndim)) if scales.size > 1 else None
    amax = np.abs(weights).max(axis=axes, keepdims=True) if weights.size else np.float32(0)
    with np.errstate(divide="ignore"):
        reciprocal = np.where(amax > 0, np.float32(127) / amax, np.float32(0)).astype(np.float32)
    return times_half_away(weights, reciprocal, low, high)


def bias_codes(bias: Floats, input_scale: float, weight_scales: Floats) -> Array:
    """half_away(b * float32(1 / float32(Sx * Sw))), a float32 product, clipped to int32 without its lowest value."""
    limit = 2**31 - 1
    codes = []
    for value, scale in zip(bias.tolist(), np.broadcast_to(weight_scales, bias.shape).tolist(), strict=True):
        product = float32(value * float32(1.0 / float32(input_scale * scale)))
        nearest = math.floor(abs(product) + 0.5) if abs(product) < limit else limit
        codes.append(int(math.copysign(nearest, product)))
    return np.array(codes, np.int32)


def fixed_point(real: float) -> tuple[int, int]:
    """The multiplier and right shift of a real one. Raises RatioError for 2**31 or more."""
    multiplier, shift = tflite_multiplier(real)
    if shift < LARGEST_LEFT_SHIFT:
        raise RatioError(real, "less than 2**31")
    return multiplier, shift


def multipliers(reals: list[float]) -> dict[str, Array]:
    """The fixed-point multiplier and right shift of each real one. Raises RatioError for one of 2**31 or more."""
    pairs = [fixed_point(real) for real in reals]
    return {
        "multiplier": per_channel([multiplier for multiplier, _ in pairs], np.int64),
        "shift": per_channel([shift for _, shift in pairs], np.int64),
    }


def convolution(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    """One multiplier per output channel: float64 input scale * weight scale / output scale."""
    reals = [x.tensor_scale * s / y.tensor_scale for s in channel_scales(w, channels)]
    return {"output": {**multipliers(reals), "zero_point": y.tensor_zero_point, "low": low, "high": high}}


def matmul(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    """One multiplier for all: the product of scales in float32, the quotient in float64."""
    reals = [float32(x.tensor_scale * w.tensor_scale) / y.tensor_scale] * channels
    return {"output": {**multipliers(reals), "zero_point": y.tensor_zero_point, "low": low, "high": high}}


def add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """Three multipliers: each operand to twice the greater scale, the sum to the output. All in float64."""
    twice = 2 * max(a.tensor_scale, b.tensor_scale)
    ma, sa = tflite_multiplier(a.tensor_scale / twice)
    mb, sb = tflite_multiplier(b.tensor_scale / twice)
    mo, so = tflite_multiplier(twice / ((1 << ADD_LEFT_SHIFT) * y.tensor_scale))
    return {
        "combine": {
            "a_zero_point": a.tensor_zero_point,
            "b_zero_point": b.tensor_zero_point,
            "a_multiplier": ma,
            "a_shift": sa,
            "b_multiplier": mb,
            "b_shift": sb,
            "multiplier": mo,
            "shift": so,
            "zero_point": y.tensor_zero_point,
            "low": low,
            "high": high,
        }
    }


def average(*, low: int, high: int) -> Parameters:
    """Nothing but the bounds: an average pool has one scale."""
    return {"finish": {"low": low, "high": high}}


def mean(*, x: QuantParams, y: QuantParams, window: tuple[int, int], low: int, high: int) -> Parameters:
    """The ratio of scales with the count of cells folded in."""
    multiplier, shift = mean_multiplier(x.tensor_scale / y.tensor_scale, window[0] * window[1])
    zero_point = y.tensor_zero_point
    return {
        "step": {"zero_point": x.tensor_zero_point},
        "finish": {"multiplier": multiplier, "shift": shift, "zero_point": zero_point, "low": low, "high": high},
    }


def softmax(*, x: QuantParams, low: int, high: int) -> Parameters:
    """The multiplier of the input scale * 2**26, and the difference below which the engine takes 0."""
    real = min(x.tensor_scale * (1 << (31 - INPUT_INTEGER_BITS)), 2.0**31 - 1.0)
    multiplier, shift = tflite_multiplier(real)
    radius = math.floor(31 * (1 << (31 - INPUT_INTEGER_BITS)) / 2.0**-shift)
    return {
        "exponential": {"multiplier": multiplier, "shift": shift, "difference_min": -radius},
        "quotient": {"low": low, "high": high},
    }


def product_of(real: float, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """The step of a multiplication by the ratio `real` of the scales' product to the output's scale."""
    multiplier, shift = fixed_point(real)
    return {
        "combine": {
            "a_zero_point": a.tensor_zero_point,
            "b_zero_point": b.tensor_zero_point,
            "multiplier": multiplier,
            "shift": shift,
            "zero_point": y.tensor_zero_point,
            "low": low,
            "high": high,
        }
    }


def multiply(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """One multiplier: the product of scales in float32, the quotient in float32. Source: kernels/mul.cc, Prepare."""
    return product_of(float32_ratio(a.tensor_scale, b.tensor_scale, y.tensor_scale), a, b, y, low, high)


def requantize(*, x: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """One multiplier: the quotient of scales in float64. Source: kernels/quantize.cc, Prepare."""
    multiplier, shift = fixed_point(x.tensor_scale / y.tensor_scale)
    return _convert(x, y, low, high, multiplier=multiplier, shift=shift)


def leaky_relu(*, x: QuantParams, y: QuantParams, low: int, high: int, slope: float) -> Parameters:
    """Two multipliers, in float32. Source: kernels/activations.cc, LeakyReluPrepare."""
    ratio = float32(x.tensor_scale / y.tensor_scale)
    return leaky_relu_of(ratio, float32_ratio(x.tensor_scale, float(slope), y.tensor_scale), x, y, low, high)


def leaky_relu_of(real: float, below: float, x: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """The step of a leaky ReLU whose slopes, in codes, are `real` from the zero point up and `below` under it."""
    multiplier, shift = fixed_point(real)
    slope_multiplier, slope_shift = fixed_point(abs(below))
    signed = slope_multiplier if below >= 0.0 else -slope_multiplier
    slope = {"slope_multiplier": signed, "slope_shift": slope_shift}
    return _convert(x, y, low, high, multiplier=multiplier, shift=shift, **slope)


def prelu(*, x: QuantParams, w: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """Two multipliers, in float32. Source: kernels/activations.cc, PreluPrepare."""
    ratio = float32(x.tensor_scale / y.tensor_scale)
    return prelu_of(ratio, float32_ratio(x.tensor_scale, w.tensor_scale, y.tensor_scale), x, w, y, low, high)


def prelu_of(
    real: float, below: float, x: QuantParams, w: QuantParams, y: QuantParams, low: int, high: int
) -> Parameters:
    """The step of a PRELU: `real` of codes from the zero point up, `below` of the products of codes under it."""
    (multiplier, shift), (slope_multiplier, slope_shift) = fixed_point(real), fixed_point(below)
    zero_points = {"from_zero_point": x.tensor_zero_point, "slope_zero_point": w.tensor_zero_point}
    scaling = {"multiplier": multiplier, "shift": shift}
    slope = {"slope_multiplier": slope_multiplier, "slope_shift": slope_shift}
    bounds = {"zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"combine": {**zero_points, **scaling, **slope, **bounds}}


def hard_swish(*, x: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    """Two 15-bit multipliers: to the output, and to the scale at which 3.0 is 2**15. In float32.

    Raises RatioError where the first is 1 or more, which the engines refuse. Source: activations.cc, HardSwishPrepare.
    """
    fine = float32(x.tensor_scale / 128)
    real = float32(fine / y.tensor_scale)
    multiplier, shift = fixed_point(real)
    if shift < 0:
        raise RatioError(real * 128, "less than 128 for a hard swish")
    gate_multiplier, gate_shift = fixed_point(float32(fine / float32(3 / 32768)))
    gate = {"gate_multiplier": narrow_multiplier(gate_multiplier), "gate_shift": gate_shift}
    return _convert(x, y, low, high, multiplier=narrow_multiplier(multiplier), shift=shift, **gate)


def _convert(x: QuantParams, y: QuantParams, low: int, high: int, **scaling: int) -> Parameters:
    zero_points = x.tensor_zero_point, y.tensor_zero_point
    return {
        "convert": {
            "from_zero_point": zero_points[0],
            **scaling,
            "zero_point": zero_points[1],
            "low": low,
            "high": high,
        }
    }


PRESETS = {"performance": symmetric_int8, "mixed": asymmetric_int8}
WEIGHTS = Weights(frozenset({"convolution"}), amax_scale, weight_codes)
SHARE = QuantParams(1 / 256, -128)
SHARE_16 = QuantParams(1 / 32768, dtype="int16")
FORCED = {
    "softmax": {"int8": SHARE, "int16": SHARE_16},
    "sigmoid": {"int8": SHARE},
    "tanh": {"int8": QuantParams(1 / 128, 0)},
}
"""Outputs that the converter, and most kernels, leave no choice of."""

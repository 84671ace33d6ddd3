"""TensorFlow Lite (LiteRT), reference kernels: OpResolverType.BUILTIN_REF.

Integer fixed point with two roundings (a 31-bit multiplier, half up, then a shift, half away), except the fully
connected layer, which LiteRT computes in float64. Formulas: tensorflow/tflite-
micro:tensorflow/lite/kernels/internal/reference/, google-ai-edge/LiteRT:tflite/kernels/; measured on ai-edge-litert
2.3.0. Quantization: google-ai-edge/LiteRT:tflite/tools/optimize/quantization_utils.cc.
"""

from __future__ import annotations

import math

import numpy as np

from int8sim.model.errors import RatioError
from int8sim.model.step import Array
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import MOVE, Floats, Profile, Scheme, Weights
from int8sim.profiles.rules import (
    MOVES,
    Parameters,
    amax_scale,
    channel_scales,
    clamp_scheme,
    dequantize_scheme,
    per_channel,
    quantize_scheme,
    symmetric_int8,
    times_half_away,
)
from int8sim.spec.affine import (
    asymmetric_scale_float32,
    quantize_half_away,
    zero_point_half_away,
)
from int8sim.spec.eltwise import ADD_LEFT_SHIFT, add_double
from int8sim.spec.float32 import float32
from int8sim.spec.multipliers import mean_multiplier, tflite_multiplier
from int8sim.spec.pooling import average_half_away, mean_double, sum_codes, sum_offset
from int8sim.spec.requantize import output_double, output_real
from int8sim.spec.softmax import tflite_exponential, tflite_quotient, tflite_sum

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


def _multipliers(reals: list[float]) -> dict[str, Array]:
    pairs = [tflite_multiplier(real) for real in reals]
    for real, (_, shift) in zip(reals, pairs, strict=True):
        if shift < LARGEST_LEFT_SHIFT:
            raise RatioError(real, "less than 2**31")
    return {
        "multiplier": per_channel([multiplier for multiplier, _ in pairs], np.int64),
        "shift": per_channel([shift for _, shift in pairs], np.int64),
    }


def _convolution(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, bias: object, low: int, high: int
) -> Parameters:
    del bias
    reals = [x.tensor_scale * s / y.tensor_scale for s in channel_scales(w, channels)]
    return {"output": {**_multipliers(reals), "zero_point": y.tensor_zero_point, "low": low, "high": high}}


def _fully_connected(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, bias: object, low: int, high: int
) -> Parameters:
    del bias
    reals = [x.tensor_scale * s / y.tensor_scale for s in channel_scales(w, channels)]
    multiplier = per_channel(reals, np.float64)
    return {"output": {"multiplier": multiplier, "zero_point": y.tensor_zero_point, "low": low, "high": high}}


def _matmul(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, bias: object, low: int, high: int
) -> Parameters:
    del bias
    reals = [float32(x.tensor_scale * w.tensor_scale) / y.tensor_scale] * channels
    return {"output": {**_multipliers(reals), "zero_point": y.tensor_zero_point, "low": low, "high": high}}


def _add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
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


def _average(*, x: QuantParams, y: QuantParams, window: object, low: int, high: int) -> Parameters:
    del x, y, window
    return {"finish": {"low": low, "high": high}}


def _mean(*, x: QuantParams, y: QuantParams, window: tuple[int, int], low: int, high: int) -> Parameters:
    multiplier, shift = mean_multiplier(x.tensor_scale / y.tensor_scale, window[0] * window[1])
    zero_point = y.tensor_zero_point
    return {
        "step": {"zero_point": x.tensor_zero_point},
        "finish": {"multiplier": multiplier, "shift": shift, "zero_point": zero_point, "low": low, "high": high},
    }


def _softmax(*, x: QuantParams, y: QuantParams, length: int, low: int, high: int) -> Parameters:
    del y, length
    real = min(x.tensor_scale * (1 << (31 - INPUT_INTEGER_BITS)), 2.0**31 - 1.0)
    multiplier, shift = tflite_multiplier(real)
    radius = math.floor(31 * (1 << (31 - INPUT_INTEGER_BITS)) / 2.0**-shift)
    return {
        "exponential": {"multiplier": multiplier, "shift": shift, "difference_min": -radius},
        "quotient": {"low": low, "high": high},
    }


TFLITE_REFERENCE = Profile(
    name="tflite_reference",
    title="TensorFlow Lite (LiteRT) reference kernels, BUILTIN_REF",
    source="tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/",
    activations={"performance": symmetric_int8, "mixed": asymmetric_int8},
    weights=Weights(frozenset({"convolution"}), amax_scale, weight_codes),
    bias=bias_codes,
    schemes={
        "convolution": Scheme({"output": output_double}, _convolution),
        "fully_connected": Scheme({"output": output_real}, _fully_connected),
        "matmul": Scheme({"output": output_double}, _matmul),
        "add": Scheme({"combine": add_double}, _add),
        "average_pool": Scheme({"step": sum_codes, "finish": average_half_away}, _average),
        "global_average_pool": Scheme({"step": sum_offset, "finish": mean_double}, _mean),
        "softmax": Scheme(
            {"exponential": tflite_exponential, "total": tflite_sum, "quotient": tflite_quotient}, _softmax
        ),
        "clamp": clamp_scheme(),
        "quantize": quantize_scheme(quantize_half_away),
        "dequantize": dequantize_scheme(),
        "concat": MOVE,
        "move": MOVE,
    },
    forced={"softmax": {"int8": QuantParams(1 / 256, -128)}},
    same_scale=MOVES | {"average_pool", "concat"},
)

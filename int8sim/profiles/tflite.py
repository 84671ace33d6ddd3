"""TensorFlow Lite (LiteRT), reference kernels: OpResolverType.BUILTIN_REF.

Integer fixed point with two roundings (a 31-bit multiplier, half up, then a shift, half away), except the fully
connected layer, which LiteRT computes in float64, and LOGISTIC and TANH, tables made with C's float functions.
CONCATENATION of int8 takes one scale and zero point; the kernel refuses others. Formulas: tensorflow/tflite-
micro:tensorflow/lite/kernels/internal/reference/, google-ai-edge/LiteRT:tflite/kernels/; measured on ai-edge-litert
2.3.0.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import MOVE, Branch, Profile, Scheme
from int8sim.profiles.rules import (
    MOVES,
    Parameters,
    channel_scales,
    clamp_scheme,
    dequantize_scheme,
    per_channel,
    quantize_scheme,
)
from int8sim.profiles.tflite_rules import (
    FORCED,
    PRESETS,
    WEIGHTS,
    add,
    average,
    bias_codes,
    convolution,
    hard_swish,
    leaky_relu,
    matmul,
    mean,
    multiply,
    prelu,
    requantize,
    softmax,
)
from int8sim.profiles.tflite_wide import WIDE
from int8sim.spec.affine import quantize_half_away
from int8sim.spec.eltwise import add_double, maximum_code, minimum_code, subtract_double
from int8sim.spec.float32 import float32
from int8sim.spec.pooling import average_half_away, mean_double, sum_codes, sum_offset
from int8sim.spec.requantize import output_double, output_real
from int8sim.spec.resize_tflite import PLACE_BITS, bilinear_place, weighted_half_away
from int8sim.spec.softmax import tflite_exponential, tflite_quotient, tflite_sum
from int8sim.spec.tflite_elementwise import (
    hard_swish_fixed,
    leaky_relu_double,
    logistic_table,
    multiply_double,
    prelu_double,
    requantize_double,
    tanh_table,
)


def _fully_connected(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int
) -> Parameters:
    reals = [x.tensor_scale * s / y.tensor_scale for s in channel_scales(w, channels)]
    multiplier = per_channel(reals, np.float64)
    return {"output": {"multiplier": multiplier, "zero_point": y.tensor_zero_point, "low": low, "high": high}}


def _table(*, x: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
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


def differ(*, x: QuantParams, y: QuantParams) -> bool:
    """Whether codes change their meaning."""
    return x != y


def _limits(*, low: int, high: int) -> Parameters:
    return {"combine": {"low": low, "high": high}}


def resize_bilinear(*, low: int, high: int) -> Parameters:
    """Weights of 10 bits along each axis."""
    return {"output": {"shift": 2 * PLACE_BITS, "low": low, "high": high}}


MAXIMUM, MINIMUM = (Scheme({"combine": function}, _limits) for function in (maximum_code, minimum_code))
RESCALED = Branch("of another scale", differ, Scheme({"convert": requantize_double}, requantize))
MEAN = Scheme({"step": sum_offset, "finish": mean_double}, mean)

TFLITE_REFERENCE = Profile(
    name="tflite_reference",
    title="TensorFlow Lite (LiteRT) reference kernels, BUILTIN_REF",
    source="tensorflow/tflite-micro:tensorflow/lite/kernels/internal/reference/",
    activations=PRESETS,
    weights=WEIGHTS,
    bias=bias_codes,
    schemes={
        "convolution": Scheme({"output": output_double}, convolution),
        "conv_transpose": Scheme({"output": output_double}, convolution),
        "fully_connected": Scheme({"output": output_real}, _fully_connected),
        "matmul": Scheme({"output": output_double}, matmul),
        "add": Scheme({"combine": add_double}, add),
        "subtract": Scheme({"combine": subtract_double}, add),
        "multiply": Scheme({"combine": multiply_double}, multiply),
        "average_pool": Scheme({"step": sum_codes, "finish": average_half_away}, average),
        "global_average_pool": MEAN,
        "reduce_mean": MEAN,
        "softmax": Scheme(
            {"exponential": tflite_exponential, "total": tflite_sum, "quotient": tflite_quotient}, softmax
        ),
        "sigmoid": Scheme({"convert": logistic_table}, _table),
        "tanh": Scheme({"convert": tanh_table}, _table),
        "maximum": MAXIMUM,
        "minimum": MINIMUM,
        "resize_weighted": Scheme({"output": weighted_half_away}, resize_bilinear),
        "leaky_relu": Scheme({"convert": leaky_relu_double}, leaky_relu),
        "prelu": Scheme({"combine": prelu_double}, prelu),
        "hard_swish": Scheme({"convert": hard_swish_fixed}, hard_swish),
        "requantize": Scheme({"convert": requantize_double}, requantize),
        "clamp": replace(clamp_scheme(), branches=(RESCALED,)),
        "quantize": quantize_scheme(quantize_half_away),
        "dequantize": dequantize_scheme(),
        "concat": MOVE,
        "move": MOVE,
        **WIDE,
        "maximum int16": MAXIMUM,
        "minimum int16": MINIMUM,
        "fully_connected int16": Scheme({"output": output_real}, _fully_connected),
    },
    forced=FORCED,
    same_scale=MOVES | {"average_pool", "concat"},
    bilinear=bilinear_place,
)

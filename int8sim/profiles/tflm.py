"""TensorFlow Lite Micro, reference kernels: what the package tflite-micro runs on a host.

As LiteRT's reference kernels (tflite.py), except: the fully connected layer is fixed point with two roundings, the
multipliers of BATCH_MATMUL, MUL, PRELU and LEAKY_RELU are derived in float64, LOGISTIC and TANH are gemmlowp's fixed
point, at one output scale each. RELU6 does not convert codes to its output's scale; the tables of 16-bit
SOFTMAX are others, which are not known here.
Source: tensorflow/tflite-micro:tensorflow/lite/micro/kernels/; measured on tflite-micro 0.dev20261023.
"""

from __future__ import annotations

import math
from dataclasses import replace

from int8sim.model.errors import RatioError
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Branch, Scheme
from int8sim.profiles.rules import Parameters
from int8sim.profiles.tflite import TFLITE_REFERENCE
from int8sim.profiles.tflite_rules import LARGEST_LEFT_SHIFT, convolution, leaky_relu_of, prelu_of, product_of
from int8sim.profiles.tflite_wide import OUTPUT
from int8sim.spec.affine import bound_code, clamp_code
from int8sim.spec.multipliers import tflite_multiplier
from int8sim.spec.requantize import output_double
from int8sim.spec.tflite_elementwise import leaky_relu_double, logistic_fixed, multiply_double, prelu_double, tanh_fixed

INTEGER_BITS = 4  # of the scaled difference in LOGISTIC and TANH
INPUT_SCALES = 2.0**-28, 2.0**35  # outside the kernels shift by a negative number, or by more than 62


def _multiply(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    return product_of(a.tensor_scale * b.tensor_scale / y.tensor_scale, a, b, y, low, high)


def _leaky_relu(*, x: QuantParams, y: QuantParams, low: int, high: int, slope: float) -> Parameters:
    below = x.tensor_scale * float(slope) / y.tensor_scale
    return leaky_relu_of(x.tensor_scale / y.tensor_scale, below, x, y, low, high)


def _prelu(*, x: QuantParams, w: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    below = x.tensor_scale * w.tensor_scale / y.tensor_scale
    return prelu_of(x.tensor_scale / y.tensor_scale, below, x, w, y, low, high)


def _sigmoid(*, x: QuantParams, low: int, high: int) -> Parameters:
    """The multiplier of the input scale * 2**27, and the difference from which on the engine takes the end.

    Raises RatioError for an input scale whose shift C leaves undefined.
    """
    if not INPUT_SCALES[0] <= x.tensor_scale < INPUT_SCALES[1]:
        raise RatioError(x.tensor_scale, "2**-28 to below 2**35 as the input scale of a sigmoid or tanh")
    multiplier, shift = tflite_multiplier(x.tensor_scale * (1 << (31 - INTEGER_BITS)))
    radius = math.floor(((1 << INTEGER_BITS) - 1) * (1 << (31 - INTEGER_BITS)) / 2.0**-shift)
    used = max(shift, LARGEST_LEFT_SHIFT)  # beyond it the radius is 0 and nothing is shifted
    scaling = {"multiplier": multiplier, "shift": used, "radius": radius}
    return {"convert": {"from_zero_point": x.tensor_zero_point, **scaling, "low": low, "high": high}}


def _is_raw(*, x: QuantParams, y: QuantParams, bounds: tuple[float, float]) -> bool:
    return x != y and bounds[1] < math.inf


def _raw(*, x: QuantParams, bounds: tuple[float, float]) -> Parameters:
    """The codes as they are, between the codes that the bounds have at the input's scale."""
    low, high = (bound_code(bound, x.tensor_scale, x.tensor_zero_point, x.low, x.high) for bound in bounds)
    return {"convert": {"low": low, "high": high}}


CLAMP = TFLITE_REFERENCE.schemes["clamp"]
RAW = Branch("with an upper bound, of another scale", _is_raw, Scheme({"convert": clamp_code}, _raw))
MULTIPLY = Scheme({"combine": multiply_double}, _multiply)
LEAKY_RELU = Scheme({"convert": leaky_relu_double}, _leaky_relu)

TFLM = replace(
    TFLITE_REFERENCE,
    name="tflm",
    title="TensorFlow Lite Micro, reference kernels",
    source="tensorflow/tflite-micro:tensorflow/lite/micro/kernels/",
    schemes={
        **{kind: scheme for kind, scheme in TFLITE_REFERENCE.schemes.items() if kind != "softmax int16"},
        "clamp": replace(CLAMP, branches=(RAW, *CLAMP.branches)),
        "fully_connected": Scheme({"output": output_double}, convolution),
        "fully_connected int16": OUTPUT,
        "matmul": Scheme({"output": output_double}, convolution),
        "multiply": MULTIPLY,
        "multiply int16": MULTIPLY,
        "prelu": Scheme({"combine": prelu_double}, _prelu),
        "leaky_relu": LEAKY_RELU,
        "leaky_relu int16": LEAKY_RELU,
        "sigmoid": Scheme({"convert": logistic_fixed}, _sigmoid),
        "tanh": Scheme({"convert": tanh_fixed}, _sigmoid),
    },
)

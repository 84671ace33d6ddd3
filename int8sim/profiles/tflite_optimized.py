"""TensorFlow Lite (LiteRT), optimized kernels: OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, on x86.

As the reference kernels (tflite.py), except: the second rounding of convolution, fully connected and the MEAN over
height and width that keeps them is half up; this MEAN sums codes and has the zero points in its bias; SOFTMAX is
float32, its exponentials from a table. QUANTIZE, DEQUANTIZE, ADD and MUL (row by row where operands broadcast), and by
channels depthwise and transposed convolution and this MEAN, are computed by vector loops with scalar loops for the
rest, which round otherwise (spec/litert.py): what an image gives may depend on how many are in the batch. Convolution
with groups that is not depthwise is left to the reference kernel; the other operators are the same arithmetic in both.
Source: google-ai-edge/LiteRT:tflite/kernels/; measured on ai-edge-litert 2.3.0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Context, Decimal
from itertools import takewhile

import numpy as np

from int8sim.model.step import Array, LookupTable
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Branch, Scheme
from int8sim.profiles.rules import Parameters, per_channel
from int8sim.profiles.tflite import TFLITE_REFERENCE
from int8sim.profiles.tflite_rules import add, convolution, fixed_point, matmul, multiply, requantize
from int8sim.spec.float32 import float32
from int8sim.spec.litert import (
    CODE_LANES,
    REAL_LANES,
    add_lanes,
    add_number_lanes,
    dequantize_lanes,
    in_vector_loop,
    mean_lanes,
    multiply_lanes,
    output_lanes,
    quantize_lanes,
    reciprocal_quotient,
    requantize_lanes,
)
from int8sim.spec.pooling import sum_codes
from int8sim.spec.requantize import output_double, output_double_up
from int8sim.spec.softmax import table_exponential, table_sum

DIGITS = Context(prec=40)
Shapes = Sequence[tuple[int, ...]]
"""Of two operands, as stored, with as many axes."""


def is_depthwise(*, group: int, depth: int) -> bool:
    """Whether every input channel is a group of its own: DEPTHWISE_CONV_2D."""
    return group > 1 and depth == 1


def is_grouped(*, group: int) -> bool:
    """Whether a convolution has groups."""
    return group > 1


def _in_vector(channels: int, lanes: int) -> Array:
    return per_channel([int(in_vector_loop(channel, channels, lanes)) for channel in range(channels)], np.int64)


def _depthwise(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    """The convolution's parameters, and which loop each channel is in."""
    output = convolution(x=x, w=w, y=y, channels=channels, low=low, high=high)["output"]
    scaling = {name: output[name] for name in ("multiplier", "shift")}
    bounds = {"zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"output": {**scaling, "vector": _in_vector(channels, REAL_LANES), **bounds}}


def _fully_connected(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int
) -> Parameters:
    """One weight scale is multiplied in float32, several in float64. Source: kernel_util.cc."""
    derive = matmul if len(w.scales) == 1 else convolution
    return derive(x=x, w=w, y=y, channels=channels, low=low, high=high)


def _mean(*, x: QuantParams, y: QuantParams, window: tuple[int, int], channels: int, low: int, high: int) -> Parameters:
    """Everything real in float32. Source: optimized/integer_ops/mean.h."""
    count = float32(window[0] * window[1])
    multiplier, shift = fixed_point(float32(x.tensor_scale / float32(count * y.tensor_scale)))
    moved = float32(float32(x.tensor_zero_point * x.tensor_scale) / y.tensor_scale)
    bias = y.tensor_zero_point - int(float32(moved + (0.5 if moved > 0 else -0.5)))
    vector = _in_vector(channels, CODE_LANES)
    scaling = {"multiplier": multiplier, "shift": shift}
    return {"finish": {**scaling, "vector": vector, "bias": bias, "low": low, "high": high}}


def softmax_table(scale: float) -> Array:
    """float32 [256]: expf(float32(-scale * (255 - i))), as the nearest float32: kernels/activations.cc."""
    arguments = [float32(-scale * (255 - i)) for i in range(256)]
    return np.array([float(DIGITS.exp(Decimal(value))) for value in arguments], np.float64).astype(np.float32)


def _softmax(*, x: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    scale, zero_point = np.float32(y.tensor_scale), y.tensor_zero_point
    return {
        "exponential": {"table": LookupTable(softmax_table(x.tensor_scale))},
        "quotient": {"scale": scale, "zero_point": zero_point, "low": low, "high": high},
    }


def _quantize(*, y: QuantParams) -> Parameters:
    return {
        "convert": {
            "scale": np.float32(y.tensor_scale),
            "inverse_scale": np.float32(float32(1 / y.tensor_scale)),
            "zero_point": y.tensor_zero_point,
            "low": y.low,
            "high": y.high,
        }
    }


REFERENCE = TFLITE_REFERENCE.schemes
BY_CHANNELS = Scheme({"output": output_lanes}, _depthwise)
CONVOLUTION = Scheme(
    {"output": output_double_up},
    convolution,
    branches=(
        Branch("depthwise", is_depthwise, BY_CHANNELS),
        Branch("grouped", is_grouped, Scheme({"output": output_double}, convolution)),
    ),
)


def _is_scattered(*, shapes: Shapes = ()) -> bool:
    """Whether two operands repeat in more turns than five nested loops hold. Source: process_broadcast_shapes.cc."""
    pairs = list(zip(*shapes, strict=True))[::-1]
    repeated = next((pair.index(1) for pair in pairs if pair[0] != pair[1]), 0)
    for which in (None, repeated, None, 1 - repeated, None):
        loop = takewhile(lambda pair: pair[0] == pair[1] if which is None else pair[which] == 1, pairs)  # noqa: B023
        pairs = pairs[len(list(loop)) :]
    return bool(pairs)


def _is_of_a_number(*, shapes: Shapes = ()) -> bool:
    """Whether one operand repeats along the last axis that holds more than one element."""
    last = [(a, b) for a, b in zip(*shapes, strict=True) if (a, b) != (1, 1)][-1:]
    return any(a != b for a, b in last)


SCATTERED = "operands that five loops do not hold"


def _is_wide(*, y: QuantParams) -> bool:
    return y.dtype == "int16"


def _has_no_bias(*, biased: bool = True) -> bool:
    return not biased


WITHOUT_BIAS = Branch("without a bias", _has_no_bias, Scheme({"output": output_double_up}, _fully_connected))
TO_16_BITS = Branch("to 16 bits", _is_wide, REFERENCE["requantize"])

TFLITE_OPTIMIZED = replace(
    TFLITE_REFERENCE,
    name="tflite_optimized",
    title="TensorFlow Lite (LiteRT) optimized kernels, x86",
    source="google-ai-edge/LiteRT:tflite/kernels/internal/optimized/",
    schemes={
        **REFERENCE,
        "convolution": CONVOLUTION,
        "conv_transpose": BY_CHANNELS,
        "fully_connected": Scheme({"output": output_double_up}, _fully_connected),
        "fully_connected int16": replace(REFERENCE["fully_connected int16"], branches=(WITHOUT_BIAS,)),
        "add": Scheme(
            {"combine": add_lanes},
            add,
            branches=(
                Branch(SCATTERED, _is_scattered, REFERENCE["add"]),
                Branch("of one number a row", _is_of_a_number, Scheme({"combine": add_number_lanes}, add)),
            ),
        ),
        "multiply": Scheme(
            {"combine": multiply_lanes},
            multiply,
            branches=(Branch(SCATTERED, _is_scattered, REFERENCE["multiply"]),),
        ),
        "softmax": Scheme(
            {"exponential": table_exponential, "total": table_sum, "quotient": reciprocal_quotient}, _softmax
        ),
        "global_average_pool": Scheme({"step": sum_codes, "finish": mean_lanes}, _mean),
        "requantize": Scheme({"convert": requantize_lanes}, requantize, branches=(TO_16_BITS,)),
        "quantize": Scheme({"convert": quantize_lanes}, _quantize),
        "dequantize": Scheme({"convert": dequantize_lanes}, REFERENCE["dequantize"].derive),
    },
)

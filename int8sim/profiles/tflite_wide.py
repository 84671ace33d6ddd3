"""16-bit activations with 8-bit weights in the engines that run .tflite files: what they have in common.

Zero points are 0, biases and accumulators have 64 bits, the multipliers of sums of products 15. The delegate takes none
of them, of the optimized kernels the fully connected one without a bias. Sources:
tensorflow/tflite-micro:tensorflow/lite/kernels/internal/common.cc and reference/.
"""

from __future__ import annotations

import numpy as np

from int8sim.model.errors import RatioError
from int8sim.model.step import LookupTable
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Scheme
from int8sim.profiles.rules import Parameters, channel_scales, per_channel
from int8sim.profiles.tflite_rules import average, fixed_point, leaky_relu, mean, multiply, requantize
from int8sim.spec.eltwise import ADD_LEFT_SHIFT_16
from int8sim.spec.float32 import exp_binary64
from int8sim.spec.multipliers import tflite_multiplier
from int8sim.spec.pooling import average_half_away, mean_double, sum_codes, sum_offset
from int8sim.spec.tflite_elementwise import leaky_relu_double, multiply_double, requantize_double
from int8sim.spec.wide import (
    add_double_16,
    exponential_16,
    one_over_one_plus,
    output_wide,
    quotient_16,
    reduced_multiplier,
    subtract_double_16,
    sum_16,
    table_16,
)

INT16_MAX = 32767
EXP_RANGE = 10.0  # of softmax's exponential: -10 .. 0 over 16 bits
LEAST_SHIFT = -7  # to the right: a ratio of 2**7 or more has no 16-bit multiplier


def _wide(real: float) -> tuple[int, int]:
    multiplier, shift = tflite_multiplier(real)
    if shift < LEAST_SHIFT:
        raise RatioError(real, "less than 2**7")
    return reduced_multiplier(multiplier), shift


def _output(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    pairs = [_wide(x.tensor_scale * s / y.tensor_scale) for s in channel_scales(w, channels)]
    multipliers, shifts = (per_channel([pair[i] for pair in pairs], np.int64) for i in (0, 1))
    bounds = {"zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"output": {"multiplier": multipliers, "shift": shifts, **bounds}}


def _add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    twice = 2 * max(a.tensor_scale, b.tensor_scale)
    ma, sa = fixed_point(a.tensor_scale / twice)
    mb, sb = fixed_point(b.tensor_scale / twice)
    multiplier, shift = fixed_point(twice / ((1 << ADD_LEFT_SHIFT_16) * y.tensor_scale))
    inputs = {"a_multiplier": ma, "a_shift": sa, "b_multiplier": mb, "b_shift": sb}
    return {"combine": {**inputs, "multiplier": multiplier, "shift": shift, "low": low, "high": high}}


def _softmax(*, x: QuantParams, low: int, high: int) -> Parameters:
    multiplier, shift = fixed_point(x.tensor_scale / (EXP_RANGE / 65535.0))
    exponentials, reciprocals = table_16(exp_binary64, -EXP_RANGE, 0.0), table_16(one_over_one_plus, 0.0, 1.0)
    tables = [LookupTable(np.array(values, np.int64)) for values in (exponentials, reciprocals)]
    return {
        "exponential": {"multiplier": multiplier, "shift": shift, "table": tables[0]},
        "quotient": {"table": tables[1], "low": max(low, 0), "high": high},
    }


OUTPUT = Scheme({"output": output_wide}, _output)
SOFTMAX = Scheme({"exponential": exponential_16, "total": sum_16, "quotient": quotient_16}, _softmax)
WIDE = {
    "convolution int16": OUTPUT,
    "conv_transpose int16": OUTPUT,
    "fully_connected int16": OUTPUT,
    "add int16": Scheme({"combine": add_double_16}, _add),
    "subtract int16": Scheme({"combine": subtract_double_16}, _add),
    "multiply int16": Scheme({"combine": multiply_double}, multiply),
    "average_pool int16": Scheme({"step": sum_codes, "finish": average_half_away}, average),
    "global_average_pool int16": Scheme({"step": sum_offset, "finish": mean_double}, mean),
    "reduce_mean int16": Scheme({"step": sum_offset, "finish": mean_double}, mean),
    "softmax int16": SOFTMAX,
    "leaky_relu int16": Scheme({"convert": leaky_relu_double}, leaky_relu),
    "requantize int16": Scheme({"convert": requantize_double}, requantize),
}

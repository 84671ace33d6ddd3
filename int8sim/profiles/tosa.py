"""TOSA 1.0: a quantized network in the operators that Arm's specification defines, as TensorFlow's legalization has it.

CONV2D, MATMUL and MUL accumulate in int32; RESCALE with DOUBLE_ROUND, a 31-bit multiplier and one shift, brings every
sum back. A quantized ADD is two RESCALEs, ADD, RESCALE. AVG_POOL2D divides by a reciprocal. Functions of one value are
TABLEs of 256 entries, each half_away(f(real) / scale) in binary64. Softmax stays in float32. What is Arm's is the
arithmetic of the operators; which operators a network becomes is the legalization's choice.
Sources: TOSA specification 1.0; tensorflow/tensorflow:tensorflow/compiler/mlir/tosa/transforms/legalize_common.cc.
Witness: Arm's reference model, golden/tosa, operator by operator.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from int8sim.model.errors import RatioError
from int8sim.model.step import Array, LookupTable
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import MOVE, Profile, Scheme, Weights
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
)
from int8sim.profiles.tflite_rules import asymmetric_int8, bias_codes, weight_codes
from int8sim.spec.affine import quantize_half_away
from int8sim.spec.eltwise import ADD_LEFT_SHIFT
from int8sim.spec.float32 import exp_binary64
from int8sim.spec.integers import clamp
from int8sim.spec.pooling import sum_offset
from int8sim.spec.tosa import (
    add_rescaled,
    average,
    mean_rescaled,
    multiply_rescaled,
    output_double,
    rescale_double,
    table_code,
    tosa_multiplier,
)

SMALLEST_SHIFT = 2  # RESCALE requires it: ratios below 2**29
EXP_END = 100.0  # beyond it exp changes no code


def _scale(real: float) -> tuple[int, int]:
    multiplier, shift = tosa_multiplier(real)
    if shift < SMALLEST_SHIFT:
        raise RatioError(real, "less than 2**29")
    return multiplier, shift


def _output(*, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, low: int, high: int) -> Parameters:
    pairs = [_scale(x.tensor_scale * s / y.tensor_scale) for s in channel_scales(w, channels)]
    multipliers, shifts = (per_channel([pair[i] for pair in pairs], np.int64) for i in (0, 1))
    zero_point = y.tensor_zero_point
    return {"output": {"multiplier": multipliers, "shift": shifts, "zero_point": zero_point, "low": low, "high": high}}


def _add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    twice, unit = 2 * max(a.tensor_scale, b.tensor_scale), 1 << ADD_LEFT_SHIFT
    ma, sa = _scale(a.tensor_scale / twice * unit)
    mb, sb = _scale(b.tensor_scale / twice * unit)
    multiplier, shift = _scale(twice / (unit * y.tensor_scale))
    zeros = {"a_zero_point": a.tensor_zero_point, "b_zero_point": b.tensor_zero_point}
    inputs = {"a_multiplier": ma, "a_shift": sa, "b_multiplier": mb, "b_shift": sb}
    output = {"multiplier": multiplier, "shift": shift, "zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"combine": {**zeros, **inputs, **output}}


def _multiply(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    multiplier, shift = _scale(a.tensor_scale * b.tensor_scale / y.tensor_scale)
    zeros = {"a_zero_point": a.tensor_zero_point, "b_zero_point": b.tensor_zero_point}
    output = {"multiplier": multiplier, "shift": shift, "zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"combine": {**zeros, **output}}


def _average(*, x: QuantParams, y: QuantParams, window: object, low: int, high: int) -> Parameters:
    del window
    step = {"zero_point": x.tensor_zero_point}
    return {"step": step, "finish": {"zero_point": y.tensor_zero_point, "low": low, "high": high}}


def _mean(*, x: QuantParams, y: QuantParams, window: tuple[int, int], low: int, high: int) -> Parameters:
    multiplier, shift = _scale(x.tensor_scale / (y.tensor_scale * window[0] * window[1]))
    output = {"multiplier": multiplier, "shift": shift, "zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"step": {"zero_point": x.tensor_zero_point}, "finish": output}


def _requantize(*, x: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    multiplier, shift = _scale(x.tensor_scale / y.tensor_scale)
    output = {"multiplier": multiplier, "shift": shift, "zero_point": y.tensor_zero_point, "low": low, "high": high}
    return {"convert": {"input_zero_point": x.tensor_zero_point, **output}}


def _half_away(value: float) -> int:
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def table_of(function: Callable[..., float], x: QuantParams, y: QuantParams, **attributes: float) -> Array:
    """int64 [256]: the codes of function(real value of code -128 .. 127), half away, clipped to the output's type."""
    reals = [x.tensor_scale * (code - x.tensor_zero_point) for code in range(-128, 128)]
    codes = [_half_away(function(real, **attributes) / y.tensor_scale) + y.tensor_zero_point for real in reals]
    return np.array([clamp(code, y.low, y.high) for code in codes], np.int64)


def _by_table(function: Callable[..., float]) -> Scheme:
    def derive(*, x: QuantParams, y: QuantParams, low: int, high: int, **attributes: float) -> Parameters:
        table = LookupTable(table_of(function, x, y, **{name: float(value) for name, value in attributes.items()}))
        return {"convert": {"table": table, "low": low, "high": high}}

    return Scheme({"convert": table_code}, derive)


def _sigmoid(x: float) -> float:
    return 1.0 / (1.0 + exp_binary64(min(max(-x, -EXP_END), EXP_END)))


def _tanh(x: float) -> float:
    return 2.0 * _sigmoid(2.0 * x) - 1.0


def _hard_swish(x: float) -> float:
    return x * min(max(x + 3.0, 0.0), 6.0) / 6.0


def _leaky_relu(x: float, slope: float) -> float:
    return x if x > 0.0 else x * slope


OUTPUT = Scheme({"output": output_double}, _output)

TOSA = Profile(
    name="tosa",
    title="TOSA 1.0 operators, RESCALE with DOUBLE_ROUND",
    source="TOSA specification 1.0",
    activations={"performance": symmetric_int8, "mixed": asymmetric_int8},
    weights=Weights(frozenset({"convolution"}), amax_scale, weight_codes),
    bias=bias_codes,
    schemes={
        "convolution": OUTPUT,
        "fully_connected": OUTPUT,
        "matmul": OUTPUT,
        "add": Scheme({"combine": add_rescaled}, _add),
        "multiply": Scheme({"combine": multiply_rescaled}, _multiply),
        "average_pool": Scheme({"step": sum_offset, "finish": average}, _average),
        "global_average_pool": Scheme({"step": sum_offset, "finish": mean_rescaled}, _mean),
        "sigmoid": _by_table(_sigmoid),
        "tanh": _by_table(_tanh),
        "hard_swish": _by_table(_hard_swish),
        "leaky_relu": _by_table(_leaky_relu),
        "requantize": Scheme({"convert": rescale_double}, _requantize),
        "clamp": clamp_scheme(),
        "quantize": quantize_scheme(quantize_half_away),
        "dequantize": dequantize_scheme(),
        "concat": MOVE,
        "move": MOVE,
    },
    forced={"sigmoid": {"int8": QuantParams(1 / 256, -128)}, "tanh": {"int8": QuantParams(1 / 128)}},
    same_scale=MOVES | {"average_pool", "concat"},
)

"""TensorRT, explicit quantization: the published Q/DQ formulas with exact integer accumulators.

Symmetric int8, scales from the calibration cache, weights per output channel at max / 127, real bias, half to even.
What is published is the meaning of the Q and DQ operators; the arithmetic inside TensorRT's fused layers is not, and
depends on the tactic that the builder picks. So this profile is the formula's reference, not a claim about an engine.
Softmax stays in float32. Source: NVIDIA TensorRT documentation, "Working with quantized types", explicit quantization.
"""

from __future__ import annotations

import numpy as np

from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import MOVE, Floats, Profile, Scheme, Weights
from int8sim.profiles.rules import (
    MOVES,
    Parameters,
    amax_scale,
    channel_scales,
    clamp_scheme,
    dequantize_scheme,
    divide_half_even,
    per_channel,
    quantize_scheme,
    symmetric_int8,
)
from int8sim.spec.eltwise import add_dequantized
from int8sim.spec.float32 import float32
from int8sim.spec.pooling import average_dequantized, sum_codes
from int8sim.spec.requantize import quantize_sum


def _output(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, bias: Floats | None, low: int, high: int
) -> Parameters:
    rescale = [float32(x.tensor_scale * s) for s in channel_scales(w, channels)]
    real = np.zeros(channels, np.float32) if bias is None else bias.astype(np.float32)
    return {
        "output": {
            "rescale": per_channel(rescale, np.float32),
            "bias": real,
            "scale": np.float32(y.tensor_scale),
            "low": low,
            "high": high,
        }
    }


def _add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    scales = {"a_scale": a, "b_scale": b, "scale": y}
    reals = {name: np.float32(quant.tensor_scale) for name, quant in scales.items()}
    return {"combine": {**reals, "low": low, "high": high}}


def _average(*, x: QuantParams, y: QuantParams, window: object, low: int, high: int) -> Parameters:
    del window
    scales = {"from_scale": np.float32(x.tensor_scale), "scale": np.float32(y.tensor_scale)}
    return {"finish": {**scales, "low": low, "high": high}}


OUTPUT = Scheme({"output": quantize_sum}, _output)
AVERAGE = Scheme({"step": sum_codes, "finish": average_dequantized}, _average)

TENSORRT = Profile(
    name="tensorrt",
    title="TensorRT explicit quantization, as published (not the arithmetic of its fused layers)",
    source="NVIDIA TensorRT documentation, explicit quantization",
    activations={"performance": symmetric_int8, "mixed": symmetric_int8},
    weights=Weights(frozenset({"convolution", "fully_connected"}), amax_scale, divide_half_even),
    schemes={
        "convolution": OUTPUT,
        "fully_connected": OUTPUT,
        "matmul": OUTPUT,
        "add": Scheme({"combine": add_dequantized}, _add),
        "average_pool": AVERAGE,
        "global_average_pool": AVERAGE,
        "clamp": clamp_scheme(),
        "quantize": quantize_scheme(),
        "dequantize": dequantize_scheme(),
        "concat": MOVE,
        "move": MOVE,
    },
    same_scale=MOVES | {"average_pool", "global_average_pool", "concat"},
)

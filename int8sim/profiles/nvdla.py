"""NVDLA, INT8, as NVIDIA's compiler programs it (`--quantizationMode per-kernel`: one scale per weight tensor).

Weights at max / 127, half up, times the float32 reciprocal; bias int16 with a left shift in SDP X1; output converter
with a 15-bit scale, truncated, and a right shift, half away; CACC saturates at 34 bits. Arithmetic: nvdla/hw (master
RTL, simulated). Derivations: nvdla/sw:umd/core/src/compiler/include/priv/{LowPrecision.h,WeightTranslationUnit.h}.
No softmax and no matrix product of two activations: those stay in float32.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from int8sim.model.errors import RatioError
from int8sim.model.step import Array, Number
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import MOVE, Floats, Profile, Scheme, Weights
from int8sim.profiles.rules import (
    MOVES,
    Parameters,
    amax_scale,
    clamp_scheme,
    dequantize_scheme,
    quantize_scheme,
    symmetric_int8,
    times_half_up,
)
from int8sim.spec.affine import quantize_half_up
from int8sim.spec.float32 import float32
from int8sim.spec.integers import saturating_add, wrap
from int8sim.spec.multipliers import nvdla_ratio, nvdla_scale, nvdla_shift
from int8sim.spec.nvdla import SUM_BITS, add, average, convolution_output, pdp_reciprocal, quantize
from int8sim.spec.pooling import sum_codes

INT32_RANGE = -(1 << 31), (1 << 31) - 1
LARGEST_SHIFT = 63
LARGEST_POOL = 8  # the driver's table of reciprocals ends here


def weight_codes(weights: Floats, scales: Floats, low: int, high: int) -> Array:
    """clamp(floor(w * float32(1 / scale) + 0.5)), each step float32."""
    return times_half_up(weights, (np.float32(1) / scales).astype(np.float32), low, high)


def bias_operand(bias: Floats, scale: float) -> tuple[Array, int]:
    """(int16 operands as int64, left shift): 32-bit codes, half up, then an arithmetic right shift into 16 bits.

    The shift is what the greatest magnitude needs beyond 16 bits; all zeros give 16, as the compiler's logarithm of 0
    does. Source: scaleBiasToInt16.
    """
    reciprocal_free = [float32(value / scale) for value in bias.astype(np.float32).tolist()]
    wide = [quantize_half_up(value, 1.0, *INT32_RANGE) for value in reciprocal_free]
    greatest = max(map(abs, wide), default=0)
    bits = math.ceil(math.log2(greatest)) + 1 if greatest else 32
    shift = min(max(bits - 16, 0), 16)
    return np.array([wrap(code >> shift, 16) for code in wide], np.int64), shift


def converter(real: float) -> tuple[int, int]:
    """The output converter's 15-bit scale and right shift for a ratio of scales. Raises RatioError.

    The compiler refuses a ratio of 2**15 and more, which would need a left shift, and a shift that 6 bits do not hold.
    """
    shift = nvdla_shift(real)
    if not 0 <= shift <= LARGEST_SHIFT:
        raise RatioError(real, "2**-49 to below 2**15")
    return nvdla_scale(real, shift), shift


def _convolution(
    *, x: QuantParams, w: QuantParams, y: QuantParams, channels: int, bias: Floats | None, low: int, high: int
) -> Parameters:
    real = nvdla_ratio(x.tensor_scale, w.tensor_scale, y.tensor_scale)
    scale, truncate = converter(real)
    values = np.zeros(channels, np.float32) if bias is None else bias
    operands, bias_shift = bias_operand(values, float32(x.tensor_scale * w.tensor_scale))
    output: Mapping[str, Number] = {
        "bias": operands,
        "bias_shift": bias_shift,
        "scale": scale,
        "truncate": truncate,
        "low": low,
        "high": high,
    }
    return {"output": output, "accumulate": {"bits": SUM_BITS}}


def _add(*, a: QuantParams, b: QuantParams, y: QuantParams, low: int, high: int) -> Parameters:
    del b
    real = float32(a.tensor_scale / y.tensor_scale)
    scale, truncate = converter(real)
    return {"combine": {"scale": scale, "truncate": truncate, "low": low, "high": high}}


def _average(*, x: QuantParams, y: QuantParams, window: tuple[int, int], low: int, high: int) -> Parameters:
    del x, y
    height, width = map(pdp_reciprocal, window)
    return {"finish": {"reciprocal_width": width, "reciprocal_height": height, "low": low, "high": high}}


CONVOLUTION = Scheme({"accumulate": saturating_add, "output": convolution_output}, _convolution)
AVERAGE = Scheme({"step": sum_codes, "finish": average}, _average)

NVDLA = Profile(
    name="nvdla",
    title="NVDLA INT8, integers as NVIDIA's compiler derives them, arithmetic as the RTL computes it",
    source="nvdla/hw (master) vmod/nvdla; nvdla/sw umd/core/src/compiler",
    activations={"performance": symmetric_int8, "mixed": symmetric_int8},
    weights=Weights(frozenset(), amax_scale, weight_codes, narrow=False),
    schemes={
        "convolution": CONVOLUTION,
        "fully_connected": CONVOLUTION,
        "add": Scheme({"combine": add}, _add),
        "average_pool": AVERAGE,
        "global_average_pool": AVERAGE,
        "clamp": clamp_scheme(),
        "quantize": quantize_scheme(quantize),
        "dequantize": dequantize_scheme(),
        "concat": MOVE,
        "move": MOVE,
    },
    same_scale=MOVES | {"average_pool", "global_average_pool", "concat"},
    equal_inputs=frozenset({"add"}),
    largest_pool=LARGEST_POOL,
)

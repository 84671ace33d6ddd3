"""CMSIS-NN, Arm's kernels for Cortex-M, built as they are by default: two roundings.

8-bit activations: the arithmetic of TensorFlow Lite Micro's reference kernels, which hand them their multipliers; int4
weights are 8-bit ones that hold less. 16-bit activations (preset "int16"): symmetric, weights of 8 bits, biases and
accumulators of 64, multipliers of 15. What CMSIS-NN has no function for is Micro's own.
Sources: ARM-software/CMSIS-NN; tensorflow/tflite-micro:tensorflow/lite/micro/kernels/cmsis_nn/. Witness: CMSIS-NN's
unit-test vectors.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from int8sim.model.step import Array
from int8sim.model.table import Row
from int8sim.model.tensor import QuantParams
from int8sim.profiles.base import Floats
from int8sim.profiles.tflite_wide import INT16_MAX, OUTPUT, SOFTMAX
from int8sim.profiles.tflm import TFLM
from int8sim.spec.float32 import float32


def symmetric_int16(row: Row, non_negative: bool) -> QuantParams:
    """float32(amax / 32767), zero point 0; amax: of the table's scale, which is amax / 127."""
    del non_negative
    scale = float32(row.scale * 127.0 / INT16_MAX)
    return QuantParams(scale if scale > 0.0 else 1.0, dtype="int16")


def wide_bias_codes(bias: Floats, input_scale: float, weight_scales: Floats) -> Array:
    """half_away(b / (Sx * Sw)) in binary64, int64."""
    reals = bias.astype(np.float64) / (input_scale * weight_scales.astype(np.float64))
    return np.trunc(reals + np.copysign(0.5, reals)).astype(np.int64)


CMSIS_NN = replace(
    TFLM,
    name="cmsis_nn",
    title="CMSIS-NN, 8-bit and 16-bit activations, two roundings",
    source="ARM-software/CMSIS-NN",
    activations={**TFLM.activations, "int16": symmetric_int16},
    wide_bias=wide_bias_codes,
    schemes={
        **TFLM.schemes,
        "matmul int16": OUTPUT,
        "softmax int16": SOFTMAX,
    },
)

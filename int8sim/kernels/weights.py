"""Weights as kernels take them: minus their zero point, in a profile's order, in parts that are int8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from int8sim.model.accumulation import CHANNELS_FIRST, Loop
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType


def centred(weights: Array, kind: TensorType) -> Array:
    """Weights minus their zero point, int64; one zero point, or one for each slice of axis 0."""
    zero_point: Any = kind.quantized.zero_point
    per_output = np.array(zero_point).reshape(-1, *[1] * (weights.ndim - 1))
    shifted: Array = weights.astype(np.int64) - per_output
    return shifted


def in_step_order(weights: Array, loop: Loop) -> Array:
    """Weights [O, C, rows, columns], or [O, K], as [O, products] in the order of accumulation."""
    last = weights.ndim == 4 and loop.order != CHANNELS_FIRST
    return (weights.transpose(0, 2, 3, 1) if last else weights).reshape(len(weights), -1)


def parts_of(weights: Array) -> Sequence[Array]:
    """Weights as a sum of int8 ones: one, or two or three where weights minus their zero point leave int8."""
    found: list[Array] = []
    while not found or weights.any():
        found.append(weights.clip(-128, 127))
        weights = weights - found[-1]
    return found


def wrapped(numbers: Array) -> Array:
    """int64 to int32, modulo 2**32."""
    return ((numbers + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)

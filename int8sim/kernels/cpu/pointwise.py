"""Ops that treat every element alone: a table of 256 entries for codes, a compiled loop for real values."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.roles import Parameters, convert
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType


def by_table(step: Step, x: TensorType, y: TensorType) -> Callable[[Array], Array]:
    """Codes to codes or to real values: the step of each of the 256 stored values, interpreted once."""
    values = [step(stored - flip(x)) + flip(y) for stored in range(256)]
    table = np.array(values, stored_dtype(y))
    kernel = build(look_up)

    def call(stored: Array) -> Array:
        out = np.empty(stored.shape, table.dtype)
        kernel(stored.reshape(-1), table, out.reshape(-1))
        return out

    return call


def by_loop(step: Step, y: TensorType) -> Callable[[Array], Array]:
    """Real values to codes, compiled."""
    built, values = bind(step)
    kernel = build(quantize, {"convert": built})

    def call(stored: Array) -> Array:
        out = np.empty(stored.shape, stored_dtype(y))
        kernel(stored.reshape(-1), values, out.reshape(-1), flip(y))
        return out

    return call


def quantize(x: Array, p: Parameters, out: Array, flipped: int) -> None:
    """float32 [n] to uint8 [n]."""
    for i in range(x.shape[0]):
        out[i] = np.uint8(convert(x[i], p, 0) + flipped)


def look_up(x: Array, table: Array, out: Array) -> None:
    """uint8 [n] to whatever the 256 entries are."""
    for i in range(x.shape[0]):
        out[i] = table[x[i]]

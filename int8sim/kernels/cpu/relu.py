"""Clamping: codes by a table, real values by a compiled loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.pointwise import each
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Bounded(Protocol):
    """The attributes that the kernel reads."""

    @property
    def real_bounds(self) -> tuple[float, float]: ...


def prepare(
    op: Bounded,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del constants
    if arithmetic is not None:
        return each(arithmetic["convert"], inputs[0], output_type)
    low, high = (np.float32(bound) for bound in op.real_bounds)
    kernel = build(clamp)

    def call(stored: Array) -> Array:
        out = np.empty_like(stored)
        kernel(stored.reshape(-1), low, high, out.reshape(-1))
        return out

    return call


def clamp(x: Array, low: float, high: float, out: Array) -> None:
    """float32 [n]; a bound as it is written, also for a zero of the other sign; NaN stays."""
    for i in range(x.shape[0]):
        out[i] = low if x[i] <= low else high if x[i] >= high else x[i]

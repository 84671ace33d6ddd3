"""(shift + scale * x)**exponent in float32, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import fma, power


class Powered(Protocol):
    """The attributes that the kernel reads."""

    @property
    def exponent(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def shift(self) -> float: ...


def prepare(
    op: Powered,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del inputs, output_type, constants, arithmetic
    numbers = np.float32(op.scale), np.float32(op.shift), np.float32(op.exponent)
    kernel = build(powers)

    def call(stored: Array) -> Array:
        out = np.empty_like(stored)
        kernel(stored.reshape(-1), *numbers, out.reshape(-1))
        return out

    return call


def powers(x: Array, scale: float, shift: float, exponent: float, out: Array) -> None:
    """float32 [n]."""
    for i in range(x.shape[0]):
        out[i] = fma(x[i], scale, shift)
    if exponent != 1.0:
        for i in range(x.shape[0]):
            out[i] = power(out[i], exponent)

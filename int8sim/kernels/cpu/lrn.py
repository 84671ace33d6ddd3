"""Local response normalization in float32, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma, power


class Local(Protocol):
    """What the kernel asks of the op."""

    @property
    def beta(self) -> float: ...
    @property
    def k(self) -> float: ...
    @property
    def factor(self) -> float: ...
    @property
    def reach(self) -> tuple[int, int, int]: ...


def prepare(
    op: Local,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form, channels last -> y in storage form."""
    del inputs, output_type, constants, arithmetic
    numbers = np.float32(op.factor), np.float32(op.k), np.float32(-op.beta)
    kernel = build(normalize)

    def call(stored: Array) -> Array:
        out = np.empty_like(stored)
        kernel(stored, op.reach, *numbers, out)
        return out

    return call


def squares(x: Array, n: int, y: int, z: int, c: int, reach: tuple[int, int, int]) -> Any:
    """The sum of squares around one element, in raster order."""
    rows, columns, channels = reach
    total: Any = np.float32(0.0)
    for row in range(max(y - rows, 0), min(y + rows + 1, x.shape[1])):
        for column in range(max(z - columns, 0), min(z + columns + 1, x.shape[2])):
            for channel in range(max(c - channels, 0), min(c + channels + 1, x.shape[3])):
                value = x[n, row, column, channel]
                total = fma(value, value, total)
    return total


def normalize(x: Array, reach: tuple[int, int, int], factor: float, k: float, exponent: float, out: Array) -> None:
    """float32 [N, H, W, C]."""
    for n in range(out.shape[0]):
        for y in range(out.shape[1]):
            for z in range(out.shape[2]):
                for c in range(out.shape[3]):
                    base = fma(squares(x, n, y, z, c, reach), factor, k)
                    out[n, y, z, c] = float32(x[n, y, z, c] * power(base, exponent))

"""Linear resizing in float32, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.memory import empty
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma


class Places(Protocol):
    """The attributes that the kernel reads."""

    @property
    def rows(self) -> tuple[float, ...]: ...
    @property
    def columns(self) -> tuple[float, ...]: ...


def prepare(
    op: Places,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del inputs, output_type, constants, arithmetic
    rows, columns, kernel = np.array(op.rows, np.float32), np.array(op.columns, np.float32), build(resize)

    def call(stored: Array) -> Array:
        out = empty((len(stored), len(rows), len(columns), stored.shape[3]), "float32")
        kernel(stored, rows, columns, out)
        return out

    return call


def resize(x: Array, rows: Array, columns: Array, out: Array) -> None:
    """float32 [N, H, W, C]."""
    for n in range(out.shape[0]):
        for i in range(out.shape[1]):
            upper = int(rows[i])
            lower = min(upper + 1, x.shape[1] - 1)
            v = float32(rows[i] - float32(upper))
            for j in range(out.shape[2]):
                left = int(columns[j])
                right = min(left + 1, x.shape[2] - 1)
                w = float32(columns[j] - float32(left))
                for c in range(out.shape[3]):
                    a = fma(float32(x[n, upper, right, c] - x[n, upper, left, c]), w, x[n, upper, left, c])
                    b = fma(float32(x[n, lower, right, c] - x[n, lower, left, c]), w, x[n, lower, left, c])
                    out[n, i, j, c] = fma(float32(b - a), v, a)

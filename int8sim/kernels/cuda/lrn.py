"""Local response normalization in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cpu.lrn import Local
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty
from int8sim.kernels.cuda.places import cell, located
from int8sim.kernels.cuda.primitives import as_real
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma, power


def prepare(
    op: Local,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form, channels last -> y in storage form."""
    del inputs, output_type, constants, arithmetic
    numbers, kernel = tuple(map(np.float32, (op.factor, op.k, -op.beta))), build(normalize)

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty(stored.shape, "float32")
        kernel.launch_each(out.size, stored.reshape(-1), stored.shape[1:], op.reach, numbers, out.reshape(-1))
        return out

    return call


def squares(x: Any, i: int, size: tuple[int, int, int], reach: tuple[int, int, int]) -> Any:
    """The sum of squares around element i, in raster order."""
    n, y, z, c = located(i, size[0], size[1], size[2])
    total = float32(0.0)
    for row in range(max(y - reach[0], 0), min(y + reach[0] + 1, size[0])):
        for column in range(max(z - reach[1], 0), min(z + reach[1] + 1, size[1])):
            for channel in range(max(c - reach[2], 0), min(c + reach[2] + 1, size[2])):
                value = as_real(x[cell(n, row, column, channel, size)])
                total = fma(value, value, total)
    return total


def normalize(
    x: Any, size: tuple[int, int, int], reach: tuple[int, int, int], numbers: tuple[float, ...], out: Any
) -> None:
    """x, out: flat float32. size: height, width, channels. numbers: factor, k, exponent."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        base = fma(squares(x, i, size, reach), numbers[0], numbers[1])
        out[i] = float32(as_real(x[i]) * power(base, numbers[2]))

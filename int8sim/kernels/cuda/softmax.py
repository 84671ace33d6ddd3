"""Softmax row by row: a thread for each row's greatest value and sum, then one for each quotient.

Shares are computed twice, as a thread has no memory for a row of them; the sum is in the stated order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cpu.softmax import ROLES, Along, tabled
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters
from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.roles import Parameters, exponential, quotient, total
from int8sim.kernels.storage import flip, stored_axis, stored_dtype
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import exp, float32
from int8sim.spec.softmax import table_sum


def ratio(share: float, acc: float) -> float:
    """float32."""
    return float32(share / acc)


REAL: Arithmetic = {"exponential": Step(exp, {}), "total": Step(table_sum, {}), "quotient": Step(ratio, {})}


def prepare(
    op: Along,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del constants
    axis, real = stored_axis(inputs[0], op.axis), arithmetic is None
    steps = REAL if arithmetic is None else tabled(arithmetic, inputs[0])
    bound = {role: bind(steps[role]) for role in ROLES}
    built, numbers = {role: each[0] for role, each in bound.items()}, [parameters(bound[role][1]) for role in ROLES]
    summing, dividing = (
        build(loop, built) for loop in ((sum_real, divide_real) if real else (sum_codes, divide_codes))
    )
    zero = np.float32(0) if isinstance(steps["total"](0, steps["exponential"](0)), float) else np.int64(0)

    def call(stored: DeviceArray) -> DeviceArray:
        size = stored.shape[axis], math.prod(stored.shape[axis + 1 :])
        rows, x = stored.size // size[0], stored.reshape(-1)
        greatest, sums = empty((rows,), "float32" if real else "int32"), empty((rows,), zero.dtype)
        out = empty(stored.shape, stored_dtype(output_type))
        summing.launch_each(rows, x, size, zero, *numbers[:2], greatest, sums)
        dividing.launch_each(out.size, x, size, greatest, sums, *numbers[::2], out.reshape(-1), flip(output_type))
        return out

    return call


def first_of(row: int, size: tuple[int, int]) -> int:
    """The place of a row's first value. size: how many values a row has, and how far apart they lie."""
    outer = row // size[1]
    return outer * size[0] * size[1] + row - outer * size[1]


def row_of(place: int, size: tuple[int, int]) -> int:
    """The row in which a value lies."""
    return place // (size[0] * size[1]) * size[1] + place % size[1]


def sum_codes(
    x: Any, size: tuple[int, int], zero: float, q: Parameters, r: Parameters, greatest: Any, sums: Any
) -> None:
    """x: flat stored codes, whose differences are those of codes. zero: of the type that totals have."""
    row = cuda.grid(1)
    if row < sums.shape[0]:
        first, acc = first_of(row, size), zero
        most = as_int(x[first])
        for j in range(1, size[0]):
            most = max(most, as_int(x[first + j * size[1]]))
        for j in range(size[0]):
            acc = total(acc, exponential(as_int(x[first + j * size[1]]) - most, q, 0), r, 0)
        greatest[row], sums[row] = most, acc


def divide_codes(
    x: Any, size: tuple[int, int], greatest: Any, sums: Any, q: Parameters, s: Parameters, out: Any, flipped: int
) -> None:
    """The stored quotients."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        row = row_of(i, size)
        out[i] = quotient(exponential(as_int(x[i]) - as_int(greatest[row]), q, 0), sums[row], s, 0) + flipped


def sum_real(
    x: Any, size: tuple[int, int], zero: float, q: Parameters, r: Parameters, greatest: Any, sums: Any
) -> None:
    """float32 likewise."""
    row = cuda.grid(1)
    if row < sums.shape[0]:
        first, acc = first_of(row, size), zero
        most = as_real(x[first])
        for j in range(1, size[0]):
            value = as_real(x[first + j * size[1]])
            most = value if value > most else most
        for j in range(size[0]):
            acc = total(acc, exponential(float32(as_real(x[first + j * size[1]]) - most), q, 0), r, 0)
        greatest[row], sums[row] = most, acc


def divide_real(
    x: Any, size: tuple[int, int], greatest: Any, sums: Any, q: Parameters, s: Parameters, out: Any, _: int
) -> None:
    """The quotients."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        row = row_of(i, size)
        difference = float32(as_real(x[i]) - as_real(greatest[row]))
        out[i] = quotient(exponential(difference, q, 0), as_real(sums[row]), s, 0)

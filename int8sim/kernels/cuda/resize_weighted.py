"""Resizing by weights: along the columns, then of these along the rows; codes by exact sums, then the layer's step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cpu.resize_weighted import Weighted, packed
from int8sim.kernels.cuda.build import Kernel, build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters, place
from int8sim.kernels.cuda.places import cell, located
from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.roles import Parameters, output
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma


def prepare(
    op: Weighted,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del constants
    if arithmetic is not None:
        return of_codes(op, inputs[0], output_type, arithmetic["output"])
    tables = [*packed(op.rows), *packed(op.columns)]
    return _over_places(build(weigh), tables, output_type, (np.float32(op.outside),))


def of_codes(op: Weighted, x: TensorType, y: TensorType, step: Step) -> Callable[[DeviceArray], DeviceArray]:
    """Weights as integers of the step's shift."""
    one = 2.0 ** (step.at(0)[0] / 2)
    tables = [
        (table * one).astype(np.int32) if table.dtype == np.float32 else table
        for table in (*packed(op.rows), *packed(op.columns))
    ]
    built, values = bind(step)
    return _over_places(build(weigh_codes, {"output": built}), tables, y, (parameters(values), (flip(x), flip(y))))


def _over_places(
    kernel: Kernel, tables: Sequence[Array], y: TensorType, last: tuple[Any, ...]
) -> Callable[[DeviceArray], DeviceArray]:
    held = tuple(map(place, tables))

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty((stored.shape[0], held[0].shape[0], held[3].shape[0], stored.shape[3]), stored_dtype(y))
        kernel.launch_each(out.size, stored.reshape(-1), stored.shape[1:], held[:3], held[3:], out.reshape(-1), *last)
        return out

    return call


def along(x: Any, start: int, ox: int, channels: int, columns: tuple[Any, Any, Any]) -> Any:
    """The weighted sum of a row's cells. start: the place of the channel in the row's first cell."""
    first, weights = start + as_int(columns[0][ox]) * channels, columns[2]
    total = float32(as_real(weights[ox, 0]) * as_real(x[first]))
    for k in range(1, as_int(columns[1][ox])):
        total = fma(as_real(weights[ox, k]), as_real(x[first + k * channels]), total)
    return total


def weigh(
    x: Any,
    size: tuple[int, int, int],
    rows: tuple[Any, Any, Any],
    columns: tuple[Any, Any, Any],
    out: Any,
    outside: float,
) -> None:
    """x, out: flat float32. size: of x, height, width, channels. rows, columns: first cells, counts, weights."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        n, oy, ox, c = located(i, rows[0].shape[0], columns[0].shape[0], size[2])
        first, count = as_int(rows[0][oy]), as_int(rows[1][oy])
        total = outside
        if count > 0 and as_int(columns[1][ox]) > 0:
            total = float32(as_real(rows[2][oy, 0]) * along(x, cell(n, first, 0, c, size), ox, size[2], columns))
            for k in range(1, count):
                value = along(x, cell(n, first + k, 0, c, size), ox, size[2], columns)
                total = fma(as_real(rows[2][oy, k]), value, total)
        out[i] = total


def weigh_codes(
    x: Any,
    size: tuple[int, int, int],
    rows: tuple[Any, Any, Any],
    columns: tuple[Any, Any, Any],
    out: Any,
    p: Parameters,
    flips: tuple[int, int],
) -> None:
    """Stored codes likewise, their weights int32."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        n, oy, ox, c = located(i, rows[0].shape[0], columns[0].shape[0], size[2])
        total = 0
        for k in range(as_int(rows[1][oy])):
            line = cell(n, as_int(rows[0][oy]) + k, as_int(columns[0][ox]), c, size)
            for m in range(as_int(columns[1][ox])):
                weight = as_int(rows[2][oy, k]) * as_int(columns[2][ox, m])
                total += weight * (as_int(x[line + m * size[2]]) - flips[0])
        out[i] = output(total, p, c) + flips[1]

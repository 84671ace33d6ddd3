"""Average over each window by the layer's step and finish, or in float32 by a sequential sum and a division."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.max_pool import Pool, output_height_width
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.primitives import wide_vectors
from int8sim.kernels.roles import Parameters, finish, step
from int8sim.kernels.storage import flip, stored_dtype, stored_zero
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32


class CountingPool(Pool, Protocol):
    """A pool that may count its padding."""

    @property
    def count_include_pad(self) -> bool: ...


def prepare(
    op: CountingPool,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del constants
    window = (*op.kernel_shape, *op.strides, *op.pads, int(op.count_include_pad))
    size = output_height_width(output_type)
    if arithmetic is None:
        return _over_windows(build(average_pool_float), window, size, "float32", ())
    bound = {role: bind(arithmetic[role]) for role in ("step", "finish")}
    kernel = build(average_pool, {role: built for role, (built, _) in bound.items()})
    stored = flip(inputs[0]), stored_zero(inputs[0]) - flip(inputs[0]), flip(output_type)
    dtype = stored_dtype(output_type)
    return _over_windows(kernel, window, size, dtype, (stored, bound["step"][1], bound["finish"][1]))


def _over_windows(
    kernel: Callable[..., None], window: tuple[int, ...], size: tuple[int, int], dtype: str, last: tuple[Any, ...]
) -> Callable[[Array], Array]:
    def call(stored: Array) -> Array:
        out: Array = empty((stored.shape[0], *size, stored.shape[3]), dtype)
        kernel(stored, window, out, *last)
        return out

    return KernelsOnly(call)


def span(position: int, size: int, kernel: int, stride: int, before: int, after: int) -> tuple[int, int, int]:
    """Of one window along one axis: first cell inside, the one behind the last, its length with padding."""
    start = position * stride - before
    return max(start, 0), min(start + kernel, size), min(start + kernel, size + after) - start


def average_pool(
    x: Array, window: tuple[int, ...], out: Array, stored: tuple[int, int, int], q: Parameters, p: Parameters
) -> None:
    """Stored codes [N, H, W, C], a cell at a time, its channels side by side.

    window: kernel, strides, pads, count_include_pad. stored: flip of x, zero point, flip of out. With
    count_include_pad, padding is stepped over as the zero point after the cells of the input.
    """
    rows, columns, stride_y, stride_x, top, left, bottom, right, include = window
    wide_vectors()
    totals = np.full(out.shape[3], step(0, stored[1], q, 0))  # of the type that the step's totals have
    for n in range(out.shape[0]):
        for oy in range(out.shape[1]):
            y0, y1, all_rows = span(oy, x.shape[1], rows, stride_y, top, bottom)
            for ox in range(out.shape[2]):
                z0, z1, all_columns = span(ox, x.shape[2], columns, stride_x, left, right)
                inside = (y1 - y0) * (z1 - z0)
                count = all_rows * all_columns if include else inside
                totals[:] = 0
                for y in range(y0, y1):
                    for z in range(z0, z1):
                        add_cell(totals, x[n, y, z], stored[0], q)
                for _ in range(count - inside):
                    for c in range(np.uint64(totals.shape[0])):
                        totals[c] = step(totals[c], stored[1], q, c)
                row = out[n, oy, ox]
                for c in range(np.uint64(totals.shape[0])):
                    row[c] = finish(totals[c], count, p, c) + stored[2]


def add_cell(totals: Array, cell: Array, flipped: int, q: Parameters) -> None:
    """One step of every channel. cell: stored codes [C]."""
    wide_vectors()
    for c in range(np.uint64(totals.shape[0])):
        totals[c] = step(totals[c], np.int64(cell[c]) - flipped, q, c)


def average_pool_float(x: Array, window: tuple[int, ...], out: Array) -> None:
    """float32 [N, H, W, C]; padding adds nothing to the sum."""
    rows, columns, stride_y, stride_x, top, left, bottom, right, include = window
    for n in range(out.shape[0]):
        for oy in range(out.shape[1]):
            y0, y1, all_rows = span(oy, x.shape[1], rows, stride_y, top, bottom)
            for ox in range(out.shape[2]):
                z0, z1, all_columns = span(ox, x.shape[2], columns, stride_x, left, right)
                count = all_rows * all_columns if include else (y1 - y0) * (z1 - z0)
                for c in range(out.shape[3]):
                    out[n, oy, ox, c] = 0.0
                for y in range(y0, y1):
                    for z in range(z0, z1):
                        for c in range(out.shape[3]):
                            out[n, oy, ox, c] = float32(out[n, oy, ox, c] + x[n, y, z, c])
                for c in range(out.shape[3]):
                    out[n, oy, ox, c] = float32(out[n, oy, ox, c] / float32(count))

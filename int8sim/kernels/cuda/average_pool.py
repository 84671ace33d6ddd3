"""Average over each window by the layer's step and finish, or in float32 by a sequential sum and a division."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cpu.average_pool import CountingPool, span
from int8sim.kernels.cpu.max_pool import output_height_width
from int8sim.kernels.cuda.build import Kernel, build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters
from int8sim.kernels.cuda.places import cell, located
from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.roles import Parameters, finish, step
from int8sim.kernels.storage import flip, stored_dtype, stored_zero
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32


def prepare(
    op: CountingPool,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del constants
    window = (*op.kernel_shape, *op.strides, *op.pads, int(op.count_include_pad))
    if arithmetic is None:
        return _over_windows(build(average_pool_float), window, output_type, ())
    bound = {role: bind(arithmetic[role]) for role in ("step", "finish")}
    kernel = build(average_pool, {role: built for role, (built, _) in bound.items()})
    padding = stored_zero(inputs[0]) - flip(inputs[0])
    zero = np.float32(0) if isinstance(arithmetic["step"](0, padding), float) else np.int64(0)
    stored = flip(inputs[0]), padding, flip(output_type)
    return _over_windows(kernel, window, output_type, (stored, zero, *(parameters(bound[role][1]) for role in bound)))


def _over_windows(
    kernel: Kernel, window: tuple[int, ...], output_type: TensorType, last: tuple[Any, ...]
) -> Callable[[DeviceArray], DeviceArray]:
    size, dtype = output_height_width(output_type), stored_dtype(output_type)

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty((stored.shape[0], *size, stored.shape[3]), dtype)
        kernel.launch_each(out.size, stored.reshape(-1), stored.shape[1:], window, out.reshape(-1), size, *last)
        return out

    return call


def average_pool(
    x: Any,
    size: tuple[int, int, int],
    window: tuple[int, ...],
    out: Any,
    out_size: tuple[int, int],
    stored: tuple[int, int, int],
    zero: float,
    q: Parameters,
    p: Parameters,
) -> None:
    """x, out: flat stored codes. size: of x, height, width, channels. window: kernel, strides, pads, count_include_pad.

    stored: flip of x, zero point, flip of out. zero: of the type that the step's totals have. With count_include_pad,
    padding is stepped over as the zero point after the cells of the input.
    """
    rows, columns, stride_y, stride_x, top, left, bottom, right, include = window
    i = cuda.grid(1)
    if i < out.shape[0]:
        n, oy, ox, c = located(i, out_size[0], out_size[1], size[2])
        y0, y1, all_rows = span(oy, size[0], rows, stride_y, top, bottom)
        z0, z1, all_columns = span(ox, size[1], columns, stride_x, left, right)
        inside, total = (y1 - y0) * (z1 - z0), zero
        count = all_rows * all_columns if include else inside
        for y in range(y0, y1):
            for z in range(z0, z1):
                total = step(total, as_int(x[cell(n, y, z, c, size)]) - stored[0], q, c)
        for _ in range(count - inside):
            total = step(total, stored[1], q, c)
        out[i] = finish(total, count, p, c) + stored[2]


def average_pool_float(
    x: Any, size: tuple[int, int, int], window: tuple[int, ...], out: Any, out_size: tuple[int, int]
) -> None:
    """float32 likewise; padding adds nothing to the sum."""
    rows, columns, stride_y, stride_x, top, left, bottom, right, include = window
    i = cuda.grid(1)
    if i < out.shape[0]:
        n, oy, ox, c = located(i, out_size[0], out_size[1], size[2])
        y0, y1, all_rows = span(oy, size[0], rows, stride_y, top, bottom)
        z0, z1, all_columns = span(ox, size[1], columns, stride_x, left, right)
        total = float32(0.0)
        for y in range(y0, y1):
            for z in range(z0, z1):
                total = float32(total + as_real(x[cell(n, y, z, c, size)]))
        count = all_rows * all_columns if include else (y1 - y0) * (z1 - z0)
        out[i] = float32(total / float32(count))

"""Maxima and averages over windows."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.kernels.cpu.average_pool import span
from int8sim.kernels.roles import Parameters, finish, step
from int8sim.kernels.storage import stored_axes
from int8sim.model.step import Array
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.max_pool import MaxPool
from int8sim.spec.float32 import float32

Sizes = tuple[int, ...]


def average_pool(site: Site) -> list[Call]:
    """Of average_pool and global_average_pool."""
    op: Any = site.layer.op
    if isinstance(op, GlobalAveragePool):
        op = op.as_average_pool(site.types[0])
    assert isinstance(op, AveragePool)
    window = (*op.kernel_shape, *op.strides, *op.pads, int(op.count_include_pad))
    return [averages(site, site.inputs()[0], _sizes(site), window)]


def averages(site: Site, x: Room, size: Sizes, window: Sizes) -> Call:
    """By the layer's steps, or in float32. size, window: as the loops take them."""
    if site.layer.arithmetic is None:
        return Call(average_real, (x, site.out(), size, window))
    bound, (q, p) = site.bind(step="step", finish="finish")
    return Call(average, (x, q, p, site.out(), size, window, site.types[0].quantized.tensor_zero_point), bound)


def max_pool(site: Site) -> list[Call]:
    """Of codes and of real values."""
    op = site.layer.op
    assert isinstance(op, MaxPool)
    window = (*op.kernel_shape, *op.strides, *op.dilations, *op.pads[:2])
    return [Call(maximum, (*site.inputs(), site.out(), _sizes(site), window))]


def _sizes(site: Site) -> Sizes:
    """Height, width, channels, height and width of the output."""
    x, y = ([kind.shape[axis] for axis in stored_axes(kind)] for kind in (site.types[0], site.output))
    return (*x[1:], *y[1:3])


def average(x: Array, q: Parameters, p: Parameters, out: Array, size: Sizes, window: Sizes, zero: int) -> None:
    """Codes [height, width, channels]. window: kernel, strides, pads, whether padding counts, as the code `zero`."""
    height, width, channels, out_height, out_width = size
    rows, columns, stride_y, stride_x, top, left, bottom, right, include = window
    for oy in range(out_height):
        y0, y1, all_rows = span(oy, height, rows, stride_y, top, bottom)
        for ox in range(out_width):
            z0, z1, all_columns = span(ox, width, columns, stride_x, left, right)
            inside = (y1 - y0) * (z1 - z0)
            count = all_rows * all_columns if include else inside
            for c in range(channels):
                total = step(np.int64(0), np.int64(x[(y0 * width + z0) * channels + c]), q, c)
                for i in range(1, inside):
                    cell = (y0 + i // (z1 - z0)) * width + z0 + i % (z1 - z0)
                    total = step(total, np.int64(x[cell * channels + c]), q, c)
                for _ in range(count - inside):
                    total = step(total, zero, q, c)
                out[(oy * out_width + ox) * channels + c] = finish(total, count, p, c)


def average_real(x: Array, out: Array, size: Sizes, window: Sizes) -> None:
    """float32: a sequential sum, to which padding adds nothing, and a division."""
    height, width, channels, out_height, out_width = size
    rows, columns, stride_y, stride_x, top, left, bottom, right, include = window
    for oy in range(out_height):
        y0, y1, all_rows = span(oy, height, rows, stride_y, top, bottom)
        for ox in range(out_width):
            z0, z1, all_columns = span(ox, width, columns, stride_x, left, right)
            count = all_rows * all_columns if include else (y1 - y0) * (z1 - z0)
            for c in range(channels):
                total: Any = np.float32(0.0)
                for y in range(y0, y1):
                    for z in range(z0, z1):
                        total = float32(total + x[(y * width + z) * channels + c])
                out[(oy * out_width + ox) * channels + c] = float32(total / float32(count))


def maximum(x: Array, out: Array, size: Sizes, window: Sizes) -> None:
    """Values [height, width, channels]. window: kernel, strides, dilations, top, left."""
    height, width, channels, out_height, out_width = size
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left = window
    for oy in range(out_height):
        for ox in range(out_width):
            place, none = (oy * out_width + ox) * channels, True
            for u in range(rows):
                y = oy * stride_y - top + u * dilation_y
                for v in range(columns):
                    z = ox * stride_x - left + v * dilation_x
                    if y < 0 or y >= height or z < 0 or z >= width:
                        continue
                    for c in range(channels):
                        value = x[(y * width + z) * channels + c]
                        if none or value > out[place + c]:
                            out[place + c] = value
                    none = False

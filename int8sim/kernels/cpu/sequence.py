"""Sums of products in the order, and by the step, of a profile's accumulator; and the exact ones of 16-bit codes.

The true operands of a window are gathered once for all output channels, in the profile's order; the channels side by
side are the vector. Everything is int64, so that a step may use the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.geometry import Geometry
from int8sim.kernels.roles import Parameters, accumulate
from int8sim.kernels.storage import stored_zero
from int8sim.kernels.weights import in_step_order
from int8sim.model.accumulation import CHANNELS_LAST, Accumulation, Loop
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

FOUR = 4
"""Products that are added at a time."""


class Sums(NamedTuple):
    """How the accumulators of some output pixels, bias included, are computed.

    fill: (flat x, sizes, first pixel, totals) writes them into totals, [pixels, O] of the dtype.
    """

    fill: Callable[[Array, tuple[int, ...], int, Array], None]
    dtype: type


def ordered_sums(shape: Geometry, weights: Array, bias: Array, x: TensorType, step: Accumulation) -> Sums:
    """By one step after the other. weights: minus their zero point, int64 [O, C, rows, columns]. bias: [O]."""
    loop, bound, values = step.loop, *bind(step)
    depthwise = shape.channels == 1 and shape.groups > 1
    kernel = build(step_by_channel if depthwise else step_by_window, {"accumulate": bound})
    packed = pack_in_order(weights, 1 if depthwise else shape.groups, loop)
    subtracted = 0 if loop.unsigned else stored_zero(x)
    after = bias.astype(np.int64) - (stored_zero(x) - subtracted) * weights.sum((1, 2, 3))
    strides = (shape.channels, 1) if loop.order == CHANNELS_LAST else (1, shape.rows * shape.columns)
    order = (subtracted, loop.products, *strides)

    def fill(x: Array, size: tuple[int, ...], start: int, totals: Array) -> None:
        kernel(x, size, packed, after, tuple(shape), order, start, values, totals)

    return Sums(fill, np.int32 if loop.bits is None else np.int64)


def pack_in_order(weights: Array, groups: int, loop: Loop) -> Array:
    """int32 [groups, steps, n, O / groups]: n is 1 or products padded to a multiple of 4; zeros where there is none."""
    outputs, depth = weights.shape[0], weights[0].size
    steps, width = -(-depth // loop.products), loop.products if loop.products == 1 else -(-loop.products // FOUR) * FOUR
    flat = np.zeros((outputs, steps * loop.products), np.int32)
    flat[:, :depth] = in_step_order(weights, loop)
    padded = np.zeros((outputs, steps, width), np.int32)
    padded[:, :, : loop.products] = flat.reshape(outputs, steps, -1)
    return np.ascontiguousarray(padded.reshape(groups, outputs // groups, steps, width).transpose(0, 2, 3, 1))


def locate(i: int, out_height: int, out_width: int) -> tuple[int, int, int]:
    """(image, row, column) of the i-th output pixel."""
    line = i // out_width
    n = line // out_height
    return n, line - n * out_height, i - line * out_width


def gather_window(
    x: Array, place: int, g: tuple[int, ...], spot: tuple[int, ...], order: tuple[int, ...], window: Array
) -> None:
    """One window's operands in the order of accumulation into window, int32. place: the group's first channel.

    spot: (n, oy, ox, height, width, channels). order: what is subtracted from stored values, products per step, and how
    far apart a window's cells and its channels are.
    """
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, _, channels, padding = g
    n, oy, ox, height, width, depth = spot
    for u in range(rows):
        y = oy * stride_y - top + u * dilation_y
        for v in range(columns):
            z = ox * stride_x - left + v * dilation_x
            inside = y >= 0 and y < height and z >= 0 and z < width
            source = np.uint64(((n * height + y) * width + z) * depth + place)
            target, step = np.uint64((u * columns + v) * order[2]), np.uint64(order[3])
            for c in range(np.uint64(channels)):
                stored = np.int64(x[source + c]) if inside else padding
                window[target + c * step] = stored - order[0]


def gather_cells(
    x: Array, g: tuple[int, ...], spot: tuple[int, ...], order: tuple[int, ...], repeats: int, cells: Array
) -> None:
    """The same for all channels, each so many times: cells, int32 [.., outputs], one row a cell of the window."""
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, _, _, padding = g
    n, oy, ox, height, width, channels = spot
    for u in range(rows):
        y = oy * stride_y - top + u * dilation_y
        for v in range(columns):
            z = ox * stride_x - left + v * dilation_x
            row = cells[u * columns + v]
            row[:] = padding - order[0]
            if y >= 0 and y < height and z >= 0 and z < width:
                source = np.uint64(((n * height + y) * width + z) * channels)
                for r in range(np.uint64(repeats)):
                    for c in range(np.uint64(channels)):
                        row[c * np.uint64(repeats) + r] = np.int64(x[source + c]) - order[0]


def step_by_window(
    x: Array,
    size: tuple[int, ...],
    weights: Array,
    after: Array,
    g: tuple[int, ...],
    order: tuple[int, ...],
    start: int,
    q: Parameters,
    totals: Array,
) -> None:
    """x: stored, flat, channels last. size: (batch, height, width, channels, out height, out width, out channels).

    weights: as packed. after: int64 [O], added at the end. totals: of the output pixels start, start + 1 ...
    """
    _, height, width, channels, out_height, out_width, _ = size
    groups, steps, _, per_group = weights.shape
    window = np.zeros(steps * order[1] + FOUR, np.int32)
    acc, group = np.empty(per_group, np.int64), np.empty(per_group, np.int64)
    for i in range(totals.shape[0]):
        n, oy, ox = locate(start + i, out_height, out_width)
        for part in range(groups):
            gather_window(x, part * g[9], g, (n, oy, ox, height, width, channels), order, window)
            first = np.uint64(part * per_group)
            acc[:] = 0
            if order[1] == 1:
                step_products(window, weights, part, q, acc)
            else:
                step_groups(window, weights, part, order[1], q, group, acc)
            for o in range(np.uint64(per_group)):
                totals[i, first + o] = acc[o] + after[first + o]


def step_products(window: Array, weights: Array, part: int, q: Parameters, acc: Array) -> None:
    """One product after the other, for the output channels of a group. acc: int64 [O / groups]."""
    outputs = np.uint64(acc.shape[0])
    first = np.uint64(part) * outputs
    for k in range(weights.shape[1]):
        operand = np.int64(window[k])
        for o in range(outputs):
            acc[o] = accumulate(acc[o], operand * np.int64(weights[part, k, 0, o]), q, first + o)


def step_groups(
    window: Array, weights: Array, part: int, products: int, q: Parameters, group: Array, acc: Array
) -> None:
    """The same by groups of products, four at a time; where a group has no more, the weights are 0."""
    outputs = np.uint64(acc.shape[0])
    first = np.uint64(part) * outputs
    for k in range(weights.shape[1]):
        group[:] = 0
        for j in range(0, weights.shape[2], FOUR):
            at = k * products + j
            a, b, c, d = (
                np.int64(window[at]),
                np.int64(window[at + 1]),
                np.int64(window[at + 2]),
                np.int64(window[at + 3]),
            )
            for o in range(outputs):
                pair = a * np.int64(weights[part, k, j, o]) + b * np.int64(weights[part, k, j + 1, o])
                group[o] += pair + c * np.int64(weights[part, k, j + 2, o]) + d * np.int64(weights[part, k, j + 3, o])
        for o in range(outputs):
            acc[o] = accumulate(acc[o], group[o], q, first + o)


def step_by_channel(
    x: Array,
    size: tuple[int, ...],
    weights: Array,
    after: Array,
    g: tuple[int, ...],
    order: tuple[int, ...],
    start: int,
    q: Parameters,
    totals: Array,
) -> None:
    """The same where every channel of x is a group: weights int32 [1, steps, n, O], O a multiple of the channels."""
    _, height, width, channels, out_height, out_width, outputs = size
    steps, count = weights.shape[1], g[0] * g[1]
    cells = np.empty((count, outputs), np.int32)
    acc, group = np.empty(outputs, np.int64), np.empty(outputs, np.int64)
    for i in range(totals.shape[0]):
        n, oy, ox = locate(start + i, out_height, out_width)
        gather_cells(x, g, (n, oy, ox, height, width, channels), order, outputs // channels, cells)
        acc[:] = 0
        for k in range(steps):
            group[:] = 0
            for j in range(min(order[1], count - k * order[1])):
                row = cells[k * order[1] + j]
                for o in range(np.uint64(outputs)):
                    group[o] += np.int64(row[o]) * np.int64(weights[0, k, j, o])
            for o in range(np.uint64(outputs)):
                acc[o] = accumulate(acc[o], group[o], q, o)
        for o in range(np.uint64(outputs)):
            totals[i, o] = acc[o] + after[o]

"""Sums that saturate on the way: true operands in the order of a profile's accumulator, a group of products a step.

As kernels/cpu/sequence.py has them: the operands of a window are gathered for all output channels of a group, which lie
side by side. Everything is int64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.export_c.layers.window import Sizes, Window, narrow
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.kernels.storage import flip, stored_zero
from int8sim.kernels.weights import in_step_order
from int8sim.model.accumulation import CHANNELS_LAST, Accumulation, accumulation
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType


class Order(NamedTuple):
    """offset: a code's operand is code + offset; that of padding is zero_point + offset. products: in a group.

    cell, channel: how far apart they are in the order. share: of the sum of the weights in the accumulator that is no
    operand's. spare: bits of 64 above the accumulator's.
    """

    offset: int
    zero_point: int
    products: int
    cell: int
    channel: int
    share: int
    spare: int


def order_of(step: Accumulation, x: TensorType, cells: int, channels: int) -> Order:
    """Of windows of so many cells with so many channels of x."""
    loop, zero = step.loop, x.quantized.tensor_zero_point
    strides = (channels, 1) if loop.order == CHANNELS_LAST else (1, cells)
    offset, share = (flip(x), stored_zero(x)) if loop.unsigned else (-zero, 0)
    return Order(offset, zero, loop.products, *strides, share, 32 if loop.bits is None else 0)


def convolution_in_order(site: Site, given: Window) -> Call:
    """Of a layer whose window accumulates in sequence."""
    weights, step = given.centred, _step(site)
    outputs, channels, *kernel = weights.shape
    order = order_of(step, given.types[0], int(np.prod(kernel)), channels)
    flat = in_step_order(weights, step.loop)
    padded = np.pad(flat, ((0, 0), (0, -flat.shape[1] % order.products)))
    groups, depth = given.op.group, padded.shape[1]
    taps = narrow(padded.reshape(groups, outputs // groups, depth).transpose(0, 2, 1))
    after = given.whole_bias - order.share * flat.sum(1)
    bound, values = site.bind(accumulate="accumulate", output="output")
    rooms = site.own("window", "int32", depth), *_sums(site, outputs // groups)
    arguments = (given.x, taps, after, *values, *rooms, site.out(), given.size, given.geometry, tuple(order))
    return Call(convolve_in_order, arguments, bound)


def product_of_order(site: Site, a: Room, b: Room, size: Sizes) -> Call:
    """The same of matmul's matrices."""
    order = order_of(_step(site), site.types[0], 1, size[2])
    bound, values = site.bind(accumulate="accumulate", output="output")
    zero = site.types[1].quantized.tensor_zero_point
    return Call(multiply_in_order, (a, b, *values, site.out(), size, zero, tuple(order)), bound)


def _step(site: Site) -> Accumulation:
    step = accumulation(site.arithmetic)
    assert step is not None
    return step


def _sums(site: Site, count: int) -> tuple[Room, Room]:
    return site.own("group", "int64", count), site.own("acc", "int64", count)


def convolve_in_order(
    x: Array,
    w: Array,
    after: Array,
    q: Parameters,
    p: Parameters,
    window: Array,
    group: Array,
    acc: Array,
    out: Array,
    size: Sizes,
    geometry: Sizes,
    order: Sizes,
) -> None:
    """x: codes [height, width, channels]. w: [groups, products, O / group] in order. after: int64 [O].

    window: room for int32 [products]; group, acc: for int64 [O / group].
    """
    _, _, channels, out_height, out_width, outputs = size
    groups, spare = geometry[8], order[6]
    depth, each = channels // groups, outputs // groups
    count = (geometry[0] * geometry[1] * depth + order[2] - 1) // order[2]
    for pixel in range(out_height * out_width):
        for part in range(groups):
            gather(x, (pixel // out_width, pixel % out_width, part * depth), size, geometry, order, window)
            first = part * each
            for o in range(each):
                acc[o] = 0
            for k in range(count):
                add_group(window, w, (part * count + k) * order[2] * each, k * order[2], order[2], each, group)
                for o in range(each):
                    acc[o] = accumulate(acc[o], group[o], q, first + o)
            for o in range(each):
                total = (acc[o] + after[first + o]) << spare >> spare
                out[pixel * outputs + first + o] = output(total, p, first + o)


def gather(x: Array, spot: Sizes, size: Sizes, geometry: Sizes, order: Sizes, window: Array) -> None:
    """The operands of a window in order. spot: row and column of the output, first channel."""
    height, width, channels, _, _, _ = size
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, groups = geometry
    offset, zero, _, cell, channel, _, _ = order
    for u in range(rows):
        y = spot[0] * stride_y - top + u * dilation_y
        for v in range(columns):
            z = spot[1] * stride_x - left + v * dilation_x
            inside = y >= 0 and y < height and z >= 0 and z < width
            source, target = (y * width + z) * channels + spot[2], (u * columns + v) * cell
            for c in range(channels // groups):
                code = np.int64(x[source + c]) if inside else zero
                window[target + c * channel] = code + offset


def add_group(window: Array, w: Array, tap: int, first: int, products: int, each: int, group: Array) -> None:
    """The exact sums of one group's products."""
    for o in range(each):
        group[o] = 0
    for j in range(products):
        operand = np.int64(window[first + j])
        for o in range(each):
            group[o] += operand * np.int64(w[tap + j * each + o])


def multiply_in_order(
    a: Array, b: Array, q: Parameters, p: Parameters, out: Array, size: Sizes, zero: int, order: Sizes
) -> None:
    """a: codes [count, rows, depth]. b: [count, depth, columns], whose zero point is given."""
    count, rows, depth, columns = size
    offset, _, products, _, _, share, spare = order
    for i in range(count * rows):
        for column in range(columns):
            acc, weights = np.int64(0), np.int64(0)
            for start in range(0, depth, products):
                group = np.int64(0)
                for k in range(start, min(start + products, depth)):
                    right = np.int64(b[(i // rows * depth + k) * columns + column]) - zero
                    group += (np.int64(a[i * depth + k]) + offset) * right
                    weights += right
                acc = accumulate(acc, group, q, column)
            out[i * columns + column] = output((acc - share * weights) << spare >> spare, p, column)

"""Float32 sums of products, each one chain of FMAs from 0, its bias added last.

The order of a convolution's is (in-channel, kernel row, kernel column); cells outside are left out.
"""

from __future__ import annotations

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.export_c.layers.window import Sizes, Window
from int8sim.model.step import Array
from int8sim.spec.float32 import float32, fma


def convolution_of_reals(site: Site, given: Window) -> Call:
    """Of conv2d and fully connected layers."""
    outputs, groups = len(given.weights), given.op.group
    parts = given.weights.reshape(groups, outputs // groups, *given.weights.shape[1:])
    return _call(site, given, parts.transpose(0, 2, 3, 4, 1), (*given.geometry, 1, 1))


def transposed_of_reals(site: Site, given: Window) -> Call:
    """Of conv_transpose, whose weights are [C, O / group, rows, columns]: its strides divide, its cells go back."""
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, groups = given.geometry
    geometry = rows, columns, 1, 1, -dilation_y, -dilation_x, -top, -left, groups, stride_y, stride_x
    return _call(site, given, given.weights.transpose(0, 2, 3, 1), geometry)


def _call(site: Site, given: Window, weights: Array, geometry: Sizes) -> Call:
    outputs = given.size[5]
    none = np.full(outputs, -0.0)  # x + -0.0 is x, also where x is -0.0
    bias = np.asarray(none if given.bias is None else given.bias, np.float32)
    taps, acc = np.ascontiguousarray(weights, np.float32), site.own("acc", "float32", outputs // given.op.group)
    return Call(chains, (given.x, taps, bias, acc, site.out(), given.size, geometry))


def product_of_reals(site: Site, a: Room, b: Room, size: Sizes) -> Call:
    """Of matmul's matrices."""
    return Call(multiply_reals, (a, b, site.own("acc", "float32", size[3]), site.out(), size))


def chains(x: Array, w: Array, bias: Array, acc: Array, out: Array, size: Sizes, geometry: Sizes) -> None:
    """x: [height, width, channels]. w: [channels, rows, columns, O / group]. acc: room for [O / group].

    geometry ends with how far apart the rows and the columns of x are for the window.
    """
    height, width, channels, out_height, out_width, outputs = size
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, groups, apart_y, apart_x = geometry
    depth, each = channels // groups, outputs // groups
    for place in range(out_height * out_width * groups):
        oy, ox, part = place // groups // out_width, place // groups % out_width, place % groups
        for o in range(each):
            acc[o] = np.float32(0.0)
        for c in range(part * depth, (part + 1) * depth):
            for u in range(rows):
                y = oy * stride_y - top + u * dilation_y
                if y < 0 or y % apart_y or y >= height * apart_y:
                    continue
                for v in range(columns):
                    z = ox * stride_x - left + v * dilation_x
                    if z < 0 or z % apart_x or z >= width * apart_x:
                        continue
                    tap = ((c * rows + u) * columns + v) * each
                    cell = x[(y // apart_y * width + z // apart_x) * channels + c]
                    for o in range(each):
                        acc[o] = fma(cell, w[tap + o], acc[o])
        for o in range(each):
            out[place * each + o] = float32(acc[o] + bias[part * each + o])


def multiply_reals(a: Array, b: Array, acc: Array, out: Array, size: Sizes) -> None:
    """a: [count, rows, depth]. b: [count, depth, columns]. acc: room for [columns]."""
    count, rows, depth, columns = size
    for i in range(count * rows):
        for column in range(columns):
            acc[column] = np.float32(0.0)
        for k in range(depth):
            left, right = a[i * depth + k], (i // rows * depth + k) * columns
            for column in range(columns):
                acc[column] = fma(left, b[right + column], acc[column])
        for column in range(columns):
            out[i * columns + column] = acc[column]

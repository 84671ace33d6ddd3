"""Sums of products that saturate nowhere on the way, and the layer's output step.

Weights are minus their zero point. That of x is taken off by the sums of the weights under each cell that lies inside:
a product of two bytes is then what LLVM has vector instructions for. The accumulator is 32 bits and wraps, or is exact
in 64 where x has 16 bits, as the definition's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Site
from int8sim.export_c.compiled import Bound
from int8sim.export_c.layers.window import Sizes, Window, narrow
from int8sim.kernels.bounds import add_exactly
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.model.accumulation import is_wide
from int8sim.model.step import Array


def convolution_of_codes(site: Site, given: Window) -> Call:
    """Of a layer whose accumulator every order of addition gives."""
    weights, bias, channels = given.centred, given.whole_bias, given.size[2]
    wide = is_wide(given.types[0])
    bound, (numbers,) = site.bind(output="output")
    sums, geometry = (*bound, *summing(wide)), (*given.geometry, given.types[0].quantized.tensor_zero_point)
    if given.op.group == channels == len(weights):
        totals = site.own("totals", "int64" if wide else "int32", channels)
        taps = narrow(weights[:, 0].transpose(1, 2, 0))
        return Call(convolve_channels, (given.x, taps, bias, totals, numbers, site.out(), given.size, geometry), sums)
    taps = narrow(weights.transpose(0, 2, 3, 1))
    under = np.ascontiguousarray(weights.sum(1))
    return Call(convolve, (given.x, taps, under, bias, numbers, site.out(), given.size, geometry), sums)


def summing(wide: bool) -> Bound:
    """How an accumulator adds."""
    return (("accumulate", (add_exactly if wide else add_modulo, ())),)


def add_modulo(acc: int, product: int) -> Any:
    """acc + product modulo 2**32, in 32 bits: so LLVM makes a loop of them a loop of vectors."""
    return np.int32(acc + product)


def convolve(
    x: Array, w: Array, under: Array, bias: Array, p: Parameters, out: Array, size: Sizes, geometry: Sizes
) -> None:
    """x: codes [height, width, channels]. w: [O, rows, columns, C / group]. under: sums of its last axis, int64.

    bias: int64 [O]. Cells of a row that lie side by side are one run of products.
    """
    height, width, channels, out_height, out_width, outputs = size
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, groups, zero = geometry
    depth, each, run = channels // groups, outputs // groups, columns if groups == 1 and dilation_x == 1 else 1
    for oy in range(out_height):
        for ox in range(out_width):
            start = ox * stride_x - left
            first, last = max(0, -(start // dilation_x)), min(columns, -((start - width) // dilation_x))
            for o in range(outputs):
                acc = accumulate(np.int64(0), bias[o], (0,), 0)
                for u in range(rows):
                    y = oy * stride_y - top + u * dilation_y
                    if y < 0 or y >= height:
                        continue
                    for v in range(first, last, run):
                        cells, tap = min(run, last - v), (o * rows + u) * columns + v
                        cell = (y * width + start + v * dilation_x) * channels + o // each * depth
                        for k in range(cells * depth):
                            product = np.int64(x[cell + k]) * np.int64(w[tap * depth + k])
                            acc = accumulate(acc, product, (0,), 0)
                        for k in range(cells):
                            acc = accumulate(acc, -zero * under[tap + k], (0,), 0)
                out[(oy * out_width + ox) * outputs + o] = output(np.int64(acc), p, o)


def convolve_channels(
    x: Array, w: Array, bias: Array, totals: Array, p: Parameters, out: Array, size: Sizes, geometry: Sizes
) -> None:
    """Every channel by itself, side by side. w: [rows, columns, C]. totals: [C], room for the accumulators."""
    height, width, channels, out_height, out_width, _ = size
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, _, zero = geometry
    for oy in range(out_height):
        for ox in range(out_width):
            for c in range(channels):
                totals[c] = bias[c]
            for u in range(rows):
                y = oy * stride_y - top + u * dilation_y
                if y < 0 or y >= height:
                    continue
                for v in range(columns):
                    z = ox * stride_x - left + v * dilation_x
                    if z < 0 or z >= width:
                        continue
                    cell, tap = (y * width + z) * channels, (u * columns + v) * channels
                    for c in range(channels):
                        product = (np.int64(x[cell + c]) - zero) * np.int64(w[tap + c])
                        totals[c] = accumulate(np.int64(totals[c]), product, (0,), 0)
            for c in range(channels):
                out[(oy * out_width + ox) * channels + c] = output(np.int64(totals[c]), p, c)

"""Convolutions and fully connected layers: the sum of products, and the layer's output step.

Weights are minus their zero point. That of x is taken off by the sums of the weights under each cell that lies inside:
a product of two bytes is then what LLVM has vector instructions for. The accumulator is 32 bits and wraps, or is exact
in 64 where x has 16 bits, as the definition's.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.export_c.compiled import Bound
from int8sim.export_c.layers.move import arranged
from int8sim.kernels.bounds import accumulates_in_sequence, centred
from int8sim.kernels.cpu.geometry import PIXELWISE, Convolution
from int8sim.kernels.cpu.sequence import add_exactly
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.kernels.storage import stored_axes
from int8sim.model.accumulation import is_wide
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

Sizes = tuple[int, ...]


def convolution(site: Site) -> list[Call]:
    """Of conv2d."""
    _, height, width, channels = _stored(site.types[0])
    _, out_height, out_width, outputs = _stored(site.output)
    size = height, width, channels, out_height, out_width, outputs
    return [_call(site, site.layer.op, site.inputs()[0], _weights(site), size)]  # type: ignore[arg-type]


def fully_connected(site: Site) -> list[Call]:
    """A 1x1 convolution over whatever precedes the last axis."""
    weights = _weights(site)
    outputs, depth = weights.shape
    pixels = site.out().count // outputs
    x, moved = arranged(site, 0, site.types[0].shape)
    return [*moved, _call(site, PIXELWISE, x, weights[:, :, None, None], (1, pixels, depth, 1, pixels, outputs))]


def _weights(site: Site) -> Array:
    """Minus their zero point, int64."""
    weights = site.constant(1)
    if weights is None:
        raise site.refused("its weights are no constant")
    return centred(weights, site.types[1])


def _stored(kind: TensorType) -> tuple[int, ...]:
    return tuple(kind.shape[axis] for axis in stored_axes(kind))


def _call(site: Site, op: Convolution, x: Room, weights: Array, size: Sizes) -> Call:
    """weights: int64 [O, C / group, rows, columns]."""
    constants = {place: values for place in (1, 2) if (values := site.constant(place)) is not None}
    if accumulates_in_sequence(site.types, constants, site.arithmetic):
        raise site.refused("its accumulator saturates on the way for some inputs; only sums of one order are exported")
    outputs, channels = size[5], size[2]
    bias = constants.get(2, np.zeros(outputs, np.int64)).astype(np.int64)
    wide, zero = is_wide(site.types[0]), site.types[0].quantized.tensor_zero_point
    bound, (numbers,) = site.bind(output="output")
    sums = (*bound, *summing(wide))
    geometry = (*weights.shape[2:], *op.strides, *op.dilations, *op.pads[:2], op.group, zero)
    out = site.out()
    if op.group == channels == outputs:
        totals = site.own("totals", "int64" if wide else "int32", outputs)
        taps = narrow(weights[:, 0].transpose(1, 2, 0))
        return Call(convolve_channels, (x, taps, bias, totals, numbers, out, size, geometry), sums)
    taps = narrow(weights.transpose(0, 2, 3, 1))
    under = np.ascontiguousarray(weights.sum(1))
    return Call(convolve, (x, taps, under, bias, numbers, out, size, geometry), sums)


def summing(wide: bool) -> Bound:
    """How an accumulator adds."""
    return (("accumulate", (add_exactly if wide else add_modulo, ())),)


def narrow(weights: Array) -> Array:
    """In the narrowest integers that hold them."""
    for dtype in (np.int8, np.int16):
        if np.array_equal(weights, small := weights.astype(dtype)):
            return np.ascontiguousarray(small)
    return np.ascontiguousarray(weights, np.int32)


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

"""Resizing by weights: of four cells, or along both axes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.export_c.layers.move import ZERO, copy
from int8sim.export_c.layers.pointwise import each
from int8sim.export_c.layers.window import Sizes
from int8sim.kernels.cpu.resize_weighted import packed
from int8sim.kernels.roles import Parameters, output, weigh
from int8sim.kernels.storage import stored_axes
from int8sim.model.step import Array
from int8sim.ops.resize_bilinear import ResizeBilinear
from int8sim.ops.resize_weighted import ResizeWeighted
from int8sim.spec.float32 import float32, fma


def resize_bilinear(site: Site) -> list[Call]:
    """By the layer's steps, or in float32."""
    op, (_, width, channels) = site.layer.op, _size(site)
    assert isinstance(op, ResizeBilinear)
    cells = [np.array([pair[:2] for pair in pairs], np.int32) for pairs in (op.rows, op.columns)]
    shares = [np.array([pair[2:] for pair in pairs], np.float32) for pairs in (op.rows, op.columns)]
    (x,), size = site.inputs(), (len(op.rows), len(op.columns), width, channels)
    if site.layer.arithmetic is None:
        return [Call(bilinear_reals, (x, *cells, *shares, site.out(), size))]
    bound, values = site.bind(weigh="weigh", output="output")
    return [Call(bilinear_codes, (x, *cells, *shares, *values, site.out(), size), bound)]


def resize_weighted(site: Site) -> list[Call]:
    """Along columns, then rows: in float32, or exactly in 32 bits and by the layer's step."""
    op, (height, width, channels) = site.layer.op, _size(site)
    assert isinstance(op, ResizeWeighted)
    (x,), real = site.inputs(), site.layer.arithmetic is None
    dtype, one = ("float32", 1.0) if real else ("int32", 2.0 ** (site.arithmetic["output"].at(0)[0] / 2))
    wide = site.own("wide", dtype, height * len(op.columns) * channels)
    whole = site.own("whole", dtype, site.out().count)
    sizes = (height, width, len(op.columns), channels), (1, height, len(op.rows), len(op.columns) * channels)
    steps = ((x, wide, op.columns, sizes[0]), (wide, whole, op.rows, sizes[1]))
    calls = [_along(given, out, places, size, one, op.outside) for given, out, places, size in steps]
    return [*calls, _beyond(op, whole, site.out()) if real else each(site.arithmetic["output"], whole, site.out())]


def _size(site: Site) -> Sizes:
    """Height, width and channels of x."""
    kind = site.types[0]
    return tuple(kind.shape[axis] for axis in stored_axes(kind)[1:])


def _along(
    x: Room, out: Room, taps: Sequence[tuple[int, tuple[float, ...]]], size: Sizes, one: float, outside: float
) -> Call:
    firsts, counts, weights = packed(taps)
    starts = np.stack([firsts, counts], 1).astype(np.int32)
    if out.dtype == "float32":
        return Call(weigh_reals, (x, starts, weights, weights.shape[1], np.float32(outside), out, size))
    return Call(weigh_codes, (x, starts, (weights * one).astype(np.int32), weights.shape[1], out, size))


def _beyond(op: ResizeWeighted, whole: Room, out: Room) -> Call:
    """The columns that have no weights hold the value outside, whatever their rows are."""
    none = np.array([not weights for _, weights in op.columns])[:, None]
    places = np.arange(whole.count).reshape(len(op.rows), len(op.columns), -1)
    return copy(whole, out, np.where(none, ZERO, places), op.outside)


def bilinear_codes(
    x: Array,
    rows: Array,
    columns: Array,
    down: Array,
    across: Array,
    q: Parameters,
    p: Parameters,
    out: Array,
    size: Sizes,
) -> None:
    """rows, columns: two cells of each; down, across: their weights. size: of the output; x's width; channels."""
    height, breadth, width, channels = size
    for place in range(height * breadth * channels):
        i, j, c = place // channels // breadth * 2, place // channels % breadth * 2, place % channels
        total = float32(0.0)
        for k in range(i, i + 2):
            for m in range(j, j + 2):
                code = np.int64(x[(rows[k] * width + columns[m]) * channels + c])
                total = weigh(total, code, down[k], across[m], q, c)
        out[place] = output(total, p, c)


def bilinear_reals(x: Array, rows: Array, columns: Array, down: Array, across: Array, out: Array, size: Sizes) -> None:
    """The same in float32."""
    height, breadth, width, channels = size
    for place in range(height * breadth * channels):
        i, j, c = place // channels // breadth * 2, place // channels % breadth * 2, place % channels
        total = float32(0.0)
        for k in range(i, i + 2):
            for m in range(j, j + 2):
                value = x[(rows[k] * width + columns[m]) * channels + c]
                total = float32(total + float32(float32(across[m] * down[k]) * value))
        out[place] = total


def weigh_reals(x: Array, starts: Array, weights: Array, most: int, outside: float, out: Array, size: Sizes) -> None:
    """[lines, cells, values] to [lines, places, values]. starts: [places, 2], first cell and count of weights."""
    lines, cells, places, values = size
    for n in range(lines * places):
        i, first = n % places, (n // places * cells + starts[2 * (n % places)]) * values
        for c in range(values):
            total = float32(weights[i * most] * x[first + c]) if starts[2 * i + 1] else outside
            for k in range(1, starts[2 * i + 1]):
                total = fma(weights[i * most + k], x[first + k * values + c], total)
            out[n * values + c] = total


def weigh_codes(x: Array, starts: Array, weights: Array, most: int, out: Array, size: Sizes) -> None:
    """The same exactly; what has no weights is 0."""
    lines, cells, places, values = size
    for n in range(lines * places):
        i, first = n % places, (n // places * cells + starts[2 * (n % places)]) * values
        for c in range(values):
            total = np.int64(0)
            for k in range(starts[2 * i + 1]):
                total += np.int64(weights[i * most + k]) * np.int64(x[first + k * values + c])
            out[n * values + c] = total

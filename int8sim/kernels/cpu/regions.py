"""Where a window's values lie, for every output pixel: pixels under which the same taps lie make a region.

Padding adds nothing to a sum, so what lies outside the input is no tap. All of a region's pixels then have the same
taps at the same distances from their first value: two short tables in place of a copy of every window.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from int8sim.kernels.geometry import Geometry
from int8sim.model.step import Array

OUTSIDE = -1
STRETCH = 256
"""Products of a sum that a tile computes at a time, about: 64 KiB of weights at most."""


class Regions(NamedTuple):
    """int64 arrays. bounds: [regions, 4], the rows of taps from .. to, the columns of pixels from .. to.

    taps: [.., 2], places in x behind the pixel's first one, rows of weights, in the order (channel, row, column).
    pixels: [2, ..], places in x of the first value, numbers of the output pixel, both within one image.
    stretch: how many channels the taps are for; the next so many channels have the same, so many places on.
    """

    bounds: Array
    taps: Array
    pixels: Array
    stretch: int


class Part(NamedTuple):
    """Outputs along one axis that have the same taps.

    starts: the least cell of each output. steps: cells from there to each tap.
    """

    outputs: Array
    starts: Array
    taps: Array
    steps: Array


def cells(size: int, outputs: int, kernel: int, stride: int, dilation: int, before: int) -> Array:
    """Along one axis, the input cell under each output and tap, int64 [outputs, kernel], or OUTSIDE."""
    found = np.arange(outputs)[:, None] * stride - before + np.arange(kernel) * dilation
    return np.where((found >= 0) & (found < size), found, OUTSIDE)


def axes(shape: Geometry, size: tuple[int, int], out: tuple[int, int]) -> tuple[Array, Array]:
    """The `cells` of the rows and of the columns of an image of a size, under outputs of a size."""
    rows = cells(size[0], out[0], shape.rows, shape.stride_y, shape.dilation_y, shape.top)
    return rows, cells(size[1], out[1], shape.columns, shape.stride_x, shape.dilation_x, shape.left)


def parts(under: Array) -> Iterator[Part]:
    """The outputs of one axis by their taps. under: as `cells` gives them."""
    inside = under != OUTSIDE
    starts = np.where(inside.any(1), np.where(inside, under, np.iinfo(np.int64).max).min(1), 0)
    steps, places = np.unique(np.where(inside, under - starts[:, None], OUTSIDE), axis=0, return_inverse=True)
    for i, each in enumerate(steps):
        outputs, taps = np.flatnonzero(places.reshape(-1) == i), np.flatnonzero(each != OUTSIDE)
        yield Part(outputs, starts[outputs], taps, each[taps])


def regions(rows: Array, columns: Array, width: int, step: int, channels: int) -> Regions:
    """The regions of an image. rows, columns: as `cells` gives them. width: of the image, in cells.

    step: values per cell. channels: how many of them a sum takes.
    """
    kernel = rows.shape[1], columns.shape[1]
    stretch = min(channels, max(1, STRETCH // (kernel[0] * kernel[1])))
    pairs = list(itertools.product(parts(rows), parts(columns)))
    taps = [_taps(y, z, kernel, width * step, step, stretch) for y, z in pairs]
    pixels = [pixels_of(y, z, width, len(columns), step) for y, z in pairs]
    return Regions(*side_by_side(taps, pixels), stretch)


def _taps(y: Part, z: Part, kernel: tuple[int, int], line: int, step: int, channels: int) -> Array:
    c = np.arange(channels)[:, None, None]
    behind = c + y.steps[:, None] * line + z.steps * step
    weights = (c * kernel[0] + y.taps[:, None]) * kernel[1] + z.taps
    return np.stack([behind.ravel(), weights.ravel()], 1)


def pixels_of(y: Part, z: Part, width: int, out_width: int, step: int) -> Array:
    """[2, ..]: places in x of the first value, numbers of the output pixel, both within one image."""
    first = (y.starts[:, None] * width + z.starts) * step
    numbers = y.outputs[:, None] * out_width + z.outputs
    return np.stack([first.ravel(), numbers.ravel()])


def side_by_side(rows: Sequence[Array], pixels: Sequence[Array]) -> tuple[Array, Array, Array]:
    """Bounds, int64 [regions, 4], of each region's rows and pixels in all rows, [.., ..], and all pixels, [2, ..]."""
    bounds = [ends([len(each) for each in rows]), ends([each.shape[1] for each in pixels])]
    return np.concatenate(bounds, 1), np.concatenate(rows), np.concatenate(pixels, 1)


def ends(counts: list[int]) -> Array:
    """From .. to of parts that lie one behind the other, [parts, 2]."""
    ends = np.cumsum(counts)
    return np.stack([ends - counts, ends], 1)

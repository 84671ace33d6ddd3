"""What AMX reads of x: rows of bytes that lie equally far apart, 32 at a time.

A window is cut into stretches of contiguous bytes, each padded to whole steps of 64 bytes; what lies there meets
weights of 0. Where a convolution takes every pixel, the windows of pixels side by side lie as far apart as the pixels,
also from the end of one line to the beginning of the next, once x has its padding around it: x is read where it lies,
and the few windows that begin beyond a line's outputs are computed for nothing. Elsewhere, and where those would be too
many, windows are copied side by side.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from int8sim.kernels.cpu.amx_tile import ROW_BYTES
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.cpu.regions import side_by_side
from int8sim.kernels.cpu.runs import Region, Run
from int8sim.kernels.cpu.tile import AMX, GROUP
from int8sim.kernels.geometry import Geometry
from int8sim.model.step import Array

COPY = 3
"""Numbers of a copied run: from where behind a pixel's first value, to where in its window, how many bytes."""
COPIED, REQUANTIZED = 80, 400
"""Output channels for which copying a window together takes as long as their products; depth of a product that takes as
long as its output step."""


class Stretch(NamedTuple):
    """Contiguous bytes of a window: row and first column of its taps, how many; where it begins in a padded window."""

    row: int
    column: int
    taps: int
    place: int


class Grid(NamedTuple):
    """Windows by number, some without an output: lines and columns of windows, and of outputs, in an image."""

    lines: int
    columns: int
    rows: int
    outputs: int


class Stretches:
    """Of a window over a tensor."""

    def __init__(self, shape: Geometry) -> None:
        self.shape = shape
        taps = shape.columns if shape.groups == 1 and shape.dilation_x == 1 else 1
        firsts = [(u, v) for u in range(shape.rows) for v in range(0, shape.columns, taps)]
        self.size = -(-taps * shape.channels // ROW_BYTES) * ROW_BYTES
        self.all = [Stretch(u, v, taps, i * self.size) for i, (u, v) in enumerate(firsts)]
        self.depth = len(self.all) * self.size

    def is_whole(self) -> bool:
        """Whether nothing is padded."""
        return self.all[0].taps * self.shape.channels == self.size

    def in_order(self, weights: Array) -> Array:
        """int8 [O, C, rows, columns] as [O, lines, 4]."""
        out = np.zeros((len(weights), len(self.all), self.size), np.int8)
        for i, (u, v, count, _) in enumerate(self.all):
            part = weights[:, :, u, v : v + count].transpose(0, 2, 1).reshape(len(weights), -1)
            out[:, i, : part.shape[1]] = part
        return out.reshape(len(weights), -1, GROUP)

    def behind(self, width: int) -> list[int]:
        """Of every stretch, the bytes behind a pixel's first value in an image of a width that has its padding."""
        shape, step = self.shape, self.shape.groups * self.shape.channels
        return [(u * shape.dilation_y * width + v * shape.dilation_x) * step for u, v, *_ in self.all]

    def copied(self, run: Run) -> tuple[int, int, int]:
        """COPY numbers."""
        own = next(each for each in self.all if each.row == run.row and 0 <= run.column - each.column < each.taps)
        place = own.place + (run.column - own.column) * self.shape.channels
        return run.behind, place, run.taps * self.shape.channels


def copies(stretches: Stretches, regions: Sequence[Region], depth: int) -> tuple[Array, Array, Array]:
    """How windows are copied together. depth: bytes of a whole one.

    int64 [regions, 3], runs from .. to and whether padding lies under it; runs, [.., COPY]; by pixel in order, where
    its first value lies, and its region, [2, pixels].
    """
    own = [[stretches.copied(run) for run in each.runs] for each in regions]
    rows = [np.array(each, np.int64).reshape(-1, COPY) for each in own]
    bounds, runs, (places, numbers) = side_by_side(rows, [each.pixels for each in regions])
    padded = [sum(count for *_, count in each) < depth for each in own]
    order, which = np.argsort(numbers), np.repeat(np.arange(len(rows)), bounds[:, 3] - bounds[:, 2])
    return np.column_stack([bounds[:, :2], padded]), runs, np.stack([places[order], which[order]])


def lies_apart(shape: Geometry, size: tuple[int, int], out: tuple[int, int], outputs: int) -> bool:
    """Whether to read x where it lies. size, out: of an image and its output. outputs: channels of a group."""
    lines, columns = padded_size(shape, out)
    depth, copying = shape.rows * shape.columns * shape.channels, COPIED / outputs
    useless = (lines * columns / (out[0] * out[1]) - 1) * (1 + REQUANTIZED / depth)
    around = 0 if (lines, columns) == size else copying / (shape.rows * shape.columns)
    return (shape.stride_y, shape.stride_x) == (1, 1) and useless + around < copying


def padded_size(shape: Geometry, out: tuple[int, int]) -> tuple[int, int]:
    """Of the part of an image, padding included, that lies under any output of a window that takes every pixel."""
    return out[0] + shape.dilation_y * (shape.rows - 1), out[1] + shape.dilation_x * (shape.columns - 1)


def with_padding(stored: Array, shape: Geometry, size: tuple[int, int]) -> Array:
    """x [N, .., .., C] with the stored zero around it, to a size; flat, with room behind it for 32 windows more."""
    images, height, width, channels = stored.shape
    room = (shape.rows * shape.dilation_y * size[1] + AMX.rows) * channels + ROW_BYTES
    flat = empty((images * size[0] * size[1] * channels + room,), np.uint8)
    padded = flat[:-room].reshape(images, *size, channels)
    bottom, right = shape.top + height, shape.left + width
    for border in (np.s_[:, : shape.top], np.s_[:, bottom:], np.s_[:, :, : shape.left], np.s_[:, :, right:]):
        padded[border] = shape.padding
    padded[:, shape.top : bottom, shape.left : right] = stored
    return flat

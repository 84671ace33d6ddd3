"""A convolution's windows as runs of contiguous bytes, and its weights in the order in which a tile takes them.

Pixels under which the same taps lie make a region (regions.py). Taps side by side lie side by side in a channels-last
tensor: one run. What is padding is no tap; it is in the region's bias, so that nothing is ever copied together.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from int8sim.kernels.cpu.regions import Part, axes, parts, pixels_of, side_by_side
from int8sim.kernels.cpu.tile import GROUP, RUN
from int8sim.kernels.geometry import Convolution, Geometry, output_shape
from int8sim.kernels.weights import wrapped
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType


class Run(NamedTuple):
    """Bytes behind a pixel's first value; which row of the window, from which column on, how many taps."""

    behind: int
    row: int
    column: int
    taps: int


class Region(NamedTuple):
    """pixels: int64 [2, ..], as `Regions` of regions.py has them; runs: of each one."""

    pixels: Array
    runs: tuple[Run, ...]


class Windows(NamedTuple):
    """What the kernel reads. bounds: int64 [regions, 4], rows of taps from .. to, columns of pixels from .. to.

    taps: int64 [.., ..], what a tile reads of them: tile.py's runs, or depthwise_tile.py's taps. pixels: int64 [2, ..].
    """

    bounds: Array
    taps: Array
    pixels: Array


def sizes(op: Convolution, shape: Geometry, kind: TensorType) -> tuple[tuple[int, int], tuple[int, int]]:
    """Height and width of an image of a tensor type, and of its output."""
    height, width = kind.shape[2:4] if kind.layout == "NCHW" else kind.shape[1:3]
    _, rows, columns, _ = output_shape(op, shape, (1, height, width, 1), 1)
    return (height, width), (rows, columns)


def image_regions(op: Convolution, shape: Geometry, kind: TensorType) -> list[Region]:
    """The regions of an image of a tensor type."""
    (height, width), out = sizes(op, shape, kind)
    step = shape.groups * shape.channels
    rows, columns = map(parts, axes(shape, (height, width), out))
    return [
        Region(pixels_of(y, z, width, out[1], step), tuple(_runs(y, z, width, step, shape.groups == 1)))
        for y, z in itertools.product(rows, columns)
    ]


def _runs(y: Part, z: Part, width: int, step: int, merges: bool) -> Iterator[Run]:
    """merges: whether all of a cell's values belong to the sum, so that cells side by side are one run."""
    for down, row in zip(y.steps.tolist(), y.taps.tolist(), strict=True):
        for first, count in _stretches(z) if merges else ((i, 1) for i in range(len(z.taps))):
            yield Run((down * width + int(z.steps[first])) * step, row, int(z.taps[first]), count)


def _stretches(z: Part) -> Iterator[tuple[int, int]]:
    """Taps side by side over cells side by side: the first one's place, and how many."""
    breaks = np.flatnonzero((np.diff(z.steps) != 1) | (np.diff(z.taps) != 1)) + 1
    edges = [0, *breaks.tolist(), len(z.taps)]
    return ((first, end - first) for first, end in itertools.pairwise(edges) if end > first)


class Layout:
    """How the weights of some channels lie along the depth, in groups of four bytes: which line a run begins at.

    Channels by fours: every tap has lines of its own, and a run takes those of its taps. Otherwise every different run
    has a copy of its own weights, padded with zeros at its end.
    """

    def __init__(self, shape: Geometry, regions: Sequence[Region]) -> None:
        self.channels, self.by_tap = shape.channels, shape.channels % GROUP == 0
        taps = [(u, v, 1) for u in range(shape.rows) for v in range(shape.columns)]
        used = {(run.row, run.column, run.taps) for region in regions for run in region.runs}
        self.stretches = taps if self.by_tap else sorted(used)
        *begins, self.lines = itertools.accumulate((self.steps(count) for *_, count in self.stretches), initial=0)
        self._begins = dict(zip(self.stretches, begins, strict=True))

    def steps(self, count: int) -> int:
        """Of a run over so many taps."""
        return -(-count * self.channels // GROUP)

    def line(self, run: Run) -> int:
        """Steps before a run's weights."""
        return self._begins[run.row, run.column, 1 if self.by_tap else run.taps]

    def in_order(self, weights: Array) -> Array:
        """int8 [O, C, rows, columns] as [O, lines, 4]."""
        out = np.zeros((len(weights), self.lines * GROUP), np.int8)
        place = 0
        for u, v, count in self.stretches:
            part = weights[:, :, u, v : v + count].transpose(0, 2, 1).reshape(len(weights), -1)
            out[:, place : place + part.shape[1]] = part
            place += self.steps(count) * GROUP
        return out.reshape(len(weights), self.lines, GROUP)


def windows(layout: Layout, regions: Sequence[Region], copies: int) -> Windows:
    """copies: how often a window's bytes meet weights, each time those of another part."""
    runs = [np.array(list(_numbers(layout, each, copies)), np.int64).reshape(-1, RUN) for each in regions]
    return Windows(*side_by_side(runs, [each.pixels for each in regions]))


def _numbers(layout: Layout, region: Region, copies: int) -> Iterator[tuple[int, int, int]]:
    for part, run in itertools.product(range(copies), region.runs):
        yield run.behind, layout.line(run) + part * layout.lines, layout.steps(run.taps)


def region_biases(regions: Sequence[Region], shape: Geometry, weights: Array, bias: Array) -> Array:
    """What is added to sums over stored values, int32 [regions, O + 1], the last one 0.

    weights: minus their zero point, [O, C, rows, columns]. bias: [O]. Modulo 2**32.
    """
    by_tap, found = weights.sum(1, dtype=np.int64), np.zeros((len(regions), len(weights) + 1), np.int64)
    for row, region in zip(found, regions, strict=True):
        row[:-1] = bias
        for _, u, v, count in region.runs:
            row[:-1] -= shape.padding * by_tap[:, u, v : v + count].sum(1)
    return wrapped(found)

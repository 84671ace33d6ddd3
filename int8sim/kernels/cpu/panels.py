"""The weights of a convolution cut into panels: as many output channels as a tile computes, in the order it reads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from int8sim.kernels.cpu.emitter import Shape
from int8sim.kernels.cpu.memory import on_a_cache_line
from int8sim.kernels.cpu.tile import GROUP, Tiles
from int8sim.model.step import Array


class Panel(NamedTuple):
    """A tile's number and rows, and the output channels it is used for, from `first` on.

    Where its weights begin, in bytes, its group's values behind the first of a pixel, its biases, in words.
    """

    tile: int
    rows: int
    first: int
    used: int
    weights: int
    group: int
    bias: int


class Panels(NamedTuple):
    """table: int64 [panels, 7]. weights: int8, flat, on a cache line. channels: of every bias, or -1 for none."""

    table: Array
    weights: Array
    channels: Array


def panels(ordered: Array, groups: int, depth: int, tiles: Tiles) -> Panels:
    """ordered: int8 [O, lines, 4]. depth: values of a pixel in each group."""
    outputs, lines, _ = ordered.shape
    table = list(_cut(outputs // groups, groups, lines * GROUP, depth, tiles))
    packed = np.concatenate([_pack(ordered[p.first : p.first + p.used], tiles.shapes[p.tile], tiles) for p in table])
    lanes = [np.arange(tiles.shapes[p.tile].columns) for p in table]
    channels = [np.where(lane < p.used, p.first + lane, -1) for p, lane in zip(table, lanes, strict=True)]
    return Panels(np.array(table, np.int64), on_a_cache_line(packed), np.concatenate(channels))


def _cut(width: int, groups: int, line_bytes: int, depth: int, tiles: Tiles) -> Iterator[Panel]:
    weights = bias = 0
    for group in range(groups):
        first = 0
        while first < width:
            tile = tile_for(width - first, tiles)
            shape = tiles.shapes[tile]
            used = min(shape.columns, width - first)
            yield Panel(tile, shape.rows, group * width + first, used, weights, group * depth, bias)
            weights, bias, first = weights + shape.columns * line_bytes, bias + shape.columns, first + used


def tile_for(width: int, tiles: Tiles) -> int:
    """The number of the widest tile that so many output channels fill by three quarters and more; or the narrowest."""
    full = (i for i, shape in enumerate(tiles.shapes) if 4 * width > 3 * shape.columns)
    return next(full, len(tiles.shapes) - 1)


def _pack(part: Array, shape: Shape, tiles: Tiles) -> Array:
    """[channels, lines, 4] as the tile reads it, flat; channels that there are none of are 0."""
    padded = np.zeros((shape.columns, *part.shape[1:]), np.int8)
    padded[: len(part)] = part
    by_line = padded.reshape(shape.vectors, shape.lanes, -1, tiles.lines, GROUP).transpose(2, 0, 3, 1, 4)
    if tiles.pairs:
        halves = by_line.reshape(*by_line.shape[:-1], 2, GROUP // 2)
        by_line = halves.transpose(0, 1, 2, 4, 3, 5)
    return np.ascontiguousarray(by_line).reshape(-1)

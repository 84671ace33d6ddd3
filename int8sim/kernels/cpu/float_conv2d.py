"""2-D convolution in float32: per output one chain of FMAs in the order (in-channel, kernel row, kernel column)."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from int8sim.kernels.cpu.chains import Sums, prepare_sums
from int8sim.kernels.cpu.float_tile import FLOAT_TILES, Tiles, float_instruction_set
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.cpu.regions import Regions, axes, regions
from int8sim.kernels.geometry import Convolution, Geometry, output_shape
from int8sim.model.step import Array


def prepare_float(
    op: Convolution, shape: Geometry, weights: Array, bias: Array, tiles: Tiles | None = None
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form. tiles: those of another instruction set than the machine's, for tests."""
    sums = _prepare_sums(shape, weights, bias, tiles or FLOAT_TILES[float_instruction_set()])

    @functools.lru_cache(maxsize=1)
    def regions_of(height: int, width: int, *out: int) -> Regions:
        rows, columns = axes(shape, (height, width), (out[0], out[1]))
        return regions(rows, columns, width, shape.groups * shape.channels, shape.channels)

    def call(stored: Array) -> Array:
        out = empty(output_shape(op, shape, stored.shape, len(weights)), np.float32)
        sums(stored, regions_of(*stored.shape[1:3], *out.shape[1:3]), out.reshape(-1, len(weights)))
        return out

    return call


def _prepare_sums(shape: Geometry, weights: Array, bias: Array, tiles: Tiles) -> Sums:
    depthwise = shape.channels == 1 and len(weights) == shape.groups
    groups, taps = 1 if depthwise else shape.groups, shape.rows * shape.columns
    by_group = weights.reshape(groups, len(weights) // groups, shape.channels, taps)
    return prepare_sums(by_group.transpose(0, 2, 3, 1), bias, tiles, depthwise)

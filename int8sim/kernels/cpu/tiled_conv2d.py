"""2-D convolutions of 8-bit codes by tiles of dot products: what is made once per layer, and one call.

x is stored as uint8 (code + flip), so a sum over stored values is corrected by a constant per channel and region,
bias - (flip + zero point) * sum(w) over the region's taps: padding, which is real zero, adds nothing. The accumulator
is 32 bits and wraps, as the definition's does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.convolve import PIXELS, convolve
from int8sim.kernels.cpu.geometry import Convolution, Geometry, output_shape
from int8sim.kernels.cpu.panels import panels
from int8sim.kernels.cpu.runs import Layout, Windows, image_regions, region_biases, windows
from int8sim.kernels.cpu.tile import GROUP, STRIP, TILES, WIDEST, instruction_set
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType


class Weights(NamedTuple):
    """A layer's constants as `convolve` takes them."""

    packed: Array
    panels: Array
    biases: Array
    windows: Windows


class TiledConvolution:
    """Of one geometry over one type of tensor, by the tiles of the machine's instruction set, or of a forced one."""

    def __init__(self, op: Convolution, shape: Geometry, x: TensorType, y: TensorType, step: Step) -> None:
        self.op, self.shape, self.y, self.tiles = op, shape, y, TILES[instruction_set()]
        self.regions = image_regions(op, shape, x)
        self.layout = Layout(shape, self.regions)
        built, self.values = bind(step)
        self.kernel = build(convolve, {"output": built}, {"tile": self.tiles.intrinsic})

    def pack(self, weights: Array, bias: Array) -> Weights:
        """weights: minus their zero point, int64 [O, C, rows, columns]. bias: [O]."""
        copies = parts_of(weights)
        ordered = np.concatenate([self.layout.in_order(part) for part in copies], 1)
        table, packed, channels = panels(ordered, self.shape.groups, self.shape.channels, self.tiles)
        biases = np.take(region_biases(self.regions, self.shape, weights, bias), channels, axis=1)
        return Weights(packed, table, biases, windows(self.layout, self.regions, len(copies)))

    def run(self, stored: Array, own: Weights, out: Array) -> None:
        """x in storage form -> out, stored codes [N, .., .., O]."""
        flat, rows = stored.reshape(-1), out.reshape(-1, out.shape[-1])
        if not self.layout.by_tap:
            flat = np.append(flat, np.zeros(GROUP - 1, np.uint8))  # the last run's padding reads there
        images = len(stored), stored.size // len(stored), len(rows) // len(stored)
        accumulators = np.empty(max(each.rows for each in self.tiles.shapes) * WIDEST, np.int32)
        scratch = np.empty((2, PIXELS), np.int64), accumulators, np.empty(STRIP * WIDEST, out.dtype)
        part, flipped, under = (0, 1, 0, len(own.panels)), out.dtype.type(flip(self.y)), tuple(own.windows)
        self.kernel(flat, own.packed, own.panels, own.biases, under, images, scratch, part, self.values, rows, flipped)


def prepare_tiles(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, weights: Array, bias: Array, step: Step
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form. weights, bias: as `TiledConvolution.pack` takes them."""
    convolution = TiledConvolution(op, shape, x, y, step)
    own, outputs = convolution.pack(weights, bias), len(weights)

    def call(stored: Array) -> Array:
        out = np.empty(output_shape(op, shape, stored.shape, outputs), stored_dtype(y))
        convolution.run(stored, own, out)
        return out

    return call


def parts_of(weights: Array) -> Sequence[Array]:
    """Weights as a sum of int8 ones: one, or two or three where weights minus their zero point leave int8."""
    found: list[Array] = []
    while not found or weights.any():
        found.append(weights.clip(-128, 127))
        weights = weights - found[-1]
    return found

"""2-D convolutions of 8-bit codes by tiles of dot products: what is made once per layer, and one call.

x is stored as uint8 (code + flip), so a sum over stored values is corrected by a constant per channel and region,
bias - (flip + zero point) * sum(w) over the region's taps: padding, which is real zero, adds nothing. The accumulator
is 32 bits and wraps, as the definition's does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.chains import by_image
from int8sim.kernels.cpu.convolve import PIXELS, ROWS, convolve
from int8sim.kernels.cpu.integer_layer import IntegerLayer
from int8sim.kernels.cpu.memory import empty_on_a_cache_line
from int8sim.kernels.cpu.panels import panels
from int8sim.kernels.cpu.runs import Layout, region_biases, windows
from int8sim.kernels.cpu.threads import in_parts, share
from int8sim.kernels.cpu.tile import GROUP, STRIP, WIDEST, Tiles
from int8sim.kernels.geometry import Convolution, Geometry
from int8sim.kernels.storage import stored_dtype
from int8sim.kernels.weights import parts_of
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType


class Weights(NamedTuple):
    """A layer's constants as `convolve` takes them."""

    packed: Array
    panels: Array
    biases: Array
    windows: tuple[Array, ...]


class TiledConvolution(IntegerLayer):
    """By tiles that read x where it lies."""

    def __init__(
        self, op: Convolution, shape: Geometry, x: TensorType, y: TensorType, step: Step, tiles: Tiles
    ) -> None:
        super().__init__(op, shape, x, y, step, tiles)
        self.layout = Layout(shape, self.regions)
        self.kernel = build(convolve, {"output": self.built}, {"tile": tiles.intrinsic})

    def pack(self, weights: Array, bias: Array) -> Weights:
        """In panels."""
        copies = parts_of(weights)
        ordered = np.concatenate([self.layout.in_order(part) for part in copies], 1)
        table, packed, channels = panels(ordered, self.shape.groups, self.shape.channels, self.tiles)
        biases = np.take(region_biases(self.regions, self.shape, weights, bias), channels, axis=1)
        return Weights(packed, table, biases, tuple(windows(self.layout, self.regions, len(copies))))

    def run(self, own: Weights, stored: Array, out: Array) -> None:
        """Threads take pixels, or panels where there are few pixels."""
        flat, rows = stored.reshape(-1), out.reshape(-1, out.shape[-1])
        if not self.reads_in_place(own):
            flat = np.append(flat, np.zeros(GROUP - 1, np.uint8))  # the last run's padding reads there
        images, outputs = by_image(stored, rows), len(own.panels)

        def work(part: int, parts: int) -> None:
            spread = (part, parts, 0, outputs) if len(rows) >= parts * STRIP else (0, 1, *share(outputs, part, parts))
            self.kernel(flat, *own, images, self.scratch(), spread, self.values, rows, self.flipped)

        in_parts(work, rows.size * self.depth)

    def reads_in_place(self, own: Weights) -> bool:  # noqa: ARG002 (of AMX)
        """Whether no run's padding reads behind the last value."""
        return self.layout.by_tap

    def make_scratch(self) -> tuple[Array, Array, Array]:
        """Places of pixels; accumulators; codes."""
        accumulators = empty_on_a_cache_line((ROWS * WIDEST,), np.int32)
        return np.empty((2, PIXELS), np.int64), accumulators, np.empty(STRIP * WIDEST, stored_dtype(self.y))

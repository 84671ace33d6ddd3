"""2-D convolutions of 8-bit codes by AMX: 32 windows at a time, all panels of weights over them.

Padding is multiplied too, as the stored zero point, so that every window is whole and one bias serves all pixels:
bias - (flip + zero point) * sum(w), modulo 2**32.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.amx_tile import (
    HALF,
    HALF_BYTES,
    ROW_BYTES,
    RUN,
    SIDE,
    amx_flat_tile,
    amx_tile,
    configuration,
    configure,
    release,
)
from int8sim.kernels.cpu.amx_windows import Grid, Stretches, copies, lies_apart, padded_size, with_padding
from int8sim.kernels.cpu.chains import by_image
from int8sim.kernels.cpu.convolve import requantize
from int8sim.kernels.cpu.copy import copy_bytes
from int8sim.kernels.cpu.emitter import WORD_BYTES
from int8sim.kernels.cpu.integer_layer import IntegerLayer
from int8sim.kernels.cpu.memory import empty_on_a_cache_line
from int8sim.kernels.cpu.panels import panels
from int8sim.kernels.cpu.runs import sizes
from int8sim.kernels.cpu.threads import in_parts, share
from int8sim.kernels.cpu.tile import AMX, STRIP, WIDEST, Tiles
from int8sim.kernels.geometry import Convolution, Geometry
from int8sim.kernels.roles import Parameters
from int8sim.kernels.storage import stored_dtype
from int8sim.kernels.weights import parts_of, wrapped
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType

ROWS = -(-AMX.rows // STRIP) * STRIP
NEVER = 1 << 62


class Weights(NamedTuple):
    """A layer's constants. around: whether x gets its padding. The others as `convolve_amx` takes them."""

    around: bool
    grid: Grid
    window: tuple[int, int, int, int]
    given: tuple[Array, Array, Array, tuple[Array, Array]]


class AmxConvolution(IntegerLayer):
    """By AMX."""

    def __init__(
        self, op: Convolution, shape: Geometry, x: TensorType, y: TensorType, step: Step, tiles: Tiles
    ) -> None:
        super().__init__(op, shape, x, y, step, tiles)
        self.size, self.out = sizes(op, shape, x)
        self.stretches = Stretches(shape)
        self.copies = copies(self.stretches, self.regions, self.depth)
        self.kernel = build(convolve_amx, {"output": self.built})

    def pack(self, weights: Array, bias: Array) -> Weights:
        """In panels, a window's runs as often as the weights have parts."""
        parts, outputs = parts_of(weights), len(weights) // self.shape.groups
        ordered = np.concatenate([self.stretches.in_order(part) for part in parts], 1)
        table, packed, channels = panels(ordered, self.shape.groups, self.shape.channels, self.tiles)
        folded = np.append(wrapped(bias - self.shape.padding * weights.sum((1, 2, 3))), np.int32(0))
        apart = lies_apart(self.shape, self.size, self.out, outputs)
        size = padded_size(self.shape, self.out) if apart else self.out
        runs = self._runs(size[1], len(parts))
        window = self._window(runs[0], apart)
        return Weights(
            apart and size != self.size, Grid(*size, *self.out), window, (packed, table, folded[channels], runs)
        )

    def _window(self, runs: Array, apart: bool) -> tuple[int, int, int, int]:
        step = self.shape.groups * self.shape.channels
        reach = (AMX.rows - 1) * step + int(runs[-1, 0] + runs[-1, 1] * ROW_BYTES)
        return step, reach if apart else NEVER, self.stretches.depth, self.shape.padding

    def _runs(self, width: int, times: int) -> tuple[Array, Array]:
        """Of a window in x, and of one that has been copied together, int64 [.., RUN]."""
        steps = self.stretches.size // ROW_BYTES
        there = [(behind, steps) for behind in self.stretches.behind(width)]
        copied = [(0, self.stretches.depth // ROW_BYTES)]
        first, second = (np.array(each * times, np.int64).reshape(-1, RUN) for each in (there, copied))
        return first, second

    def run(self, own: Weights, stored: Array, out: Array) -> None:
        """Threads take windows, or panels where there are few windows."""
        rows, grid = out.reshape(-1, out.shape[-1]), own.grid
        flat = with_padding(stored, self.shape, grid[:2]) if own.around else stored.reshape(-1)
        count, outputs = len(stored) * grid.lines * grid.columns, len(own.given[1])
        given = *own.given, self.copies, by_image(stored, rows), tuple(grid), own.window

        def work(part: int, parts: int) -> None:
            tiles, spread = share(-(-count // AMX.rows), part, parts), (0, outputs)
            if count <= AMX.rows:
                tiles, spread = (0, 1), share(outputs, part, parts)
            places = tiles[0] * AMX.rows, min(tiles[1] * AMX.rows, count)
            self.kernel(flat, *given, self.scratch(), (*places, *spread), self.values, rows, self.flipped)

        in_parts(work, rows.size * self.depth)

    def reads_in_place(self, own: Weights) -> bool:
        """Whether x has its padding, or gets none."""
        return not own.around

    def make_scratch(self) -> tuple[Array, ...]:
        """The configuration; windows, an odd number of cache lines apart; accumulators; codes; numbers of pixels."""
        windows = empty_on_a_cache_line((AMX.rows, (self.stretches.depth // ROW_BYTES | 1) * ROW_BYTES), np.uint8)
        accumulators = empty_on_a_cache_line((ROWS * WIDEST,), np.int32)
        codes = np.empty(STRIP * WIDEST, stored_dtype(self.y))
        return configuration(), windows, accumulators, codes, np.empty(AMX.rows, np.int64)


def convolve_amx(
    x: Array,
    weights: Array,
    panels: Array,
    biases: Array,
    runs: tuple[Array, Array],
    under: tuple[Array, Array, Array],
    images: tuple[int, int, int],
    grid: tuple[int, int, int, int],
    window: tuple[int, int, int, int],
    scratch: tuple[Array, Array, Array, Array, Array],
    part: tuple[int, int, int, int],
    p: Parameters,
    out: Array,
    flipped: int,
) -> None:
    """x: uint8, flat, channels last. weights, panels: of panels.py. biases: int32 [columns of all panels].

    runs: in x, and in a copied window. under: how windows are copied, as `copies` gives it. grid: a Grid. window: bytes
    between two in x; bytes from the first of 32 to behind the last one; bytes of a copied one; the stored value of
    padding. part: windows from .. to, panels from .. to. The others as `convolve` has them.
    """
    settings, windows, acc, codes, numbers = scratch
    configure(settings.ctypes.data)
    for start in range(part[0], part[1], windows.shape[0]):
        used, group = min(windows.shape[0], part[1] - start), -1
        number(start, grid, numbers[:used])
        for k in range(part[2], part[3]):
            panel, place = panels[k], start * window[0] + panels[k, 5]
            values, apart, own, count = x.ctypes.data + place, window[0], runs[0].ctypes.data, runs[0].shape[0]
            if place + window[1] > x.shape[0]:
                if panel[5] != group:
                    group = panel[5]
                    gather(x, group, under, images, window, numbers[:used], windows)
                values, apart, own, count = windows.ctypes.data, windows.shape[1], runs[1].ctypes.data, runs[1].shape[0]
            factors, offsets = weights.ctypes.data + panel[4], biases.ctypes.data + panel[6] * WORD_BYTES
            if used <= SIDE:
                amx_flat_tile((values, apart, own, count, factors, offsets, acc.ctypes.data))
            for half in range(0 if used <= SIDE else 1 + (panel[3] > HALF)):
                words = half * HALF * WORD_BYTES
                amx_tile(
                    (values, apart, own, count, factors + half * HALF_BYTES, offsets + words, acc.ctypes.data + words)
                )
            requantize(acc, WIDEST, numbers[:used], (panel[2], panel[3]), p, codes, out, flipped)
    release()


def number(start: int, grid: tuple[int, int, int, int], numbers: Array) -> None:
    """The output pixels of the windows start, start + 1 ...; -1 where a window has none."""
    line = start // grid[1]
    image, column = line // grid[0], start - line * grid[1]
    line -= image * grid[0]
    for r in range(numbers.shape[0]):
        there = line < grid[2] and column < grid[3]
        numbers[r] = (image * grid[2] + line) * grid[3] + column if there else -1
        column += 1
        if column == grid[1]:
            line, column = line + 1, 0
        if line == grid[0]:
            image, line = image + 1, 0


def gather(
    x: Array,
    group: int,
    under: tuple[Array, Array, Array],
    images: tuple[int, int, int],
    window: tuple[int, int, int, int],
    numbers: Array,
    windows: Array,
) -> None:
    """The windows of output pixels; a group begins so many values behind a pixel's first."""
    bounds, runs, pixels = under
    for r in range(numbers.shape[0]):
        if numbers[r] < 0:
            continue
        image = numbers[r] // images[2]
        i, row = numbers[r] - image * images[2], windows[r]
        region, target, source = pixels[1, i], row.ctypes.data, x.ctypes.data + image * images[1] + pixels[0, i] + group
        if bounds[region, 2]:
            row[: window[2]] = window[3]
        for t in range(bounds[region, 0], bounds[region, 1]):
            copy_bytes(target + runs[t, 1], source + runs[t, 0], runs[t, 2])

"""2-D convolutions of 8-bit codes by AMX: the bytes under 32 pixels side by side, then all panels of weights over them.

Padding is copied too, as the stored zero point, so that every window is whole and one bias serves all pixels:
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
    amx_tile,
    configuration,
    configure,
    release,
)
from int8sim.kernels.cpu.chains import by_image
from int8sim.kernels.cpu.convolve import requantize_strip, write_strip
from int8sim.kernels.cpu.copy import copy_bytes
from int8sim.kernels.cpu.emitter import WORD_BYTES
from int8sim.kernels.cpu.geometry import Convolution, Geometry
from int8sim.kernels.cpu.integer_layer import IntegerLayer
from int8sim.kernels.cpu.panels import empty_on_a_cache_line, panels
from int8sim.kernels.cpu.regions import side_by_side
from int8sim.kernels.cpu.runs import Run, parts_of, wrapped
from int8sim.kernels.cpu.threads import in_parts, share
from int8sim.kernels.cpu.tile import AMX, GROUP, STRIP, WIDEST, Tiles
from int8sim.kernels.roles import Parameters
from int8sim.kernels.storage import flip
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType

STRIPS = -(-AMX.rows // STRIP)
COPY = 3
"""Numbers of a run: from where behind a pixel's first value, to where in its window, how many bytes."""


class Weights(NamedTuple):
    """A layer's constants as `convolve_gathered` takes them; copies: how often a window's bytes stand in a row."""

    packed: Array
    panels: Array
    biases: Array
    copies: int


class GatheredConvolution(IntegerLayer):
    """By AMX."""

    def __init__(
        self, op: Convolution, shape: Geometry, x: TensorType, y: TensorType, step: Step, tiles: Tiles
    ) -> None:
        super().__init__(op, shape, x, y, step, tiles)
        runs = [[_copied(run, shape) for run in each.runs] for each in self.regions]
        rows = [np.array(each, np.int64).reshape(-1, COPY) for each in runs]
        bounds, self.runs, (places, numbers) = side_by_side(rows, [each.pixels for each in self.regions])
        padded = [sum(count for *_, count in each) < self.depth for each in runs]
        self.bounds = np.column_stack([bounds[:, :2], padded])
        order, which = np.argsort(numbers), np.repeat(np.arange(len(rows)), bounds[:, 3] - bounds[:, 2])
        self.pixels = np.stack([places[order], which[order]])
        self.kernel = build(convolve_gathered, {"output": self.built})

    def pack(self, weights: Array, bias: Array) -> Weights:
        """In panels, every window's bytes as often as the weights have parts."""
        copies = parts_of(weights)
        flat = np.concatenate([part.transpose(0, 2, 3, 1).reshape(len(weights), -1) for part in copies], 1)
        padded = np.zeros((len(weights), _row(flat.shape[1])), np.int8)
        padded[:, : flat.shape[1]] = flat
        ordered = padded.reshape(len(weights), -1, GROUP)
        table, packed, channels = panels(ordered, self.shape.groups, self.shape.channels, self.tiles)
        folded = np.append(wrapped(bias - self.shape.padding * weights.sum((1, 2, 3))), np.int32(0))
        return Weights(packed, table, folded[channels], len(copies))

    def run(self, own: Weights, stored: Array, out: Array) -> None:
        """Threads take pixels, or panels where there are few pixels."""
        flat, rows, depth = stored.reshape(-1), out.reshape(-1, out.shape[-1]), _row(own.copies * self.depth)
        images = by_image(stored, rows)
        window = self.depth, own.copies, depth, self.shape.padding
        under, flipped, outputs = (self.bounds, self.runs, self.pixels), np.int32(flip(self.y)), len(own.panels)

        def work(part: int, parts: int) -> None:
            pixels = share(-(-len(rows) // AMX.rows), part, parts) if len(rows) > AMX.rows else (0, 1)
            spread = share(outputs, part, parts) if len(rows) <= AMX.rows else (0, outputs)
            places = pixels[0] * AMX.rows, min(pixels[1] * AMX.rows, len(rows))
            constants, scratch = (own.packed, own.panels, own.biases), _scratch(depth, out.dtype)
            self.kernel(
                flat, *constants, under, images, window, scratch, (*places, *spread), self.values, rows, flipped
            )

        in_parts(work, rows.size * self.depth)


def _copied(run: Run, shape: Geometry) -> tuple[int, int, int]:
    return run.behind, (run.row * shape.columns + run.column) * shape.channels, run.taps * shape.channels


def _row(depth: int) -> int:
    """Bytes of a window, padded for AMX."""
    return -(-depth // ROW_BYTES) * ROW_BYTES


def _scratch(depth: int, dtype: np.dtype[np.generic]) -> tuple[Array, ...]:
    """The configuration; windows, an odd number of cache lines apart; accumulators; codes; numbers of pixels."""
    lines = depth // ROW_BYTES | 1
    windows = empty_on_a_cache_line((AMX.rows, lines * ROW_BYTES), np.uint8)
    accumulators = empty_on_a_cache_line((STRIPS * STRIP * WIDEST,), np.int32)
    return configuration(), windows, accumulators, np.empty(STRIP * WIDEST, dtype), np.empty(AMX.rows, np.int64)


def convolve_gathered(
    x: Array,
    weights: Array,
    panels: Array,
    biases: Array,
    under: tuple[Array, Array, Array],
    images: tuple[int, int, int],
    window: tuple[int, int, int, int],
    scratch: tuple[Array, Array, Array, Array, Array],
    part: tuple[int, int, int, int],
    p: Parameters,
    out: Array,
    flipped: int,
) -> None:
    """x: uint8, flat, channels last. weights, panels: of panels.py. biases: int32 [columns of all panels].

    under: rows of runs of every region, from .. to, and whether padding lies under it; runs, [.., COPY]; by pixel,
    where its first value lies, and its region. window: bytes, how often they are repeated, those of a row, the stored
    value of padding. part: pixels from .. to, panels from .. to. The others as `convolve` has them.
    """
    settings, windows, acc, codes, numbers = scratch
    configure(settings.ctypes.data)
    steps = window[2] // ROW_BYTES
    for start in range(part[0], part[1], windows.shape[0]):
        used, group = min(windows.shape[0], part[1] - start), -1
        for r in range(used):
            numbers[r] = start + r
        for k in range(part[2], part[3]):
            panel = panels[k]
            if panel[5] != group:
                group = panel[5]
                gather(x, group, under, images, window, start, windows[:used])
            values, factors = windows.ctypes.data, weights.ctypes.data + panel[4]
            offsets, totals = biases.ctypes.data + panel[6] * WORD_BYTES, acc.ctypes.data
            for half in range(1 + (panel[3] > HALF)):
                own, words = factors + half * HALF_BYTES, half * HALF * WORD_BYTES
                amx_tile((values, windows.shape[1], steps, own, offsets + words, totals + words))
            for s in range(0, used, STRIP):
                requantize_strip(acc, s * WIDEST, (panel[2], panel[3]), p, codes, flipped)
                write_strip(codes, numbers[s : min(s + STRIP, used)], (panel[2], panel[3]), out)
    release()


def gather(
    x: Array,
    group: int,
    under: tuple[Array, Array, Array],
    images: tuple[int, int, int],
    window: tuple[int, int, int, int],
    start: int,
    windows: Array,
) -> None:
    """The windows of the pixels start, start + 1 ...; a group begins so many values behind a pixel's first."""
    bounds, runs, pixels = under
    n = start // images[2]
    i = start - n * images[2]
    for r in range(windows.shape[0]):
        region, row = pixels[1, i], windows[r]
        target, source = row.ctypes.data, x.ctypes.data + n * images[1] + pixels[0, i] + group
        if bounds[region, 2]:
            row[: window[0]] = window[3]
        for t in range(bounds[region, 0], bounds[region, 1]):
            copy_bytes(target + runs[t, 1], source + runs[t, 0], runs[t, 2])
        for again in range(1, window[1]):
            copy_bytes(target + again * window[0], target, window[0])
        i += 1
        if i == images[2]:
            n, i = n + 1, 0

"""Integer convolutions: tiles of dot products in their loops, each followed by the layer's output step.

Pixels that have the same taps are taken together, some at a time, over one panel of weights after the other: a panel
and the pixels' values stay in the second-level cache, the accumulators of a tile in the first.
"""

from __future__ import annotations

import numpy as np

from int8sim.kernels.cpu.chains import locate
from int8sim.kernels.cpu.copy import copy_bytes
from int8sim.kernels.cpu.emitter import SIZE_BYTES, WORD_BYTES
from int8sim.kernels.cpu.tile import STRIP, WIDEST
from int8sim.kernels.primitives import to_stored, wide_vectors
from int8sim.kernels.roles import Parameters, output, tile
from int8sim.model.step import Array

PIXELS, ROWS = 192, 24
"""Pixels taken together, and requantized together: multiples of every tile's rows."""


def convolve(
    x: Array,
    weights: Array,
    panels: Array,
    biases: Array,
    windows: tuple[Array, Array, Array],
    images: tuple[int, int, int],
    scratch: tuple[Array, Array, Array],
    part: tuple[int, int, int, int],
    p: Parameters,
    out: Array,
    flipped: int,
) -> None:
    """x: uint8, flat, channels last. weights, panels: of panels.py. windows: of runs.py.

    biases: int32 [regions, columns of all panels]. images: how many, values of x and pixels of out in each. scratch:
    places, int64 [2, PIXELS], accumulators, int32 [ROWS * WIDEST], and codes, [STRIP * WIDEST]. part: which of
    how many parts of every region's pixels; panels from .. to. out: stored codes [N * pixels, O]; flipped: one.
    """
    (bounds, runs, pixels), (places, acc, codes) = windows, scratch
    for i in range(bounds.shape[0]):
        under, region = runs[bounds[i, 0] : bounds[i, 1]], pixels[:, bounds[i, 2] : bounds[i, 3]]
        total = images[0] * region.shape[1]
        last = total * (part[0] + 1) // part[1]
        for start in range(total * part[0] // part[1], last, PIXELS):
            used = min(PIXELS, last - start)
            locate(region, start, images, places[:, :used])
            places[0, used:] = places[0, 0]
            for k in range(part[2], part[3]):
                convolve_panel(x, weights, panels[k], biases[i], under, places, used, (acc, codes), p, out, flipped)


def convolve_panel(
    x: Array,
    weights: Array,
    panel: Array,
    biases: Array,
    runs: Array,
    places: Array,
    used: int,
    scratch: tuple[Array, Array],
    p: Parameters,
    out: Array,
    flipped: int,
) -> None:
    """The first `used` of the pixels at `places` by one panel. A tile's rows beyond them are the first pixel again."""
    (acc, codes), number, rows, channels = scratch, panel[0], panel[1], (panel[2], panel[3])
    factors, values = weights.ctypes.data + panel[4], x.ctypes.data + panel[5]
    offsets = biases.ctypes.data + panel[6] * WORD_BYTES
    for first in range(0, used, ROWS):
        last = min(first + ROWS, used)
        for r in range(first, last, rows):
            pixel, sums = places.ctypes.data + r * SIZE_BYTES, acc.ctypes.data + (r - first) * WIDEST * WORD_BYTES
            tile((number, values, pixel, runs.ctypes.data, runs.shape[0], factors, offsets, sums))
        requantize(acc, WIDEST, places[1, first:last], channels, p, codes, out, flipped)


def requantize(
    acc: Array,
    apart: int,
    numbers: Array,
    panel: tuple[int, int],
    p: Parameters,
    codes: Array,
    out: Array,
    flipped: int,
) -> None:
    """As many rows of accumulators as there are numbers, by the layer's output step, into those pixels of out.

    acc: rows lie `apart`, and are a multiple of six, whatever the last ones hold. codes: of six rows, as far apart.

    The channels are the lanes of a vector, and what the step makes of a channel's parameters alone is made once for six
    rows: nothing is stored before all are computed, or the parameters would have to be read again.
    """
    wide_vectors()
    first, r1 = np.uint64(panel[0]), np.uint64(apart)
    r2, r3, r4, r5 = r1 + r1, r1 + r1 + r1, r1 + r1 + r1 + r1, r1 + r1 + r1 + r1 + r1
    for s in range(0, numbers.shape[0], STRIP):
        source = np.uint64(s) * r1
        for c in range(np.uint64(panel[1])):
            a, channel = source + c, first + c
            row0 = to_stored(output(np.int64(acc[a]), p, channel), flipped)
            row1 = to_stored(output(np.int64(acc[a + r1]), p, channel), flipped)
            row2 = to_stored(output(np.int64(acc[a + r2]), p, channel), flipped)
            row3 = to_stored(output(np.int64(acc[a + r3]), p, channel), flipped)
            row4 = to_stored(output(np.int64(acc[a + r4]), p, channel), flipped)
            row5 = to_stored(output(np.int64(acc[a + r5]), p, channel), flipped)
            codes[c], codes[c + r1], codes[c + r2] = row0, row1, row2
            codes[c + r3], codes[c + r4], codes[c + r5] = row3, row4, row5
        write(codes, apart, numbers[s : min(s + STRIP, numbers.shape[0])], panel, out)


def write(codes: Array, apart: int, numbers: Array, panel: tuple[int, int], out: Array) -> None:
    """The codes of as many rows as there are numbers into those pixels of out; nowhere where the number is below 0."""
    source, target, size = codes.ctypes.data, out.ctypes.data + panel[0] * out.itemsize, panel[1] * out.itemsize
    for r in range(numbers.shape[0]):
        pixel = target + numbers[r] * out.shape[1] * out.itemsize
        if numbers[r] >= 0:
            copy_bytes(pixel, source + r * apart * out.itemsize, size)

"""Float32 sums of products, each one sequential chain of FMAs from 0, its bias added last: the tiles in their loops.

The sums of some pixels and a block of channels stay in the second-level cache while a stretch of the depth goes over
them, so that every weight comes from memory once. A float32 in memory is what it is in a register: stretches change no
bit. The depth is cut between input channels: one table of taps then serves every stretch.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.emitter import SIZE_BYTES, WORD_BYTES
from int8sim.kernels.cpu.float_tile import DEPTHWISE, NARROW, WIDE, Tiles
from int8sim.kernels.cpu.memory import on_a_cache_line
from int8sim.kernels.cpu.regions import Regions
from int8sim.kernels.roles import products
from int8sim.model.step import Array
from int8sim.spec.float32 import float32

PIXELS = 192
"""Pixels whose sums are computed together, a multiple of every tile's rows."""
TOGETHER = 1 << 18
"""Weights whose output channels are computed together: 1 MiB, which stays in a second-level cache."""
WIDE_TO_NARROW = 1.6
"""The time of a wide tile by that of a narrow one, for one pixel and product."""

Sums = Callable[[Array, Regions, Array], None]
"""(x, regions of an image, out): x float32 [N, ..., C]; writes out, float32 [N * pixels, O]."""


def prepare_sums(weights: Array, bias: Array, tiles: Tiles, depthwise: bool = False) -> Sums:
    """Weights [groups, channels, taps, O / groups] and bias [O] as a function of activations.

    depthwise: there is one group, and every output channel takes its own channel of x in place of all.
    """
    number = DEPTHWISE if depthwise else tile_for(weights.shape[3], tiles)
    rows, columns = tiles.shape(number).rows, tiles.shape(number).columns
    packed, offsets = pack(weights, columns), np.ascontiguousarray(bias, np.float32)
    steps = (0, columns) if depthwise else (weights.shape[1], 0)
    kernel, beyond = build(chains, {}, {"products": tiles.products}), depthwise and weights.shape[3] % columns

    def call(x: Array, regions: Regions, out: Array) -> None:
        flat, images = np.ascontiguousarray(x).reshape(-1), by_image(x, out)
        if beyond:
            flat = np.append(flat, np.zeros(columns, np.float32))  # the last tile reads beyond the last channel
        scratch = np.empty(PIXELS * columns, np.float32), np.empty((2, PIXELS), np.int64)
        kernel(flat, packed, offsets, tuple(regions), (number, rows), images, steps, scratch, out)

    return call


def by_image(x: Array, out: Array) -> tuple[int, int, int]:
    """How many images, values of x in each, pixels of out in each. x: [N, ..]. out: [N * pixels, O]."""
    return len(x), x.size // len(x), len(out) // len(x)


def tile_for(width: int, tiles: Tiles) -> int:
    """WIDE or NARROW, whichever computes so many output channels in the least time."""
    wide, narrow = -(-width // tiles.wide.columns), -(-width // tiles.narrow.columns)
    return WIDE if tiles.wide == tiles.narrow or wide * WIDE_TO_NARROW <= narrow else NARROW


def pack(weights: Array, columns: int) -> Array:
    """As a tile reads them, float32 [groups, blocks, channels, taps, columns], on a cache line."""
    groups, channels, taps, width = weights.shape
    packed = on_a_cache_line(np.zeros((groups, -(-width // columns), channels, taps, columns), np.float32))
    for block in range(packed.shape[1]):
        part = weights[..., block * columns : (block + 1) * columns]
        packed[:, block, :, :, : part.shape[3]] = part
    return packed


def chains(
    x: Array,
    weights: Array,
    bias: Array,
    regions: tuple[Array, Array, Array, int],
    tile: tuple[int, int],
    images: tuple[int, int, int],
    steps: tuple[int, int],
    scratch: tuple[Array, Array],
    out: Array,
) -> None:
    """As many blocks of output channels as fit a cache, over some pixels at a time; the last tile's may be repeated.

    x: flat. weights: as packed. tile: number and rows. images: how many, values of x and pixels of out in each. steps:
    how far apart the groups and the blocks begin in x. scratch: sums, float32 [PIXELS * columns], and places, int64
    [2, PIXELS]. out: float32 [N * pixels, O].
    """
    (bounds, taps, pixels, stretch), (sums, places) = regions, scratch
    panels = weights.shape[0] * weights.shape[1]
    together = max(1, TOGETHER // (weights.shape[2] * weights.shape[3] * weights.shape[4]))
    for first in range(0, panels, together):
        for i in range(bounds.shape[0]):
            under = taps[bounds[i, 0] : bounds[i, 1]]
            total = images[0] * (bounds[i, 3] - bounds[i, 2])
            for start in range(0, total, PIXELS):
                used = min(PIXELS, total - start)
                whole = (used + tile[1] - 1) // tile[1] * tile[1]
                locate(pixels[:, bounds[i, 2] : bounds[i, 3]], start, images, places[:, :used])
                places[0, used:whole] = places[0, 0]
                for panel in range(first, min(first + together, panels)):
                    accumulate_panel(x, weights, panel, (under, stretch), tile, steps, places[0, :whole], sums)
                    write(sums, bias, places[1, :used], panel, weights.shape, out)


def locate(pixels: Array, start: int, images: tuple[int, int, int], places: Array) -> None:
    """Where a region's pixels begin in x, and their numbers in out, from the start-th of all images on."""
    n = start // pixels.shape[1]
    i = start - n * pixels.shape[1]
    for j in range(places.shape[1]):
        places[0, j] = n * images[1] + pixels[0, np.uint64(i)]
        places[1, j] = n * images[2] + pixels[1, np.uint64(i)]
        i += 1
        if i == pixels.shape[1]:
            n, i = n + 1, 0


def accumulate_panel(
    x: Array,
    weights: Array,
    panel: int,
    taps: tuple[Array, int],
    tile: tuple[int, int],
    steps: tuple[int, int],
    places: Array,
    sums: Array,
) -> None:
    """The sums of the pixels that begin at `places`, whole tiles of them, by one block of output channels."""
    (number, rows), (under, stretch), (_, blocks, channels, lines, columns) = tile, taps, weights.shape
    sums[: places.shape[0] * columns] = 0.0
    values = x.ctypes.data + (panel // blocks * steps[0] + panel % blocks * steps[1]) * WORD_BYTES
    factors = weights.ctypes.data + panel * channels * lines * columns * WORD_BYTES
    for c in range(0, channels if under.shape[0] else 0, stretch):
        depth = under.shape[0] // stretch * min(stretch, channels - c)
        for r in range(0, places.shape[0], rows):
            pixel, acc = places.ctypes.data + r * SIZE_BYTES, sums.ctypes.data + r * columns * WORD_BYTES
            products((number, values, pixel, under.ctypes.data, depth, factors, acc))
        values += stretch * WORD_BYTES
        factors += stretch * lines * columns * WORD_BYTES


def write(
    sums: Array, bias: Array, numbers: Array, panel: int, packed: tuple[int, int, int, int, int], out: Array
) -> None:
    """Sums and bias of one block of output channels into the pixels `numbers`. packed: the shape of the weights."""
    groups, blocks, _, _, columns = packed
    width, block = out.shape[1] // groups, panel % blocks
    first, count = panel // blocks * width + block * columns, min(columns, width - block * columns)
    for r in range(numbers.shape[0]):
        row, source = out[numbers[r]], np.uint64(r * columns)
        for o in range(np.uint64(count)):
            channel = np.uint64(first) + o
            row[channel] = float32(sums[source + o] + bias[channel])

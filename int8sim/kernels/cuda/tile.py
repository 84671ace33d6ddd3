"""The dp4a tiles: a block of 256 threads computes 128 pixels by 128 output channels, or 64 by 64.

Each thread has 8 by 8 sums of them, or 4 by 4. Eight words of both operands at a time go through shared memory; while
they are multiplied, the next are on their way. The sum starts from the bias that takes off the stored zero points, and
the layer's output step is applied before anything is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cuda.primitives import as_index, as_int
from int8sim.kernels.cuda.ptx import dp4a_us, shared_words
from int8sim.kernels.cuda.windows import NOWHERE
from int8sim.kernels.roles import Parameters, output

THREADS, ACROSS = 256, 16
"""Threads of a block, and how many of them stand side by side."""
DEPTH, DEPTH_BITS = 8, 3
"""Words of both operands in shared memory."""
PADDING = 4
"""Words between its lines, so that threads that write one column meet different banks."""
WIDE, NARROW = 128, 64
"""Pixels and channels of a tile."""
WIDE_WORDS, NARROW_WORDS = ACROSS * (WIDE + PADDING), ACROSS * (NARROW + PADDING)
"""Of both operands, and of the rows of sums after them."""


def wide_tile(
    x: Any, words: Any, w: Any, taps: Any, bias: Any, p: Parameters, out: Any, g: tuple[int, ...], flipped: int
) -> None:
    """x: uint8, flat; words: the same as int32, if the grain is 4. w: int32 [groups, words, O / groups].

    taps, bias: as windows.py makes them. out: stored codes [pixels, O]. g: a Window. The grid is [pixels / WIDE,
    channels of a group / WIDE, groups].
    """
    s = shared_words(WIDE_WORDS)
    acc = cuda.local.array((8, 8), np.int32)
    places = cuda.local.array((4, 3), np.int64)
    held = cuda.local.array((2, 4), np.int32)
    accumulate(x, words, w, taps, bias, out.shape[0], g, s, acc, places, held, 8)
    finish(s, acc, w.shape[2], p, out, flipped, 8)


def narrow_tile(
    x: Any, words: Any, w: Any, taps: Any, bias: Any, p: Parameters, out: Any, g: tuple[int, ...], flipped: int
) -> None:
    """As `wide_tile`, half as wide and high."""
    s = shared_words(NARROW_WORDS)
    acc = cuda.local.array((4, 4), np.int32)
    places = cuda.local.array((2, 3), np.int64)
    held = cuda.local.array((2, 2), np.int32)
    accumulate(x, words, w, taps, bias, out.shape[0], g, s, acc, places, held, 4)
    finish(s, acc, w.shape[2], p, out, flipped, 4)


def accumulate(
    x: Any,
    words: Any,
    w: Any,
    taps: Any,
    bias: Any,
    pixels: int,
    g: tuple[int, ...],
    s: Any,
    acc: Any,
    places: Any,
    held: Any,
    each: int,
) -> None:
    """The thread's sums into acc, int32 [each, each]. places, held: scratch of the thread. s: of the block."""
    t, group = as_int(cuda.threadIdx.x), as_int(cuda.blockIdx.z)
    row, column = as_int(cuda.blockIdx.x) * ACROSS * each, as_int(cuda.blockIdx.y) * ACROSS * each
    depth, width = w.shape[1], w.shape[2]
    for i in range(each // 2):
        pixel = row + (t >> DEPTH_BITS) + i * (THREADS // DEPTH)
        locate(pixel, group * (g[2] // as_int(cuda.gridDim.z)), pixels, g, places[i])
    for j in range(each):
        channel = column + (t & (ACROSS - 1)) * each + j
        start = as_int(bias[group * width + channel]) if channel < width else 0
        for i in range(each):
            acc[i, j] = start
    fetch(x, words, w, taps, 0, places, (t, group, column), g, held, each)
    for start in range(0, depth, DEPTH):
        put(held, t, s, each)
        cuda.syncthreads()
        if start + DEPTH < depth:
            fetch(x, words, w, taps, start + DEPTH, places, (t, group, column), g, held, each)
        multiply(s, t, acc, each)
        cuda.syncthreads()


def finish(s: Any, acc: Any, width: int, p: Parameters, out: Any, flipped: int, each: int) -> None:
    """The sums through the layer's output step, one row of every thread at a time, side by side in shared memory.

    The thread's first row is laid down and the others move up, so that every sum stays in a register.
    """
    t, first, across = as_int(cuda.threadIdx.x), as_int(cuda.blockIdx.z) * width, ACROSS * each
    channel = as_int(cuda.blockIdx.y) * across + t % across
    for i in range(each):
        cuda.syncthreads()
        for j in range(each):
            s[as_index((t >> 4) * (across + PADDING) + (t & (ACROSS - 1)) * each + j)] = acc[0, j]
            for row in range(each - 1):
                acc[row, j] = acc[row + 1, j]
        cuda.syncthreads()
        for line in range(t // across, ACROSS, THREADS // across):
            pixel = (as_int(cuda.blockIdx.x) * ACROSS + line) * each + i
            if pixel < out.shape[0] and channel < width:
                total = as_int(s[as_index(line * (across + PADDING) + t % across)])
                out[as_index(pixel), as_index(first + channel)] = output(total, p, first + channel) + flipped


def locate(pixel: int, channel: int, pixels: int, g: tuple[int, ...], place: Any) -> None:
    """Row and column of a pixel's first cell, and the grain it begins at; a pixel that there is none of is padding."""
    height, width, channels, out_height, out_width, stride_y, stride_x, top, left, grain, _, _ = g
    line = pixel // out_width
    image = line // out_height
    y, z = (line - image * out_height) * stride_y - top, (pixel - line * out_width) * stride_x - left
    place[0] = y if pixel < pixels else NOWHERE
    place[1] = z
    place[2] = (((image * height + y) * width + z) * channels + channel) // grain


def fetch(
    x: Any,
    words: Any,
    w: Any,
    taps: Any,
    start: int,
    places: Any,
    own: tuple[int, int, int],
    g: tuple[int, ...],
    held: Any,
    each: int,
) -> None:
    """The thread's part of eight words: of x to held[0], of w to held[1]. own: thread, group, first channel."""
    t, group, column = own
    across = ACROSS * each
    channel = column + t % across
    for i in range(each // 2):
        held[0, i] = load(x, words, taps, start + (t & (DEPTH - 1)), w.shape[1], places[i], g)
        line = start + t // across + i * (THREADS // across)
        inside = line < w.shape[1] and channel < w.shape[2]
        held[1, i] = as_int(w[as_index(group), as_index(line), as_index(channel)]) if inside else 0


def put(held: Any, t: int, s: Any, each: int) -> None:
    """What was fetched, into shared memory, the words of w behind those of x."""
    across = ACROSS * each
    for i in range(each // 2):
        row = (t >> DEPTH_BITS) + i * (THREADS // DEPTH)
        s[as_index((t & (DEPTH - 1)) * (across + PADDING) + row)] = held[0, i]
        line = DEPTH + t // across + i * (THREADS // across)
        s[as_index(line * (across + PADDING) + t % across)] = held[1, i]


def load(x: Any, words: Any, taps: Any, k: int, depth: int, place: Any, g: tuple[int, ...]) -> int:
    """Word k of a pixel's window."""
    if k >= depth:
        return 0
    if g[9] == 1:
        packed = 0
        for i in range(4):
            y = as_int(place[0]) + as_int(taps[as_index(4 * k + i), 0])
            z = as_int(place[1]) + as_int(taps[as_index(4 * k + i), 1])
            inside = y >= 0 and y < g[0] and z >= 0 and z < g[1]
            byte = as_int(x[as_index(as_int(place[2]) + as_int(taps[as_index(4 * k + i), 2]))]) if inside else g[10]
            packed |= byte << (8 * i)
        return packed - ((packed >> 31) << 32)
    y, z = as_int(place[0]) + as_int(taps[as_index(k), 0]), as_int(place[1]) + as_int(taps[as_index(k), 1])
    inside = y >= 0 and y < g[0] and z >= 0 and z < g[1]
    return as_int(words[as_index(as_int(place[2]) + as_int(taps[as_index(k), 2]))]) if inside else g[11]


def multiply(s: Any, t: int, acc: Any, each: int) -> None:
    """All words that are in shared memory."""
    top, left = (t >> 4) * each, (t & (ACROSS - 1)) * each
    for k in range(DEPTH):
        line, other = k * (ACROSS * each + PADDING), (DEPTH + k) * (ACROSS * each + PADDING)
        for i in range(each):
            for j in range(each):
                pixel, channel = as_int(s[as_index(line + top + i)]), as_int(s[as_index(other + left + j)])
                acc[i, j] = dp4a_us(pixel, channel, as_int(acc[i, j]))

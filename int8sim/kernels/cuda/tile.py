"""The dp4a tile: a block of threads computes 64 pixels by 64 output channels, each thread 4 by 4 of them.

The operands of 16 words at a time go through shared memory. The sum starts from the bias that takes off the stored
zero points, and the layer's output step is applied before anything is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cuda.primitives import as_int
from int8sim.kernels.cuda.ptx import dp4a_us
from int8sim.kernels.cuda.windows import NOWHERE
from int8sim.kernels.roles import Parameters, output

THREADS, EACH = 256, 4
ROWS = COLUMNS = 64
DEPTH, DEPTH_BITS = 16, 4
"""Words of both operands in shared memory."""
PADDED = ROWS + 4
"""Words from one line to the next, so that 16 threads that write one column meet different banks."""


def tile(
    x: Any, words: Any, w: Any, taps: Any, bias: Any, p: Parameters, out: Any, g: tuple[int, ...], flipped: int
) -> None:
    """x: uint8, flat; words: the same as int32, if the grain is 4. w: int32 [groups, words, O / groups].

    taps, bias: as windows.py makes them. out: stored codes [pixels, O]. g: a Window. The grid is [pixels / 64,
    channels of a group / 64, groups].
    """
    a = cuda.shared.array((DEPTH, PADDED), np.int32)
    b = cuda.shared.array((DEPTH, COLUMNS), np.int32)
    acc = cuda.local.array((EACH, EACH), np.int32)
    places = cuda.local.array((EACH, 3), np.int64)
    t, group = as_int(cuda.threadIdx.x), as_int(cuda.blockIdx.z)
    row, column = as_int(cuda.blockIdx.x) * ROWS, as_int(cuda.blockIdx.y) * COLUMNS
    top, left = (t >> 4) * EACH, (t & 15) * EACH
    first, depth = group * w.shape[2], w.shape[1]
    for i in range(EACH):
        locate(
            row + (t >> DEPTH_BITS) + i * DEPTH, group * (g[2] // as_int(cuda.gridDim.z)), out.shape[0], g, places[i]
        )
        for j in range(EACH):
            channel = column + left + j
            acc[i, j] = as_int(bias[first + channel]) if channel < w.shape[2] else 0
    for start in range(0, depth, DEPTH):
        k = start + (t & (DEPTH - 1))
        for i in range(EACH):
            a[t & (DEPTH - 1), (t >> DEPTH_BITS) + i * DEPTH] = load(x, words, taps, k, depth, places[i], g)
        for i in range(EACH):
            line, channel = (t >> 6) + i * EACH, column + (t & (COLUMNS - 1))
            inside = start + line < depth and channel < w.shape[2]
            b[line, t & (COLUMNS - 1)] = as_int(w[group, start + line, channel]) if inside else 0
        cuda.syncthreads()
        multiply(a, b, top, left, acc)
        cuda.syncthreads()
    for i in range(EACH):
        for j in range(EACH):
            pixel, channel = row + top + i, column + left + j
            if pixel < out.shape[0] and channel < w.shape[2]:
                code = output(as_int(acc[i, j]), p, first + channel) + flipped
                out[pixel, first + channel] = code


def locate(pixel: int, channel: int, pixels: int, g: tuple[int, ...], place: Any) -> None:
    """Row and column of a pixel's first cell, and the grain it begins at; a pixel that there is none of is padding."""
    height, width, channels, out_height, out_width, stride_y, stride_x, top, left, grain, _, _ = g
    line = pixel // out_width
    image = line // out_height
    y, z = (line - image * out_height) * stride_y - top, (pixel - line * out_width) * stride_x - left
    place[0] = y if pixel < pixels else NOWHERE
    place[1] = z
    place[2] = (((image * height + y) * width + z) * channels + channel) // grain


def load(x: Any, words: Any, taps: Any, k: int, depth: int, place: Any, g: tuple[int, ...]) -> int:
    """Word k of a pixel's window."""
    if k >= depth:
        return 0
    if g[9] == 1:
        packed = 0
        for i in range(4):
            y, z = as_int(place[0]) + as_int(taps[4 * k + i, 0]), as_int(place[1]) + as_int(taps[4 * k + i, 1])
            inside = y >= 0 and y < g[0] and z >= 0 and z < g[1]
            byte = as_int(x[as_int(place[2]) + as_int(taps[4 * k + i, 2])]) if inside else g[10]
            packed |= byte << (8 * i)
        return packed - ((packed >> 31) << 32)
    y, z = as_int(place[0]) + as_int(taps[k, 0]), as_int(place[1]) + as_int(taps[k, 1])
    inside = y >= 0 and y < g[0] and z >= 0 and z < g[1]
    return as_int(words[as_int(place[2]) + as_int(taps[k, 2])]) if inside else g[11]


def multiply(a: Any, b: Any, top: int, left: int, acc: Any) -> None:
    """All words that are in shared memory."""
    for k in range(DEPTH):
        for i in range(EACH):
            for j in range(EACH):
                acc[i, j] = dp4a_us(as_int(a[k, top + i]), as_int(b[k, left + j]), as_int(acc[i, j]))

"""The tensor-core tile: a block of eight warps computes 128 pixels by 128 output channels by mma.sync, 64 bytes a turn.

Three stages of both operands lie in shared memory: while one is multiplied, the next is being copied. A row of a stage
is 64 bytes, four chunks of 16, and chunk c of row r lies at place c ^ (r / 2 % 4) of its row, so that the eight rows
which ldmatrix reads at a time lie in different banks. Needs capability 8.0, and x whose channels of a group are a
multiple of 16. Source of the fragments' places: spec/mma.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cuda.primitives import as_int
from int8sim.kernels.cuda.ptx import (
    cp_async_16,
    cp_async_commit,
    cp_async_wait,
    ldmatrix_x4,
    mma_m16n8k32_us,
    shared_words,
    store_16,
)
from int8sim.kernels.cuda.tile import locate
from int8sim.kernels.roles import Parameters, output

THREADS = 256
ROWS = COLUMNS = 128
CHUNK, CHUNKS = 16, 4
"""Bytes of one copy, and chunks of a row in a stage."""
STAGE = ROWS * CHUNKS * CHUNK // 4
"""Words of one operand in a stage."""
STAGES = 3
SECOND = STAGES * STAGE
"""Where the second operand begins."""
WHOLE = 2 * SECOND
WARP_ROWS, WARP_COLUMNS = 64, 32
LINE = COLUMNS + 4
"""Words of a row of sums: the rows that a warp writes together begin in different banks."""
DOWN, ALONG = 4, 4
"""Fragments of 16 pixels, and of 8 channels, of a warp."""


def mma_tile(x: Any, w: Any, taps: Any, bias: Any, p: Parameters, out: Any, g: tuple[int, ...], flipped: int) -> None:
    """x: uint8, flat. w: uint8 [groups * channels, chunks * 16], the bytes of int8. taps: int32 [chunks, 3].

    bias: int32 [O]. out: stored codes [pixels, O]. g: a Window of grain 16; its last is the word of padding. The grid
    is [pixels / 128, channels of a group / 128, groups].
    """
    s = shared_words(WHOLE)
    acc = cuda.local.array((DOWN, ALONG, 4), np.int32)
    places = cuda.local.array((2, 3), np.int64)
    t, group = as_int(cuda.threadIdx.x), as_int(cuda.blockIdx.z)
    row, column = as_int(cuda.blockIdx.x) * ROWS, as_int(cuda.blockIdx.y) * COLUMNS
    width = out.shape[1] // as_int(cuda.gridDim.z)
    first, chunks = group * width, taps.shape[0]
    for i in range(2):
        locate(row + (t >> 2) + i * 64, group * (g[2] // as_int(cuda.gridDim.z)), out.shape[0], g, places[i])
    lane, warp = t & 31, t >> 5
    top, left = (warp & 1) * WARP_ROWS, (warp >> 1) * WARP_COLUMNS
    begin(acc, bias, first, column + left + (lane & 3) * 2, width)
    turns = (chunks + CHUNKS - 1) // CHUNKS
    for turn in range(STAGES - 1):
        copy(s, x, w, taps, turn, turn, places, (t, first + column, width - column), g)
    for turn in range(turns):
        cp_async_wait(1)
        cuda.syncthreads()
        coming = turn + STAGES - 1
        copy(s, x, w, taps, coming, coming % STAGES, places, (t, first + column, width - column), g)
        for half in range(2):
            multiply(s, turn % STAGES * STAGE, half, (top, left, lane), acc)
    cp_async_wait(0)
    for part in range(2):
        cuda.syncthreads()
        if part == 0:
            lay_down(acc, 0, (top, left, lane), s)
        else:
            lay_down(acc, 2, (top, left, lane), s)
        cuda.syncthreads()
        channel = column + (t & 127)
        for line in range(t >> 7, 64, 2):
            pixel = row + (line >> 5) * WARP_ROWS + part * 32 + (line & 31)
            if pixel < out.shape[0] and channel < width:
                total = as_int(s[line * LINE + (t & 127)])
                out[pixel, first + channel] = output(total, p, first + channel) + flipped


def lay_down(acc: Any, first: int, own: tuple[int, int, int], s: Any) -> None:
    """Fragments `first` and `first` + 1 of every warp into shared memory: 32 rows of each, LINE words apart."""
    top, left, lane = own
    start = (top // 2 + (lane >> 2)) * LINE + left + (lane & 3) * 2
    for i in range(2):
        for j in range(ALONG):
            for k in range(4):
                s[start + (i * 16 + (k >> 1) * 8) * LINE + j * 8 + (k & 1)] = acc[first + i, j, k]


def begin(acc: Any, bias: Any, first: int, channel: int, width: int) -> None:
    """Every sum from its channel's bias. channel: of the thread's first column."""
    for j in range(ALONG):
        for k in range(2):
            own = channel + j * 8 + k
            value = as_int(bias[first + own]) if own < width else 0
            for i in range(DOWN):
                acc[i, j, k] = value
                acc[i, j, k + 2] = value


def copy(
    s: Any,
    x: Any,
    w: Any,
    taps: Any,
    turn: int,
    stage: int,
    places: Any,
    own: tuple[int, int, int],
    g: tuple[int, ...],
) -> None:
    """Begin to copy a turn's chunks into a stage, two of each operand a thread. own: thread, first channel, count."""
    t, first, used = own
    chunk = turn * CHUNKS + (t & 3)
    if chunk < taps.shape[0]:
        for i in range(2):
            line = (t >> 2) + i * 64
            to = stage * STAGE + place_in_stage(line, t & 3)
            y, z = as_int(places[i, 0]) + as_int(taps[chunk, 0]), as_int(places[i, 1]) + as_int(taps[chunk, 1])
            if y >= 0 and y < g[0] and z >= 0 and z < g[1]:
                cp_async_16(s, to, x, (as_int(places[i, 2]) + as_int(taps[chunk, 2])) * CHUNK, CHUNK)
            else:
                store_16(s, to, (g[11], g[11], g[11], g[11]))
            if line < used:
                cp_async_16(s, SECOND + to, w, (first + line) * w.shape[1] + chunk * CHUNK, CHUNK)
    else:
        for i in range(2):
            store_16(s, SECOND + stage * STAGE + place_in_stage((t >> 2) + i * 64, t & 3), (0, 0, 0, 0))
    cp_async_commit()


def place_in_stage(line: int, chunk: int) -> int:
    """The word at which a chunk of a row begins."""
    return line * 16 + ((chunk ^ ((line >> 1) & 3)) << 2)


def multiply(s: Any, stage: int, half: int, own: tuple[int, int, int], acc: Any) -> None:
    """32 of a stage's 64 bytes. own: the warp's first row and column, and the thread's lane."""
    top, left, lane = own
    line, chunk = left + (lane & 7) + (lane >> 4) * 8, half * 2 + ((lane >> 3) & 1)
    near = ldmatrix_x4(s, SECOND + stage + place_in_stage(line, chunk))
    far = ldmatrix_x4(s, SECOND + stage + place_in_stage(line + 16, chunk))
    for i in range(DOWN):
        row = top + i * 16 + (lane & 7) + ((lane >> 3) & 1) * 8
        rows = ldmatrix_x4(s, stage + place_in_stage(row, half * 2 + (lane >> 4)))
        add(acc[i, 0], rows, (near[0], near[1]))
        add(acc[i, 1], rows, (near[2], near[3]))
        add(acc[i, 2], rows, (far[0], far[1]))
        add(acc[i, 3], rows, (far[2], far[3]))


def add(acc: Any, rows: tuple[int, int, int, int], columns: tuple[int, int]) -> None:
    """One instruction."""
    found = mma_m16n8k32_us(rows, columns, (as_int(acc[0]), as_int(acc[1]), as_int(acc[2]), as_int(acc[3])))
    for k in range(4):
        acc[k] = found[k]

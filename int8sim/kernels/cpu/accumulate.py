"""The int32 accumulators of a convolution: windows gathered and multiplied by tiles, or depthwise by channels.

One kernel each for every scheme: what follows, the layer's output step, is a small kernel of its own (conv2d.py).
"""

from __future__ import annotations

import numpy as np

from int8sim.kernels.cpu.tile import COLUMNS, GROUP, ROWS
from int8sim.kernels.roles import tile
from int8sim.model.step import Array


def gather(x: Array, place: int, g: tuple[int, ...], size: tuple[int, ...], window: Array, start: int) -> None:
    """One window in the order (row, column, channel) into window[start:]; padding as the stored zero point.

    x: flat. size: (n, oy, ox, height, width, channels). place: the group's first channel. Indices are unsigned in the
    innermost loops, because Numba tests a signed one for wraparound.
    """
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, _, channels, padding = g
    n, oy, ox, height, width, depth = size
    t = start
    for u in range(rows):
        y = oy * stride_y - top + u * dilation_y
        for v in range(columns):
            z = ox * stride_x - left + v * dilation_x
            if y >= 0 and y < height and z >= 0 and z < width:
                source = np.uint64(((n * height + y) * width + z) * depth + place)
                for c in range(np.uint64(channels)):
                    window[np.uint64(t) + c] = x[source + c]
            else:
                for c in range(np.uint64(channels)):
                    window[np.uint64(t) + c] = padding
            t += channels


def accumulate_windows(
    x: Array,
    size: tuple[int, ...],
    weights: Array,
    bias: Array,
    g: tuple[int, ...],
    parts: int,
    scratch: tuple[Array, Array],
    start: int,
    totals: Array,
) -> None:
    """int32 accumulators, bias included, of the output pixels start, start + 1 ...: totals, int32 [pixels, O].

    x: uint8, flat, channels last. size: (batch, height, width, channels, out height, out width, out channels).
    weights: int8 [groups, blocks, depth / 4, 32, 4]. bias: int32 [O]. scratch: windows, uint8 [6 * depth], and one
    tile's accumulators, int32 [6 * 32].
    """
    _, height, width, channels, out_height, out_width, outputs = size
    windows, acc = scratch
    groups, blocks, steps = weights.shape[0], weights.shape[1], weights.shape[2]
    per_group, depth, pixels = outputs // groups, steps * GROUP, totals.shape[0]
    block_bytes = steps * COLUMNS * GROUP
    for base in range(0, pixels, ROWS):
        rows = min(ROWS, pixels - base)
        for group in range(groups):
            for r in range(rows):
                line = (start + base + r) // out_width
                ox = start + base + r - line * out_width
                n = line // out_height
                spot = (n, line - n * out_height, ox, height, width, channels)
                for part in range(parts):
                    gather(x, group * g[9], g, spot, windows, r * depth + part * g[0] * g[1] * g[9])
            for block in range(blocks):
                first = group * per_group + block * COLUMNS
                used = min(COLUMNS, per_group - block * COLUMNS)
                address = weights.ctypes.data + (group * blocks + block) * block_bytes
                tile(windows.ctypes.data, steps, address, acc.ctypes.data)
                for r in range(rows):
                    source = np.uint64(r * COLUMNS)
                    for o in range(np.uint64(used)):
                        channel = np.uint64(first) + o
                        totals[base + r, channel] = np.int32(acc[source + o] + bias[channel])


def accumulate_depthwise(
    x: Array, size: tuple[int, ...], taps: Array, bias: Array, g: tuple[int, ...], start: int, totals: Array
) -> None:
    """The same where every channel is a group. taps: int16 [rows * columns, C]; x, size, bias, totals as above."""
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, _, _, padding = g
    _, height, width, channels, out_height, out_width, _ = size
    for i in range(totals.shape[0]):
        line = (start + i) // out_width
        ox = start + i - line * out_width
        n = line // out_height
        oy = line - n * out_height
        for c in range(np.uint64(channels)):
            totals[i, c] = bias[c]
        t = 0
        for u in range(rows):
            y = oy * stride_y - top + u * dilation_y
            for v in range(columns):
                z = ox * stride_x - left + v * dilation_x
                if y >= 0 and y < height and z >= 0 and z < width:
                    source = np.uint64(((n * height + y) * width + z) * channels)
                    for c in range(np.uint64(channels)):
                        product = np.int32(np.int32(x[source + c]) * np.int32(taps[t, c]))
                        totals[i, c] = np.int32(totals[i, c] + product)
                else:
                    for c in range(np.uint64(channels)):
                        totals[i, c] = np.int32(totals[i, c] + np.int32(np.int32(padding) * np.int32(taps[t, c])))
                t += 1

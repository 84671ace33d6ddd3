"""The int32 accumulators of a depthwise convolution, whose output step is a small kernel of its own (conv2d.py)."""

from __future__ import annotations

import numpy as np

from int8sim.model.step import Array


def accumulate_depthwise(
    x: Array, size: tuple[int, ...], taps: Array, bias: Array, g: tuple[int, ...], start: int, totals: Array
) -> None:
    """int32 accumulators, bias included, of the output pixels start, start + 1 ...: totals, int32 [pixels, C].

    x: uint8, flat, channels last. size: (batch, height, width, channels, out height, out width, out channels).
    taps: int16 [rows * columns, C]. bias: int32 [C].
    """
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

"""2-D convolution in float32: a thread computes one output, a chain of FMAs (in-channel, kernel row, kernel column)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, place
from int8sim.kernels.cuda.primitives import as_real
from int8sim.kernels.geometry import Convolution, Geometry, output_shape
from int8sim.model.step import Array
from int8sim.spec.float32 import float32, fma


def prepare_float(
    op: Convolution, shape: Geometry, weights: Array, bias: Array
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form. weights: [O, C / group, rows, columns]."""
    by_depth = np.ascontiguousarray(weights.transpose(1, 2, 3, 0), np.float32)
    w, start, outputs, kernel = place(by_depth), place(np.array(bias, np.float32)), len(weights), build(convolve_real)

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty(output_shape(op, shape, stored.shape, outputs), np.float32)
        kernel.launch_each(out.size, stored, w, start, tuple(shape), out)
        return out

    return call


def convolve_real(x: Any, w: Any, bias: Any, g: tuple[int, ...], out: Any) -> None:
    """x: [N, H, W, C]. w: [C / group, rows, columns, O]. bias: [O], added last. g: a Geometry; padding adds nothing."""
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, groups, channels, _ = g
    i = cuda.grid(1)
    if i < out.size:
        pixel = i // out.shape[3]
        line, channel = pixel // out.shape[2], i - pixel * out.shape[3]
        image, ox = line // out.shape[1], pixel - line * out.shape[2]
        oy, first = line - image * out.shape[1], channel // (out.shape[3] // groups) * channels
        acc = float32(0)
        for c in range(channels):
            for u in range(rows):
                y = oy * stride_y - top + u * dilation_y
                for v in range(columns):
                    z = ox * stride_x - left + v * dilation_x
                    if y >= 0 and y < x.shape[1] and z >= 0 and z < x.shape[2]:
                        acc = fma(as_real(x[image, y, z, first + c]), as_real(w[c, u, v, channel]), acc)
        out[image, oy, ox, channel] = float32(acc + as_real(bias[channel]))

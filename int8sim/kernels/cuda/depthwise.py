"""Depthwise convolutions of 8-bit codes: every channel has its own window. A thread computes one output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters, place
from int8sim.kernels.cuda.primitives import as_int
from int8sim.kernels.cuda.windows import folded
from int8sim.kernels.geometry import Convolution, Geometry, output_shape
from int8sim.kernels.roles import Parameters, output
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.integers import wrap


def prepare_depthwise(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, weights: Array, bias: Array, step: Step
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form. weights: minus their zero point, int64 [C, 1, rows, columns]."""
    built, values = bind(step)
    kernel, numbers = build(convolve_channels, {"output": built}), parameters(values)
    w = place(np.ascontiguousarray(weights[:, 0].transpose(1, 2, 0), np.int32))
    start, outputs = place(folded(weights, bias, x)), len(weights)

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty(output_shape(op, shape, stored.shape, outputs), stored_dtype(y))
        kernel.launch_each(out.size, stored, w, start, numbers, out, tuple(shape), flip(y))
        return out

    return call


def convolve_channels(x: Any, w: Any, bias: Any, p: Parameters, out: Any, g: tuple[int, ...], flipped: int) -> None:
    """x: stored codes [N, H, W, C]. w: int32 [rows, columns, C]. bias: int32 [C]. g: a Geometry."""
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, _, _, padding = g
    i = cuda.grid(1)
    if i < out.size:
        pixel = i // out.shape[3]
        channel = i - pixel * out.shape[3]
        line = pixel // out.shape[2]
        image, ox = line // out.shape[1], pixel - line * out.shape[2]
        oy = line - image * out.shape[1]
        acc = as_int(bias[channel])
        for u in range(rows):
            y = oy * stride_y - top + u * dilation_y
            for v in range(columns):
                z = ox * stride_x - left + v * dilation_x
                inside = y >= 0 and y < x.shape[1] and z >= 0 and z < x.shape[2]
                stored = as_int(x[image, y, z, channel]) if inside else padding
                acc += stored * as_int(w[u, v, channel])
        out[image, oy, ox, channel] = output(wrap(acc, 32), p, channel) + flipped

"""Transposed convolution. In float32 one chain of FMAs per output.

In integers, where the order of a sum does not matter, the kernel of conv2d.py over x with real zeros between its cells
and around them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cpu.max_pool import output_height_width
from int8sim.kernels.cuda import conv2d
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, place
from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.geometry import Convolution
from int8sim.kernels.storage import stored_zero
from int8sim.kernels.transposed import untransposed
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma


def prepare(
    op: Convolution,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form, channels last -> y in storage form."""
    if arithmetic is not None:
        return _prepare_integer(op, inputs, output_type, constants, arithmetic)
    weights = np.ascontiguousarray(constants[1].transpose(0, 2, 3, 1), np.float32)
    channels = op.group * weights.shape[3]
    bias = np.array(constants.get(2, np.full(channels, -0.0)), np.float32)  # x + -0.0 is x, also where x is -0.0
    window = (*op.strides, *op.dilations, op.pads[0], op.pads[1], op.group)
    kernel, size, own = build(convolve), output_height_width(output_type), (place(weights), place(bias))

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty((stored.shape[0], *size, channels), np.float32)
        kernel.launch_each(out.size, stored, *own, window, out)
        return out

    return call


def _prepare_integer(
    op: Convolution,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic,
) -> Callable[[DeviceArray], DeviceArray]:
    plain = untransposed(op, inputs[0], output_type, constants[1])
    kinds = [plain.kind, *inputs[1:]]
    over_grid = conv2d.prepare(plain.op, kinds, output_type, {**constants, 1: plain.weights}, arithmetic)
    kernel, moved = build(spread), (*plain.strides, *plain.first, stored_zero(plain.kind))

    def call(stored: DeviceArray) -> DeviceArray:
        wide = empty((stored.shape[0], *plain.kind.shape[1:]), stored.dtype)
        kernel.launch_each(wide.size, stored, wide, moved)
        return over_grid(wide)

    return call


def spread(x: Any, out: Any, moved: tuple[int, ...]) -> None:
    """Stored codes [N, .., .., C]. moved: strides, rows and columns before the first cell of x, the stored zero."""
    stride_y, stride_x, down, along, zero = moved
    i = cuda.grid(1)
    if i < out.size:
        pixel = i // out.shape[3]
        line, c = pixel // out.shape[2], i - pixel * out.shape[3]
        image, column = line // out.shape[1], pixel - line * out.shape[2] - along
        row = line - image * out.shape[1] - down
        y, z = row // stride_y, column // stride_x
        inside = row >= 0 and column >= 0 and y * stride_y == row and z * stride_x == column
        there = inside and y < x.shape[1] and z < x.shape[2]
        out[image, row + down, column + along, c] = as_int(x[image, y, z, c]) if there else zero


def convolve(x: Any, weights: Any, bias: Any, window: tuple[int, ...], out: Any) -> None:
    """x: [N, H, W, C]. weights: [C, rows, columns, O / group]. window: strides, dilations, top, left, group."""
    stride_y, stride_x, dilation_y, dilation_x, top, left, groups = window
    i = cuda.grid(1)
    if i < out.size:
        pixel = i // out.shape[3]
        line, channel = pixel // out.shape[2], i - pixel * out.shape[3]
        image, ox = line // out.shape[1], pixel - line * out.shape[2]
        oy, group = line - image * out.shape[1], channel // weights.shape[3]
        acc, per_group = float32(0), x.shape[3] // groups
        for c in range(group * per_group, (group + 1) * per_group):
            for u in range(weights.shape[1]):
                row = oy + top - u * dilation_y
                for v in range(weights.shape[2]):
                    column = ox + left - v * dilation_x
                    y, z = row // stride_y, column // stride_x
                    inside = row >= 0 and column >= 0 and y * stride_y == row and z * stride_x == column
                    if inside and y < x.shape[1] and z < x.shape[2]:
                        weight = as_real(weights[c, u, v, channel - group * weights.shape[3]])
                        acc = fma(as_real(x[image, y, z, c]), weight, acc)
        out[image, oy, ox, channel] = float32(acc + as_real(bias[channel]))

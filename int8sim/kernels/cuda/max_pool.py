"""Maximum over each window, on stored values, whose order the flip keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numba import cuda

from int8sim.kernels.cpu.max_pool import DilatedPool, output_height_width
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty
from int8sim.kernels.cuda.places import cell, located
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: DilatedPool,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del inputs, constants, arithmetic
    kernel, size = build(max_pool), output_height_width(output_type)
    window = (*op.kernel_shape, *op.strides, *op.dilations, op.pads[0], op.pads[1])

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty((stored.shape[0], *size, stored.shape[3]), stored.dtype)
        kernel.launch_each(out.size, stored.reshape(-1), stored.shape[1:], window, out.reshape(-1), size)
        return out

    return call


def max_pool(x: Any, size: tuple[int, int, int], window: tuple[int, ...], out: Any, out_size: tuple[int, int]) -> None:
    """x, out: flat, of one type. size: of x, height, width, channels. window: kernel, strides, dilations, (top, left).

    In the window's order: of real zeros of both signs the first counts, and a NaN if it is first.
    """
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left = window
    i = cuda.grid(1)
    if i < out.shape[0]:
        n, oy, ox, c = located(i, out_size[0], out_size[1], size[2])
        greatest, first = x[0], True
        for u in range(rows):
            y = oy * stride_y - top + u * dilation_y
            for v in range(columns):
                z = ox * stride_x - left + v * dilation_x
                if y >= 0 and y < size[0] and z >= 0 and z < size[1]:
                    value = x[cell(n, y, z, c, size)]
                    if first or value > greatest:
                        greatest, first = value, False
        out[i] = greatest

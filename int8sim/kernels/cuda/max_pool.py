"""Maximum over each window, on stored values, whose order the flip keeps: bytes four channels at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cpu.max_pool import DilatedPool, output_height_width
from int8sim.kernels.cpu.pointwise import EIGHT_BITS
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty
from int8sim.kernels.cuda.maximum import greater
from int8sim.kernels.cuda.places import cell, located
from int8sim.kernels.cuda.primitives import as_int
from int8sim.kernels.roles import Parameters, combine
from int8sim.kernels.storage import stored_axes
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType

TOGETHER = 4
"""Channels of a word."""


def prepare(
    op: DilatedPool,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del constants, arithmetic
    x, size = inputs[0], output_height_width(output_type)
    together = x.dtype in EIGHT_BITS and x.shape[stored_axes(x)[-1]] % TOGETHER == 0
    built, numbers = bind(Step(greater_bytes if together else greater, {}))
    kernel = build(max_pool, {"combine": built})
    window = (*op.kernel_shape, *op.strides, *op.dilations, op.pads[0], op.pads[1])

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty((stored.shape[0], *size, stored.shape[3]), stored.dtype)
        given, found = (each.view("uint32") if together else each for each in (stored, out))
        kernel.launch_each(found.size, given.reshape(-1), given.shape[1:], window, numbers, found.reshape(-1), size)
        return out

    return call


def inside(start: int, size: int, count: int, dilation: int) -> tuple[int, int]:
    """Of `count` cells from `start` on, the first one inside 0 .. size - 1, and the one behind the last."""
    return max(0, -(start // dilation)), min(count, (size - 1 - start) // dilation + 1)


def greater_bytes(a: int, b: int) -> int:
    """Of words, the greater of each two bytes."""
    found = 0
    for k in range(0, 32, 8):
        found |= max((as_int(a) >> k) & 255, (as_int(b) >> k) & 255) << k
    return found


def max_pool(
    x: Any, size: tuple[int, int, int], window: tuple[int, ...], p: Parameters, out: Any, out_size: tuple[int, int]
) -> None:
    """x, out: flat, of one type. size: of x, height, width, channels. window: kernel, strides, dilations, (top, left).

    In the window's order: of real zeros of both signs the first counts, and a NaN if it is first.
    """
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left = window
    i = cuda.grid(1)
    if i < out.shape[0]:
        n, oy, ox, c = located(i, out_size[0], out_size[1], size[2])
        y, z = oy * stride_y - top, ox * stride_x - left
        u0, u1 = inside(y, size[0], rows, dilation_y)
        v0, v1 = inside(z, size[1], columns, dilation_x)
        greatest = x[cell(n, y + u0 * dilation_y, z + v0 * dilation_x, c, size)]
        for u in range(u0, u1):
            for v in range(v0, v1):
                greatest = combine(greatest, x[cell(n, y + u * dilation_y, z + v * dilation_x, c, size)], p, 0)
        out[i] = greatest

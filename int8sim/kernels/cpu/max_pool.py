"""Maximum over each window, on stored values, whose order the flip keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.primitives import wide_vectors
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Pool(Protocol):
    """The attributes that the kernel reads."""

    @property
    def kernel_shape(self) -> tuple[int, int]: ...
    @property
    def strides(self) -> tuple[int, int]: ...
    @property
    def pads(self) -> tuple[int, int, int, int]: ...


class DilatedPool(Pool, Protocol):
    """A pool with dilations."""

    @property
    def dilations(self) -> tuple[int, int]: ...


def output_height_width(kind: TensorType) -> tuple[int, int]:
    """Of an output type, whatever its layout."""
    return (kind.shape[2], kind.shape[3]) if kind.layout == "NCHW" else (kind.shape[1], kind.shape[2])


def prepare(
    op: DilatedPool,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del constants, arithmetic
    kernel = build(max_pool_float if inputs[0].dtype == "float32" else max_pool)
    window = (*op.kernel_shape, *op.strides, *op.dilations, op.pads[0], op.pads[1])

    def call(stored: Array) -> Array:
        out = empty((stored.shape[0], *output_height_width(output_type), stored.shape[3]), stored.dtype)
        kernel(stored, window, out)
        return out

    return KernelsOnly(call)


def max_pool(x: Array, window: tuple[int, ...], out: Array) -> None:
    """x, out: [N, H, W, C], one integer dtype. window: kernel, strides, dilations, (top, left).

    The order of comparisons is free: down the rows first, then along them, a whole line of the output at a time.
    """
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left = window
    _, height, width, channels = x.shape
    reach, step = ((out.shape[2] - 1) * stride_x + 1) * channels, dilation_x * channels
    line = np.full(max((left + width) * channels, reach + (columns - 1) * step), np.iinfo(x.dtype).min, x.dtype)
    inside = line[left * channels : (left + width) * channels]
    along = np.empty(reach, x.dtype)
    for n in range(out.shape[0]):
        for oy in range(out.shape[1]):
            first = True
            for u in range(rows):
                y = oy * stride_y - top + u * dilation_y
                if y >= 0 and y < height:
                    gather(inside, x[n, y].reshape(-1), first)
                    first = False
            row = out[n, oy].reshape(-1)
            greatest = row if stride_x == 1 else along
            for v in range(columns):
                gather(greatest, line[v * step :], v == 0)
            for ox in range(out.shape[2] if stride_x > 1 else 0):
                cell, start = np.uint64(ox * channels), np.uint64(ox * channels * stride_x)
                for c in range(np.uint64(channels)):
                    row[cell + c] = along[start + c]


def gather(greatest: Array, x: Array, first: bool) -> None:
    """The greater of each two, or x where it is the first. x: at least as long."""
    wide_vectors()
    if first:
        for i in range(np.uint64(greatest.shape[0])):
            greatest[i] = x[i]
    else:
        for i in range(np.uint64(greatest.shape[0])):
            greatest[i] = max(greatest[i], x[i])


def max_pool_float(x: Array, window: tuple[int, ...], out: Array) -> None:
    """The same of float32, in the window's order: of zeros of both signs the first counts, and a NaN if it is first."""
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left = window
    for n in range(out.shape[0]):
        for oy in range(out.shape[1]):
            for ox in range(out.shape[2]):
                first = True
                for u in range(rows):
                    y = oy * stride_y - top + u * dilation_y
                    for v in range(columns):
                        z = ox * stride_x - left + v * dilation_x
                        if y >= 0 and y < x.shape[1] and z >= 0 and z < x.shape[2]:
                            if first:
                                for c in range(out.shape[3]):
                                    out[n, oy, ox, c] = x[n, y, z, c]
                                first = False
                            else:
                                for c in range(out.shape[3]):
                                    out[n, oy, ox, c] = max(out[n, oy, ox, c], x[n, y, z, c])

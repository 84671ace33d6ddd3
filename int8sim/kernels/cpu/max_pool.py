"""Maximum over each window, on stored values: the flip keeps their order, so codes and real values share one loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.compile import build
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
    del inputs, constants, arithmetic
    kernel = build(max_pool)
    window = (*op.kernel_shape, *op.strides, *op.dilations, op.pads[0], op.pads[1])

    def call(stored: Array) -> Array:
        out = np.empty((stored.shape[0], *output_height_width(output_type), stored.shape[3]), stored.dtype)
        kernel(stored, window, out)
        return out

    return call


def max_pool(x: Array, window: tuple[int, ...], out: Array) -> None:
    """x, out: [N, H, W, C], one dtype. window: kernel, strides, dilations, (top, left)."""
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

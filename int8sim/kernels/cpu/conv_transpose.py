"""Transposed convolution. In float32 one chain of FMAs per output, the channels of a group side by side.

In integers, where the order of a sum does not matter, the kernel of conv2d.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu import conv2d
from int8sim.kernels.cpu.max_pool import output_height_width
from int8sim.kernels.geometry import PIXELWISE, Convolution
from int8sim.kernels.storage import stored_zero
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma


def prepare(
    op: Convolution,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form, channels last -> y in storage form."""
    if arithmetic is not None:
        return _prepare_integer(op, inputs, output_type, constants, arithmetic)
    weights = np.ascontiguousarray(constants[1].transpose(0, 2, 3, 1), np.float32)
    channels = op.group * weights.shape[3]
    bias = np.array(constants.get(2, np.full(channels, -0.0)), np.float32)  # x + -0.0 is x, also where x is -0.0
    window = (*op.strides, *op.dilations, op.pads[0], op.pads[1], op.group)
    kernel, size = build(convolve), output_height_width(output_type)

    def call(stored: Array) -> Array:
        out = np.empty((stored.shape[0], *size, channels), np.float32)
        kernel(stored, weights, bias, window, out)
        return out

    return call


def _prepare_integer(
    op: Convolution,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic,
) -> Callable[[Array], Array]:
    """A convolution with the weights turned round, over x with real zeros between its cells and around them."""
    weights = turned(constants[1], op.group)
    reach = [step * (size - 1) for step, size in zip(op.dilations, weights.shape[2:], strict=True)]
    grid = [size + more for size, more in zip(output_height_width(output_type), reach, strict=True)]
    kind = inputs[0].with_shape((1, *grid, weights.shape[1] * op.group), "NHWC")
    plain = replace(PIXELWISE, dilations=op.dilations, group=op.group)
    kinds = [kind, inputs[1], *inputs[2:]]
    kernel = conv2d.prepare(plain, kinds, output_type, {**constants, 1: weights}, arithmetic)
    zero, moved = stored_zero(kind), [reach[axis] - op.pads[axis] for axis in (0, 1)]

    def call(stored: Array) -> Array:
        places = [inside(stored.shape[1 + i], moved[i], op.strides[i], grid[i]) for i in (0, 1)]
        spread = np.full((len(stored), *grid, stored.shape[3]), zero, stored.dtype)
        spread[:, places[0][1], places[1][1]] = stored[:, places[0][0], places[1][0]]
        return kernel(spread)

    return call


def turned(weights: Array, groups: int) -> Array:
    """[C, O / groups, rows, columns] as a convolution's [O, C / groups, rows, columns], the last cell first."""
    parts = weights.reshape(groups, -1, *weights.shape[1:]).swapaxes(1, 2)
    return parts.reshape(-1, *parts.shape[2:])[:, :, ::-1, ::-1]


def inside(size: int, before: int, stride: int, room: int) -> tuple[slice, slice]:
    """Along one axis: which cells of x lie inside, and where."""
    first = max(0, -(before // stride))
    last = min(size, (room - 1 - before) // stride + 1)
    start = before + first * stride
    return slice(first, max(first, last)), slice(start, start + max(0, last - first) * stride, stride)


def convolve(x: Array, weights: Array, bias: Array, window: tuple[int, ...], out: Array) -> None:
    """x: [N, H, W, C]. weights: [C, rows, columns, O / group]. window: strides, dilations, top, left, group."""
    stride_y, stride_x, dilation_y, dilation_x, top, left, groups = window
    per_group, width = x.shape[3] // groups, weights.shape[3]
    acc = np.empty(width, np.float32)
    for n in range(out.shape[0]):
        for oy in range(out.shape[1]):
            for ox in range(out.shape[2]):
                for group in range(groups):
                    acc[:] = 0.0
                    for c in range(group * per_group, (group + 1) * per_group):
                        for u in range(weights.shape[1]):
                            y = oy + top - u * dilation_y
                            if y >= 0 and y % stride_y == 0 and y // stride_y < x.shape[1]:
                                for v in range(weights.shape[2]):
                                    z = ox + left - v * dilation_x
                                    if z >= 0 and z % stride_x == 0 and z // stride_x < x.shape[2]:
                                        a = x[n, y // stride_y, z // stride_x, c]
                                        for o in range(width):
                                            acc[o] = fma(a, weights[c, u, v, o], acc[o])
                    for o in range(width):
                        out[n, oy, ox, group * width + o] = float32(acc[o] + bias[group * width + o])

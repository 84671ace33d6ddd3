"""Transposed convolution. In float32 one chain of FMAs per output, the channels of a group side by side.

In integers, where the order of a sum does not matter, the kernel of conv2d.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu import conv2d
from int8sim.kernels.cpu.max_pool import output_height_width
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
    plain = untransposed(op, inputs[0], output_type, constants[1])
    kinds, zero = [plain.kind, *inputs[1:]], stored_zero(plain.kind)
    kernel = conv2d.prepare(plain.op, kinds, output_type, {**constants, 1: plain.weights}, arithmetic)

    def call(stored: Array) -> Array:
        rows, columns = plain.places(*stored.shape[1:3])
        spread = np.full((len(stored), *plain.kind.shape[1:]), zero, stored.dtype)
        spread[:, rows[1], columns[1]] = stored[:, rows[0], columns[0]]
        return kernel(spread)

    return call


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

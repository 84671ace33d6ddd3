"""Sums of products in the order, and by the step, of a profile's accumulator; and the exact ones of 16-bit codes.

A thread computes one output, on true operands and in int64, so that a step may use the whole of it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters, place
from int8sim.kernels.cuda.primitives import as_int
from int8sim.kernels.cuda.windows import cells, nowhere, window
from int8sim.kernels.geometry import Convolution, Geometry, output_shape
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.kernels.storage import flip, stored_dtype, stored_zero
from int8sim.kernels.weights import in_step_order
from int8sim.model.accumulation import Accumulation
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.integers import wrap


def prepare_ordered(
    op: Convolution,
    shape: Geometry,
    x: TensorType,
    y: TensorType,
    weights: Array,
    bias: Array,
    step: Accumulation,
    finish: Step,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form. weights: minus their zero point, int64 [O, C / group, rows, columns]."""
    bound = {"accumulate": bind(step), "output": bind(finish)}
    kernel = build(convolve_in_order, {role: built for role, (built, _) in bound.items()})
    q, p = (parameters(values) for _, values in bound.values())
    steps = step.loop
    w = place(_packed(in_step_order(weights, steps), shape.groups, steps.products))
    subtracted = 0 if steps.unsigned else stored_zero(x)
    after = place(bias.astype(np.int64) - (stored_zero(x) - subtracted) * weights.sum((1, 2, 3)))
    order, outputs = (steps.products, subtracted, int(steps.bits is None), flip(y)), len(weights)
    per_input: dict[tuple[int, ...], DeviceArray] = {}

    def call(stored: DeviceArray) -> DeviceArray:
        size = stored.shape[1:]
        if size not in per_input:
            places = cells(shape, stored.shape, steps.order)
            whole = np.concatenate([places, nowhere(-len(places) % steps.products)])
            per_input[size] = place(np.ascontiguousarray(whole, np.int32))
        out = empty(output_shape(op, shape, stored.shape, outputs), stored_dtype(y))
        g = tuple(window(op, shape, stored.shape, 1))
        rows = out.reshape(-1, outputs)
        kernel.launch_each(out.size, stored.reshape(-1), w, per_input[size], after, q, p, rows, g, order)
        return out

    return call


def _packed(weights: Array, groups: int, products: int) -> Array:
    """[O, depth] as int32 [groups, depth, O / groups]; zeros behind the last, to whole steps."""
    padded = np.pad(weights, ((0, 0), (0, -weights.shape[1] % products)))
    by_group = padded.reshape(groups, len(weights) // groups, -1)
    return np.ascontiguousarray(by_group.transpose(0, 2, 1), np.int32)


def convolve_in_order(
    x: Any,
    w: Any,
    places: Any,
    after: Any,
    q: Parameters,
    p: Parameters,
    out: Any,
    g: tuple[int, ...],
    order: tuple[int, int, int, int],
) -> None:
    """x: stored, flat. w: int32 [groups, depth, O / groups]. places: int32 [depth, 3], as windows.cells has them.

    after: int64 [O], added at the end. out: stored codes [pixels, O]. g: a Window. order: products of a step, what is
    subtracted from stored values, whether the accumulator wraps modulo 2**32, the flip of out.
    """
    height, width, channels, out_height, out_width, stride_y, stride_x, top, left, _, padding, _ = g
    i = cuda.grid(1)
    if i < out.size:
        pixel = i // out.shape[1]
        channel = i - pixel * out.shape[1]
        line = pixel // out_width
        image, group = line // out_height, channel // w.shape[2]
        y, z = (line - image * out_height) * stride_y - top, (pixel - line * out_width) * stride_x - left
        first = ((image * height + y) * width + z) * channels + group * (channels // w.shape[0])
        acc = 0
        for start in range(0, w.shape[1], order[0]):
            total = 0
            for k in range(start, start + order[0]):
                v, u = y + as_int(places[k, 0]), z + as_int(places[k, 1])
                inside = v >= 0 and v < height and u >= 0 and u < width
                stored = as_int(x[first + as_int(places[k, 2])]) if inside else padding
                total += (stored - order[1]) * as_int(w[group, k, channel - group * w.shape[2]])
            acc = accumulate(acc, total, q, channel)
        acc += as_int(after[channel])
        out[pixel, channel] = output(wrap(acc, 32) if order[2] else acc, p, channel) + order[3]

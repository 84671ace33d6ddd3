"""2-D convolution: which kernel a layer takes, by its types, its shape and its profile's accumulator.

Integer, 8 bits: x is stored as uint8 (code + flip), so the sum over stored values is corrected by a constant per
channel, bias - (flip + zero point) * sum(w). The accumulator is 32 bits and wraps, as the definition's does; where the
profile accumulates otherwise and the layer's weights do not exclude that it matters, and for 16 bits, the true operands
go through sequence.py. Float32 is in float_conv2d.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.bounds import EXACT, accumulates_in_sequence
from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.accumulate import accumulate_depthwise
from int8sim.kernels.cpu.depthwise import has_depthwise_tile, prepare_depthwise
from int8sim.kernels.cpu.float_conv2d import prepare_float
from int8sim.kernels.cpu.integer_conv2d import prepare_tiles
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.cpu.sequence import Sums, ordered_sums
from int8sim.kernels.geometry import Convolution, Geometry, geometry, output_shape
from int8sim.kernels.roles import Parameters, output
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.kernels.weights import centred, wrapped
from int8sim.model.accumulation import accumulation, is_wide
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType

BLOCK = 1 << 16
"""Accumulators between the two kernels of a sequential layer at a time: they stay in the second-level cache."""


def prepare(
    op: Convolution,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form. Also for the ops that are convolutions in disguise."""
    weights = constants[1]
    none = np.zeros(weights.shape[0], np.int32) if arithmetic else np.full(weights.shape[0], -0.0, np.float32)
    bias = constants.get(2, none)  # x + -0.0 is x, also where x is -0.0
    shape = geometry(op, inputs[0], weights)
    if arithmetic is None:
        return prepare_float(op, shape, weights, bias)
    step = accumulation(arithmetic) if accumulates_in_sequence(inputs, constants, arithmetic) else None
    own, y, finish = centred(weights, inputs[1]), output_type, arithmetic["output"]
    if step is not None or is_wide(inputs[0]):
        return _by_blocks(op, shape, len(weights), ordered_sums(shape, own, bias, inputs[0], step or EXACT), y, finish)
    if shape.channels == 1 and 1 < len(weights) == shape.groups:
        if has_depthwise_tile(own):
            return prepare_depthwise(op, shape, inputs[0], y, own, bias, finish)
        return _by_blocks(op, shape, len(weights), _depthwise_sums(shape, own, bias), y, finish)
    return prepare_tiles(op, shape, inputs[0], y, own, bias, finish)


def _by_blocks(
    op: Convolution, shape: Geometry, outputs: int, sums: Sums, y: TensorType, step: Step
) -> Callable[[Array], Array]:
    """The accumulators, a block at a time, and the layer's output step over them."""
    block = max(1, BLOCK // outputs)
    built, values = bind(step)
    finish = build(requantize, {"output": built})

    def call(stored: Array) -> Array:
        out = empty(output_shape(op, shape, stored.shape, outputs), stored_dtype(y))
        flat, size, rows = stored.reshape(-1), (*stored.shape, *out.shape[1:]), out.reshape(-1, outputs)
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            totals: Array = np.empty(part.shape, sums.dtype)
            sums.fill(flat, size, start, totals)
            finish(totals, values, part, flip(y))
        return out

    return call


def _depthwise_sums(shape: Geometry, weights: Array, bias: Array) -> Sums:
    """One channel in, one channel out: the channels side by side are the vector."""
    folded = wrapped(bias.astype(np.int64) - shape.padding * weights.sum((1, 2, 3)))
    taps = np.ascontiguousarray(weights.reshape(len(weights), -1).T, np.int16)
    kernel = build(accumulate_depthwise)

    def fill(x: Array, size: tuple[int, ...], start: int, totals: Array) -> None:
        kernel(x, size, taps, folded, tuple(shape), start, totals)

    return Sums(fill, np.int32)


def requantize(totals: Array, p: Parameters, out: Array, flipped: int) -> None:
    """The layer's output step over int32 or int64 [pixels, O], to stored codes, [pixels, O]."""
    for i in range(totals.shape[0]):
        for channel in range(np.uint64(totals.shape[1])):
            out[i, channel] = output(np.int64(totals[i, channel]), p, channel) + flipped

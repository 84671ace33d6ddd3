"""2-D convolution: windows gathered once per output pixel, then dot products, then the layer's output step.

Integer, 8 bits: x is stored as uint8 (code + flip), so the sum over stored values is corrected by a constant per
channel, bias - (flip + zero point) * sum(w). The accumulator is 32 bits and wraps, as the definition's does; where the
profile accumulates otherwise and the layer's weights do not exclude that it matters, and for 16 bits, the true operands
go through sequence.py. Float32 is in float_conv2d.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.bounds import accumulates_in_sequence, centred
from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.accumulate import accumulate_depthwise, accumulate_windows
from int8sim.kernels.cpu.float_conv2d import prepare_float
from int8sim.kernels.cpu.geometry import Convolution, Geometry, geometry, output_shape
from int8sim.kernels.cpu.sequence import EXACT, Sums, ordered_sums
from int8sim.kernels.cpu.tile import COLUMNS, GROUP, ROWS, TILES, instruction_set
from int8sim.kernels.roles import Parameters, output
from int8sim.kernels.storage import flip, stored_dtype, stored_zero
from int8sim.model.accumulation import Accumulation, accumulation, is_wide
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType

BLOCK = 1 << 16
"""Accumulators between the two kernels at a time: they stay in the second-level cache."""


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
    sums = _sums(shape, inputs[0], centred(weights, inputs[1]), bias, step)
    return _prepare_codes(op, shape, len(weights), sums, output_type, arithmetic["output"])


def _sums(shape: Geometry, x: TensorType, weights: Array, bias: Array, step: Accumulation | None) -> Sums:
    """The accumulators, by the fastest kernel that gives them. weights: minus their zero point."""
    if step is not None:
        return ordered_sums(shape, weights, bias, x, step)
    if is_wide(x):
        return ordered_sums(shape, weights, bias, x, EXACT)
    fold = bias.astype(np.int64) - stored_zero(x) * weights.sum((1, 2, 3))
    folded = ((fold + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)
    depthwise = shape.channels == 1 and len(weights) == shape.groups
    return _depthwise_sums(shape, weights, folded) if depthwise else _tiled_sums(shape, weights, folded)


def _prepare_codes(
    op: Convolution, shape: Geometry, outputs: int, sums: Sums, y: TensorType, step: Step
) -> Callable[[Array], Array]:
    """The accumulators, a block at a time, and the layer's output step over them."""
    block = max(ROWS, BLOCK // outputs // ROWS * ROWS)
    built, values = bind(step)
    finish = build(requantize, {"output": built})

    def call(stored: Array) -> Array:
        out = np.empty(output_shape(op, shape, stored, outputs), stored_dtype(y))
        flat, size, rows = stored.reshape(-1), (*stored.shape, *out.shape[1:]), out.reshape(-1, outputs)
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            totals: Array = np.empty(part.shape, sums.dtype)
            sums.fill(flat, size, start, totals)
            finish(totals, values, part, flip(y))
        return out

    return call


def _tiled_sums(shape: Geometry, weights: Array, folded: Array) -> Sums:
    """Dot products of gathered windows, by the machine's tile."""
    packed, parts = pack(weights, shape.groups)
    kernel = build(accumulate_windows, {}, {"tile": TILES[instruction_set()]})

    def fill(x: Array, size: tuple[int, ...], start: int, totals: Array) -> None:
        scratch = np.zeros(ROWS * packed.shape[2] * GROUP, np.uint8), np.empty(ROWS * COLUMNS, np.int32)
        kernel(x, size, packed, folded, tuple(shape), parts, scratch, start, totals)

    return Sums(fill, np.int32)


def _depthwise_sums(shape: Geometry, weights: Array, folded: Array) -> Sums:
    """One channel in, one channel out: the channels side by side are the vector."""
    taps = np.ascontiguousarray(weights.reshape(len(weights), -1).T, np.int16)
    kernel = build(accumulate_depthwise)

    def fill(x: Array, size: tuple[int, ...], start: int, totals: Array) -> None:
        kernel(x, size, taps, folded, tuple(shape), start, totals)

    return Sums(fill, np.int32)


def pack(weights: Array, groups: int) -> tuple[Array, int]:
    """Weights [O, C, rows, columns] as the tile reads them, int8 [groups, blocks, depth / 4, 32, 4], and their parts.

    Weights minus their zero point can leave int8 (uint8 weights): then they are the sum of two parts, or of three where
    one is 255, side by side along the depth, and every window is gathered as often.
    """
    rest = weights.transpose(0, 2, 3, 1).reshape(len(weights), -1)
    parts: list[Array] = []
    while not parts or rest.any():
        parts.append(rest.clip(-128, 127))
        rest = rest - parts[-1]
    wide = np.concatenate(parts, 1)
    (outputs, depth), per_group = wide.shape, wide.shape[0] // groups
    steps, blocks = -(-depth // GROUP), -(-per_group // COLUMNS)
    padded = np.zeros((groups, blocks * COLUMNS, steps * GROUP), np.int8)
    padded[:, :per_group, :depth] = wide.reshape(groups, outputs // groups, depth)
    tiles = padded.reshape(groups, blocks, COLUMNS, steps, GROUP).transpose(0, 1, 3, 2, 4)
    return np.ascontiguousarray(tiles), len(parts)


def requantize(totals: Array, p: Parameters, out: Array, flipped: int) -> None:
    """The layer's output step over int32 or int64 [pixels, O], to stored codes, [pixels, O]."""
    for i in range(totals.shape[0]):
        for channel in range(np.uint64(totals.shape[1])):
            out[i, channel] = output(np.int64(totals[i, channel]), p, channel) + flipped

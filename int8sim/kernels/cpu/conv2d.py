"""2-D convolution: windows gathered once per output pixel, then dot products, then the layer's output step.

Integer: x is stored as uint8 (code + flip), so the sum over stored values is corrected by a constant per channel,
bias - (flip + zero point) * sum(w). The accumulator is 32 bits and wraps, as the definition's does; where the profile
accumulates otherwise and the layer's weights do not exclude that it matters, `sequential` runs the true operands.
Float32 is in float_conv2d.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.accumulate import accumulate_depthwise, accumulate_windows
from int8sim.kernels.cpu.float_conv2d import prepare_float
from int8sim.kernels.cpu.geometry import Convolution, Geometry, geometry, output_shape
from int8sim.kernels.cpu.tile import COLUMNS, GROUP, ROWS, TILES, instruction_set
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.kernels.storage import flip, stored_zero
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.integers import saturating_add

INT32_MAX = (1 << 31) - 1
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
    centred = weights.astype(np.int64) - _zero_points(inputs[1])
    if needs_sequence(arithmetic, centred, inputs[0], bias):
        return _prepare_sequential(op, shape, inputs[0], output_type, centred, bias, arithmetic)
    return _prepare_exact(op, shape, inputs[0], output_type, centred, bias, arithmetic["output"])


def _zero_points(kind: TensorType) -> Any:
    """The weights' zero points, shaped to be subtracted."""
    zero_point = kind.quantized.zero_point
    return np.array(zero_point)[:, None, None, None] if isinstance(zero_point, tuple) else zero_point


def needs_sequence(arithmetic: Arithmetic, centred: Array, x: TensorType, bias: Array) -> bool:
    """Whether accumulating step by step can differ from an exact sum modulo 2**32.

    A saturating accumulator is exact while the greatest sum of magnitudes stays inside it.
    """
    step = arithmetic.get("accumulate")
    if step is None:
        return False
    quant = x.quantized
    reach = max(quant.high - quant.tensor_zero_point, quant.tensor_zero_point - quant.low)
    bound = int((np.abs(centred).sum((1, 2, 3)) * reach + np.abs(bias.astype(np.int64))).max())
    if step.function is not saturating_add:
        return True
    limit = (1 << (int(step.at(0)[0]) - 1)) - 1
    return bound > min(limit, INT32_MAX)


Sums = Callable[[Array, tuple[int, ...], int, Array], None]
"""(flat x, sizes, first pixel, totals): writes the int32 accumulators of some output pixels."""


def _prepare_exact(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, centred: Array, bias: Array, step: Step
) -> Callable[[Array], Array]:
    outputs = centred.shape[0]
    fold = bias.astype(np.int64) - stored_zero(x) * centred.sum((1, 2, 3))
    folded = ((fold + (1 << 31)) % (1 << 32) - (1 << 31)).astype(np.int32)
    depthwise = shape.channels == 1 and outputs == shape.groups
    sums = _depthwise_sums(shape, centred, folded) if depthwise else _tiled_sums(shape, centred, folded)
    built, values = bind(step)
    finish = build(requantize, {"output": built})
    block = max(ROWS, BLOCK // outputs // ROWS * ROWS)

    def call(stored: Array) -> Array:
        out = np.empty(output_shape(op, shape, stored, outputs), np.uint8)
        flat, size, rows = stored.reshape(-1), (*stored.shape, *out.shape[1:]), out.reshape(-1, outputs)
        for start in range(0, len(rows), block):
            part = rows[start : start + block]
            totals = np.empty(part.shape, np.int32)
            sums(flat, size, start, totals)
            finish(totals, values, part, flip(y))
        return out

    return call


def _tiled_sums(shape: Geometry, centred: Array, folded: Array) -> Sums:
    """Dot products of gathered windows, by the machine's tile."""
    packed, parts = pack(centred, shape.groups)
    kernel = build(accumulate_windows, {}, {"tile": TILES[instruction_set()]})

    def sums(x: Array, size: tuple[int, ...], start: int, totals: Array) -> None:
        scratch = np.zeros(ROWS * packed.shape[2] * GROUP, np.uint8), np.empty(ROWS * COLUMNS, np.int32)
        kernel(x, size, packed, folded, tuple(shape), parts, scratch, start, totals)

    return sums


def _depthwise_sums(shape: Geometry, centred: Array, folded: Array) -> Sums:
    """One channel in, one channel out: the channels side by side are the vector."""
    taps = np.ascontiguousarray(centred.reshape(centred.shape[0], -1).T, np.int16)
    kernel = build(accumulate_depthwise)

    def sums(x: Array, size: tuple[int, ...], start: int, totals: Array) -> None:
        kernel(x, size, taps, folded, tuple(shape), start, totals)

    return sums


def pack(centred: Array, groups: int) -> tuple[Array, int]:
    """Weights [O, C, rows, columns] as the tile reads them, int8 [groups, blocks, depth / 4, 32, 4], and their parts.

    Weights minus their zero point can leave int8 (uint8 weights): then they are the sum of two parts, or of three where
    one is 255, side by side along the depth, and every window is gathered as often.
    """
    rest = centred.transpose(0, 2, 3, 1).reshape(centred.shape[0], -1)
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


def _prepare_sequential(
    op: Convolution,
    shape: Geometry,
    x: TensorType,
    y: TensorType,
    centred: Array,
    bias: Array,
    arithmetic: Arithmetic,
) -> Callable[[Array], Array]:
    steps = {role: bind(step) for role, step in arithmetic.items()}
    kernel = build(sequential, {role: built for role, (built, _) in steps.items()})
    weights, wide = np.ascontiguousarray(centred, np.int16), bias.astype(np.int64)
    values = steps["accumulate"][1], steps["output"][1]

    def call(stored: Array) -> Array:
        out = np.empty(output_shape(op, shape, stored, weights.shape[0]), np.uint8)
        kernel(stored, weights, wide, tuple(shape), stored_zero(x), *values, out, flip(y))
        return out

    return call


def requantize(totals: Array, p: Parameters, out: Array, flipped: int) -> None:
    """The layer's output step over int32 [pixels, O] to uint8 [pixels, O]."""
    for i in range(totals.shape[0]):
        for channel in range(np.uint64(totals.shape[1])):
            out[i, channel] = np.uint8(output(np.int64(totals[i, channel]), p, channel) + flipped)


def sequential(
    x: Array,
    weights: Array,
    bias: Array,
    g: tuple[int, ...],
    zero: int,
    q: Parameters,
    p: Parameters,
    out: Array,
    flipped: int,
) -> None:
    """The same with true operands and the profile's accumulator, product by product, channel first. bias: int64 [O]."""
    rows, columns, stride_y, stride_x, dilation_y, dilation_x, top, left, groups, channels, _ = g
    per_group = out.shape[3] // groups
    for n in range(out.shape[0]):
        for oy in range(out.shape[1]):
            for ox in range(out.shape[2]):
                for o in range(out.shape[3]):
                    first = o // per_group * channels
                    acc = 0
                    for c in range(channels):
                        for u in range(rows):
                            y = oy * stride_y - top + u * dilation_y
                            for v in range(columns):
                                z = ox * stride_x - left + v * dilation_x
                                if y >= 0 and y < x.shape[1] and z >= 0 and z < x.shape[2]:
                                    product = (np.int64(x[n, y, z, first + c]) - zero) * int(weights[o, c, u, v])
                                    acc = accumulate(acc, product, q, o)
                    out[n, oy, ox, o] = np.uint8(output(acc + int(bias[o]), p, o) + flipped)

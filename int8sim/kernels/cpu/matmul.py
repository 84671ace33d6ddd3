"""Product of two activations in storage form, by the tiles of a convolution, or by a profile's accumulator."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from int8sim.kernels.bounds import EXACT, accumulates_in_sequence
from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.chains import prepare_sums
from int8sim.kernels.cpu.conv2d import requantize
from int8sim.kernels.cpu.elementwise import repeated
from int8sim.kernels.cpu.float_tile import FLOAT_TILES, Tiles, float_instruction_set
from int8sim.kernels.cpu.integer_conv2d import integer_convolution
from int8sim.kernels.cpu.regions import cells, regions
from int8sim.kernels.cpu.sequence import ordered_sums
from int8sim.kernels.geometry import PIXELWISE, Geometry
from int8sim.kernels.storage import flip, own_layout, stored_dtype, stored_zero
from int8sim.model.accumulation import Accumulation, accumulation, is_wide
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType

Kernel = Callable[[Array, Array, Array], None]
"""a [B, M, K], b [B, K, P] -> out [B, M, P]."""


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array, Array], Array]:
    """a [N, ..., M, K], b [N, ..., K, P] -> y [N, ..., M, P]."""
    del op, constants
    if arithmetic is None:
        return lambda a, b: _product(matmul_float, own_layout(a, inputs[0]), own_layout(b, inputs[1]), np.float32)
    step = accumulation(arithmetic) if accumulates_in_sequence(inputs, {}, arithmetic) else None
    if step is not None or is_wide(*inputs):
        matmul = _matmul_in_order(inputs, output_type, step or EXACT, arithmetic["output"])
    else:
        matmul = _matmul_by_tiles(inputs, output_type, arithmetic["output"])
    dtype = stored_dtype(output_type)
    return lambda a, b: _product(matmul, own_layout(a, inputs[0]), own_layout(b, inputs[1]), dtype)


def _product(kernel: Kernel, a: Array, b: Array, dtype: Any) -> Array:
    leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (repeated(each, (*leading, *each.shape[-2:])) for each in (a, b))
    out = np.empty((*a.shape[:-1], b.shape[-1]), dtype)
    rows, depth, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    kernel(a.reshape(-1, rows, depth), b.reshape(-1, depth, columns), out.reshape(-1, rows, columns))
    return out


def _matmul_by_tiles(inputs: Sequence[TensorType], y: TensorType, output: Step) -> Kernel:
    """Every row of a is a pixel, every matrix of b the weights of a 1x1 convolution."""
    rows = inputs[0].with_shape((1, 1, 1, inputs[0].shape[-1]), "NHWC")
    tiled = integer_convolution(PIXELWISE, _row(inputs), rows, y, output)

    def matmul(a: Array, b: Array, out: Array) -> None:
        for left, right, product in zip(a, b, out, strict=True):
            multiply = tiled.with_constants(_weights(right, inputs[1]), np.zeros(right.shape[1], np.int64))
            multiply(np.ascontiguousarray(left)[:, None, None], product)

    return matmul


def _matmul_in_order(inputs: Sequence[TensorType], y: TensorType, step: Accumulation, output: Step) -> Kernel:
    """The same, one step after the other."""
    (built, values), row = bind(output), _row(inputs)
    finish = build(requantize, {"output": built})

    def matmul(a: Array, b: Array, out: Array) -> None:
        none = np.zeros(b.shape[2], np.int64)
        for left, right, product in zip(a, b, out, strict=True):
            sums = ordered_sums(row, _weights(right, inputs[1]), none, inputs[0], step)
            totals = np.empty(product.shape, sums.dtype)
            sums.fill(np.ascontiguousarray(left).reshape(-1), (1, 1, *left.shape, 1, *product.shape), 0, totals)
            finish(totals, values, product, flip(y))

    return matmul


def _row(inputs: Sequence[TensorType]) -> Geometry:
    return Geometry(1, 1, 1, 1, 1, 1, 0, 0, 1, inputs[0].shape[-1], stored_zero(inputs[0]))


def _weights(right: Array, kind: TensorType) -> Array:
    """A matrix in storage form, minus its zero point, as weights int64 [O, C, 1, 1]."""
    shifted: Array = right.T.astype(np.int64)[:, :, None, None] - stored_zero(kind)
    return shifted


def matmul_float(a: Array, b: Array, out: Array, tiles: Tiles | None = None) -> None:
    """float32 [B, M, K] by [B, K, P] to [B, M, P]: every row of a is a pixel, every matrix of b the weights."""
    tiles = tiles or FLOAT_TILES[float_instruction_set()]
    one = cells(1, 1, 1, 1, 1, 0)
    row, none = regions(one, one, 1, a.shape[2], a.shape[2]), np.full(b.shape[2], -0.0, np.float32)  # x + -0.0 is x
    for left, right, product in zip(a, b, out, strict=True):
        prepare_sums(right[None, :, None], none, tiles)(left, row, product)

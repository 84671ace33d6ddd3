"""Product of two activations in storage form: codes by the steps of a convolution, real values by tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from int8sim.kernels.bounds import accumulates_in_sequence
from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.chains import prepare_sums
from int8sim.kernels.cpu.conv2d import requantize
from int8sim.kernels.cpu.float_tile import FLOAT_TILES, Tiles, float_instruction_set
from int8sim.kernels.cpu.geometry import Geometry
from int8sim.kernels.cpu.regions import cells, regions
from int8sim.kernels.cpu.sequence import EXACT, MODULAR, ordered_sums
from int8sim.kernels.storage import flip, own_layout, stored_dtype, stored_zero
from int8sim.model.accumulation import Accumulation, accumulation, is_wide
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType


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
    matmul = _matmul_codes(inputs, output_type, step or (EXACT if is_wide(*inputs) else MODULAR), arithmetic["output"])
    dtype = stored_dtype(output_type)
    return lambda a, b: _product(matmul, own_layout(a, inputs[0]), own_layout(b, inputs[1]), dtype)


def _product(kernel: Callable[[Array, Array, Array], None], a: Array, b: Array, dtype: Any) -> Array:
    out = np.empty((*a.shape[:-1], b.shape[-1]), dtype)
    rows, depth, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    kernel(a.reshape(-1, rows, depth), b.reshape(-1, depth, columns), out.reshape(-1, rows, columns))
    return out


def _matmul_codes(
    inputs: Sequence[TensorType], y: TensorType, step: Accumulation, output: Step
) -> Callable[[Array, Array, Array], None]:
    """Every row of a is a pixel, every matrix of b the weights of a 1x1 convolution. By one step after the other."""
    (built, values), depth = bind(output), inputs[0].shape[-1]
    finish = build(requantize, {"output": built})
    row = Geometry(1, 1, 1, 1, 1, 1, 0, 0, 1, depth, stored_zero(inputs[0]))

    def matmul(a: Array, b: Array, out: Array) -> None:
        none = np.zeros(b.shape[2], np.int64)
        for left, right, product in zip(a, b, out, strict=True):
            weights = right.T.astype(np.int64)[:, :, None, None] - stored_zero(inputs[1])
            sums = ordered_sums(row, weights, none, inputs[0], step)
            totals = np.empty(product.shape, sums.dtype)
            sums.fill(np.ascontiguousarray(left).reshape(-1), (1, 1, *left.shape, 1, *product.shape), 0, totals)
            finish(totals, values, product, flip(y))

    return matmul


def matmul_float(a: Array, b: Array, out: Array, tiles: Tiles | None = None) -> None:
    """float32 [B, M, K] by [B, K, P] to [B, M, P]: every row of a is a pixel, every matrix of b the weights."""
    tiles = tiles or FLOAT_TILES[float_instruction_set()]
    one = cells(1, 1, 1, 1, 1, 0)
    row, none = regions(one, one, 1, a.shape[2], a.shape[2]), np.full(b.shape[2], -0.0, np.float32)  # x + -0.0 is x
    for left, right, product in zip(a, b, out, strict=True):
        prepare_sums(right[None, :, None], none, tiles)(left, row, product)

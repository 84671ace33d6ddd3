"""Product of two activations in storage form: codes in plain loops over true operands, real values by tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.chains import prepare_sums
from int8sim.kernels.cpu.float_tile import FLOAT_TILES, Tiles, float_instruction_set
from int8sim.kernels.cpu.regions import cells, regions
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.kernels.storage import flip, own_layout, stored_zero
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.integers import wrap


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
        return lambda a, b: _call(matmul_float, own_layout(a, inputs[0]), own_layout(b, inputs[1]), np.float32, ())
    accumulating = arithmetic.get("accumulate", Step(wrapping_add, {}))
    steps = {"output": bind(arithmetic["output"]), "accumulate": bind(accumulating)}
    kernel = build(matmul, {role: built for role, (built, _) in steps.items()})
    zeros = stored_zero(inputs[0]), stored_zero(inputs[1])
    last = (zeros, steps["accumulate"][1], steps["output"][1], flip(output_type))
    return lambda a, b: _call(kernel, own_layout(a, inputs[0]), own_layout(b, inputs[1]), np.uint8, last)


def _call(kernel: Callable[..., None], a: Array, b: Array, dtype: type, last: tuple[object, ...]) -> Array:
    out = np.empty((*a.shape[:-1], b.shape[-1]), dtype)
    rows, depth, columns = a.shape[-2], a.shape[-1], b.shape[-1]
    flat = a.reshape(-1, rows, depth), b.reshape(-1, depth, columns), out.reshape(-1, rows, columns)
    kernel(*flat, *last)
    return out


def wrapping_add(acc: int, product: int) -> int:
    """A 32-bit accumulator."""
    return wrap(acc + product, 32)


def matmul(a: Array, b: Array, out: Array, zeros: tuple[int, int], q: Parameters, p: Parameters, flipped: int) -> None:
    """uint8 [B, M, K] by uint8 [B, K, P] to uint8 [B, M, P]; zeros: the stored zero points."""
    for n in range(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                acc = 0
                for k in range(a.shape[2]):
                    product = (np.int64(a[n, i, k]) - zeros[0]) * (np.int64(b[n, k, j]) - zeros[1])
                    acc = accumulate(acc, product, q, j)
                out[n, i, j] = np.uint8(output(acc, p, j) + flipped)


def matmul_float(a: Array, b: Array, out: Array, tiles: Tiles | None = None) -> None:
    """float32 [B, M, K] by [B, K, P] to [B, M, P]: every row of a is a pixel, every matrix of b the weights."""
    tiles = tiles or FLOAT_TILES[float_instruction_set()]
    one = cells(1, 1, 1, 1, 1, 0)
    row, none = regions(one, one, 1, a.shape[2], a.shape[2]), np.full(b.shape[2], -0.0, np.float32)  # x + -0.0 is x
    for left, right, product in zip(a, b, out, strict=True):
        prepare_sums(right[None, :, None], none, tiles)(left, row, product)

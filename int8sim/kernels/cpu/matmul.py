"""Product of two activations, both in storage form: plain loops over true operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.kernels.storage import flip, own_layout, stored_zero
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import fma
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
        real = build(matmul_float)
        return lambda a, b: _call(real, own_layout(a, inputs[0]), own_layout(b, inputs[1]), np.float32, ())
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


def matmul_float(a: Array, b: Array, out: Array) -> None:
    """float32, one sequential FMA chain per output."""
    for n in range(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                acc: Any = np.float32(0.0)
                for k in range(a.shape[2]):
                    acc = fma(a[n, i, k], b[n, k, j], acc)
                out[n, i, j] = acc

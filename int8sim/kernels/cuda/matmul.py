"""Product of two activations in storage form: a thread computes one output, on true operands."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.bounds import EXACT, accumulates_in_sequence
from int8sim.kernels.compile import bind
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters
from int8sim.kernels.cuda.layout import in_own_layout, repeated
from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.kernels.storage import flip, stored_dtype, stored_zero
from int8sim.model.accumulation import accumulation, is_wide
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma
from int8sim.spec.integers import wrap

Kernel = Callable[[DeviceArray, DeviceArray, DeviceArray], None]
"""a [B, M, K], b [B, K, P] -> out [B, M, P]."""


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray, DeviceArray], DeviceArray]:
    """a [N, ..., M, K], b [N, ..., K, P] -> y [N, ..., M, P]."""
    del op, constants
    multiply = _real() if arithmetic is None else _integer(inputs, output_type, arithmetic)
    left, right = (in_own_layout(kind) for kind in inputs)

    def call(a: DeviceArray, b: DeviceArray) -> DeviceArray:
        a, b = left(a), right(b)
        leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        a, b = (repeated(each, (*leading, *each.shape[-2:])) for each in (a, b))
        out = empty((*a.shape[:-1], b.shape[-1]), stored_dtype(output_type))
        multiply(*(each.reshape(-1, *each.shape[-2:]) for each in (a, b, out)))
        return out

    return call


def _real() -> Kernel:
    kernel = build(multiply_real)
    return lambda a, b, out: kernel.launch_each(out.size, a, b, out)


def _integer(inputs: Sequence[TensorType], y: TensorType, arithmetic: Arithmetic) -> Kernel:
    step = (accumulation(arithmetic) if accumulates_in_sequence(inputs, {}, arithmetic) else None) or EXACT
    bound = {"accumulate": bind(step), "output": bind(arithmetic["output"])}
    kernel = build(multiply_in_order, {role: built for role, (built, _) in bound.items()})
    q, p = (parameters(values) for _, values in bound.values())
    zero, loop = stored_zero(inputs[0]), step.loop
    subtracted = 0 if loop.unsigned else zero
    exact = step is EXACT and is_wide(*inputs)
    wraps = loop.bits is None or (step is EXACT and not exact)
    order = (loop.products, subtracted, zero - subtracted, stored_zero(inputs[1]), int(wraps), flip(y))
    return lambda a, b, out: kernel.launch_each(out.size, a, b, q, p, out, order)


def multiply_in_order(a: Any, b: Any, q: Parameters, p: Parameters, out: Any, order: tuple[int, ...]) -> None:
    """Stored codes [B, M, K], [B, K, P], [B, M, P].

    order: products of a step, what is subtracted from stored values of a at each product, and at the end, the stored
    zero of b, whether the accumulator wraps modulo 2**32, the flip of out.
    """
    products, subtracted, behind, zero, wraps, flipped = order
    i = cuda.grid(1)
    if i < out.size:
        line = i // out.shape[2]
        column, matrix = i - line * out.shape[2], line // out.shape[1]
        row, acc, weights = line - matrix * out.shape[1], 0, 0
        for start in range(0, a.shape[2], products):
            total = 0
            for k in range(start, min(start + products, a.shape[2])):
                weight = as_int(b[matrix, k, column]) - zero
                total += (as_int(a[matrix, row, k]) - subtracted) * weight
                weights += weight
            acc = accumulate(acc, total, q, column)
        acc -= behind * weights
        out[matrix, row, column] = output(wrap(acc, 32) if wraps else acc, p, column) + flipped


def multiply_real(a: Any, b: Any, out: Any) -> None:
    """float32 [B, M, K], [B, K, P], [B, M, P]: a chain of FMAs, the depth's order."""
    i = cuda.grid(1)
    if i < out.size:
        line = i // out.shape[2]
        column, matrix = i - line * out.shape[2], line // out.shape[1]
        row, acc = line - matrix * out.shape[1], float32(0)
        for k in range(a.shape[2]):
            acc = fma(as_real(a[matrix, row, k]), as_real(b[matrix, k, column]), acc)
        out[matrix, row, column] = acc

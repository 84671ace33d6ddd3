"""Softmax row by row: the greatest code, the shares and their sum, the quotients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.axes import permuted
from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.cpu.pointwise import EIGHT_BITS
from int8sim.kernels.primitives import wide_vectors
from int8sim.kernels.roles import Parameters, exponential, quotient, total
from int8sim.kernels.storage import flip, stored_axis, stored_dtype
from int8sim.model.step import Arithmetic, Array, LookupTable, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import exp, float32
from int8sim.spec.softmax import table_exponential

ROLES = ("exponential", "total", "quotient")


class Along(Protocol):
    """The attributes that the kernel reads."""

    @property
    def axis(self) -> int: ...


def prepare(
    op: Along,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del constants
    axis = stored_axis(inputs[0], op.axis)
    if arithmetic is None:
        return _rows(build(softmax_float), (), axis, "float32")
    steps = {role: bind(step) for role, step in tabled(arithmetic, inputs[0]).items()}
    kernel = build(softmax, {role: built for role, (built, _) in steps.items()})
    return _rows(kernel, (*(steps[role][1] for role in ROLES), flip(output_type)), axis, stored_dtype(output_type))


def tabled(arithmetic: Arithmetic, x: TensorType) -> Arithmetic:
    """The steps; the exponential of 8-bit codes by a table of all differences."""
    step = arithmetic["exponential"]
    if x.dtype not in EIGHT_BITS or step.function is table_exponential:
        return arithmetic
    table = np.array([step(difference) for difference in range(-255, 1)])
    return {**arithmetic, "exponential": Step(table_exponential, {"table": LookupTable(table)})}


def _rows(kernel: Callable[..., None], last: tuple[object, ...], axis: int, dtype: str) -> Callable[[Array], Array]:
    def call(stored: Array) -> Array:
        order = [each for each in range(stored.ndim) if each != axis] + [axis]
        moved = permuted(stored, order)
        out = empty(moved.shape, dtype)
        kernel(moved.reshape(-1, moved.shape[-1]), out.reshape(-1, moved.shape[-1]), *last)
        return permuted(out, [order.index(each) for each in range(stored.ndim)])

    return call


def softmax(x: Array, out: Array, q: Parameters, r: Parameters, s: Parameters, flipped: int) -> None:
    """Stored codes [rows, length]; differences of stored values are differences of codes."""
    shares = np.full(x.shape[1], exponential(0, q, 0))  # of the type that the step gives
    for i in range(x.shape[0]):
        greatest = largest(x[i])
        shares[0] = exponential(np.int64(x[i, 0]) - greatest, q, 0)
        acc = total(0, shares[0], r, 0)
        for j in range(1, x.shape[1]):
            shares[j] = exponential(np.int64(x[i, j]) - greatest, q, 0)
            acc = total(acc, shares[j], r, 0)
        divide(shares, acc, s, flipped, out[i])


def largest(row: Array) -> Any:
    """Of stored codes."""
    greatest = row[0]
    for j in range(np.uint64(row.shape[0])):
        greatest = max(greatest, row[j])
    return np.int64(greatest)


def divide(shares: Array, acc: float, s: Parameters, flipped: int, out: Array) -> None:
    """The stored quotients of one row."""
    wide_vectors()
    for j in range(np.uint64(shares.shape[0])):
        out[j] = quotient(shares[j], acc, s, 0) + flipped


def softmax_float(x: Array, out: Array) -> None:
    """float32 [rows, length]."""
    for i in range(x.shape[0]):
        greatest = x[i, 0]
        for j in range(1, x.shape[1]):
            greatest = max(greatest, x[i, j])
        acc: Any = np.float32(0.0)
        for j in range(x.shape[1]):
            out[i, j] = exp(float32(x[i, j] - greatest))
        for j in range(x.shape[1]):
            acc = float32(acc + out[i, j])
        for j in range(x.shape[1]):
            out[i, j] = float32(out[i, j] / acc)

"""Softmax row by row: the greatest code, the shares and their sum, the quotients."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.roles import Parameters, exponential, quotient, total
from int8sim.kernels.storage import flip, stored_axis, stored_dtype
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import exp, float32

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
    steps = {role: bind(arithmetic[role]) for role in ROLES}
    kernel = build(softmax, {role: built for role, (built, _) in steps.items()})
    return _rows(kernel, (*(steps[role][1] for role in ROLES), flip(output_type)), axis, stored_dtype(output_type))


def _rows(kernel: Callable[..., None], last: tuple[object, ...], axis: int, dtype: str) -> Callable[[Array], Array]:
    def call(stored: Array) -> Array:
        moved = np.ascontiguousarray(np.moveaxis(stored, axis, -1))
        out = np.empty(moved.shape, dtype)
        kernel(moved.reshape(-1, moved.shape[-1]), out.reshape(-1, moved.shape[-1]), *last)
        return np.ascontiguousarray(np.moveaxis(out, -1, axis))

    return call


def softmax(x: Array, out: Array, q: Parameters, r: Parameters, s: Parameters, flipped: int) -> None:
    """Stored codes [rows, length]; differences of stored values are differences of codes."""
    for i in range(x.shape[0]):
        greatest = np.int64(x[i, 0])
        for j in range(1, x.shape[1]):
            greatest = max(greatest, np.int64(x[i, j]))
        acc = total(0, exponential(np.int64(x[i, 0]) - greatest, q, 0), r, 0)
        for j in range(1, x.shape[1]):
            acc = total(acc, exponential(np.int64(x[i, j]) - greatest, q, 0), r, 0)
        for j in range(x.shape[1]):
            share = exponential(np.int64(x[i, j]) - greatest, q, 0)
            out[i, j] = quotient(share, acc, s, 0) + flipped


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

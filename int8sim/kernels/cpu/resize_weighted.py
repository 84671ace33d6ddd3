"""Resizing by weights in float32, compiled: one kernel along either axis. Codes in NumPy, but for the step behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.cpu.pointwise import by_loop, recode
from int8sim.kernels.storage import flip
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma

Places = Sequence[tuple[int, tuple[float, ...]]]


class Weighted(Protocol):
    """The attributes that the kernel reads."""

    @property
    def rows(self) -> Places: ...
    @property
    def columns(self) -> Places: ...
    @property
    def outside(self) -> float: ...


def prepare(
    op: Weighted,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del constants
    if arithmetic is not None:
        return of_codes(op, inputs[0], output_type, arithmetic["output"])
    rows, columns, kernel, outside = packed(op.rows), packed(op.columns), build(weigh), np.float32(op.outside)
    beyond = [j for j, (_, weights) in enumerate(op.columns) if not weights]

    def call(stored: Array) -> Array:
        n, height, width, channels = stored.shape
        line = len(op.columns) * channels
        wide, out = empty((n, height, line), "float32"), empty((n, len(op.rows), line), "float32")
        cells, places = (n * height, width, channels), (n * height, len(op.columns), channels)
        kernel(stored.reshape(cells), *columns, outside, wide.reshape(places))
        kernel(wide, *rows, outside, out)
        resized = out.reshape(n, len(op.rows), len(op.columns), channels)
        if beyond:
            resized[:, :, beyond] = outside
        return resized

    return call


def of_codes(op: Weighted, x: TensorType, y: TensorType, step: Step) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form: exact sums of 32 bits along columns, then rows, then the step."""
    one = 2.0 ** (step.at(0)[0] / 2)
    rows, columns = ((first, (table * one).astype(np.int32)) for first, _, table in map(packed, (op.rows, op.columns)))
    output = by_loop(step, recode, y, flip(y))

    def call(stored: Array) -> Array:
        codes = stored.astype(np.int32) - flip(x)
        return output(np.ascontiguousarray(along(along(codes, *columns, 2), *rows, 1)))

    return call


def along(x: Array, firsts: Array, weights: Array, axis: int) -> Array:
    """int32 [N, H, W, C] by weights, int32 [places, most], along one axis; the cells behind the last weigh nothing."""
    shape = [1] * x.ndim
    shape[axis] = -1
    cells = [np.minimum(firsts + k, x.shape[axis] - 1) for k in range(weights.shape[1])]
    parts = [x.take(cell, axis) * weights[:, k].reshape(shape) for k, cell in enumerate(cells)]
    total: Array = np.add.reduce(parts)
    return total


def packed(places: Places) -> tuple[Array, Array, Array]:
    """First cells and counts of weights, int64 [places]; weights, float32 [places, most]."""
    counts = [len(weights) for _, weights in places]
    table = np.zeros((len(places), max(1, *counts)), np.float32)
    for line, (_, weights) in zip(table, places, strict=True):
        line[: len(weights)] = weights
    return np.array([first for first, _ in places], np.int64), np.array(counts, np.int64), table


def weigh(x: Array, firsts: Array, counts: Array, weights: Array, outside: float, out: Array) -> None:
    """float32 [lines, cells, values] to [lines, places, values]; the first two cells at once: linear has no more."""
    for n in range(np.uint64(out.shape[0])):
        for i in range(np.uint64(out.shape[1])):
            first, count, weight = np.uint64(firsts[i]), np.uint64(counts[i]), weights[i, 0]
            if count > 1:
                following, second = weights[i, 1], first + np.uint64(1)
                for c in range(np.uint64(out.shape[2])):
                    out[n, i, c] = fma(following, x[n, second, c], float32(weight * x[n, first, c]))
            else:
                for c in range(np.uint64(out.shape[2])):
                    out[n, i, c] = float32(weight * x[n, first, c]) if count else outside
            for k in range(np.uint64(2), count):
                weight = weights[i, k]
                for c in range(np.uint64(out.shape[2])):
                    out[n, i, c] = fma(weight, x[n, first + k, c], out[n, i, c])

"""Normalization of each sample over some axes in float32, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.reduce_mean import by_rows, means
from int8sim.kernels.storage import own_layout, stored_layout
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma, power


class Normalizing(Protocol):
    """The attributes that the kernel reads."""

    @property
    def axes(self) -> tuple[int, ...]: ...
    @property
    def epsilon(self) -> float: ...


def prepare(
    op: Normalizing,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del arithmetic
    shape, kernel = inputs[0].shape, build(normalize)
    factors = [by_rows(np.broadcast_to(constants[i], shape), op.axes).astype(np.float32) for i in (1, 2)]
    order = [*(axis for axis in range(len(shape)) if axis not in op.axes), *op.axes]

    def call(stored: Array) -> Array:
        x = by_rows(own_layout(stored, inputs[0]), op.axes)
        out, middle = np.empty_like(x), np.empty(len(x), np.float32)
        kernel(x, middle, *factors, np.float32(op.epsilon), out)
        moved = out.reshape([len(stored), *(shape[axis] for axis in order[1:])])
        return stored_layout(np.ascontiguousarray(moved.transpose(np.argsort(order))), output_type)

    return call


def normalize(x: Array, middle: Array, gamma: Array, beta: Array, epsilon: float, out: Array) -> None:
    """float32 [rows, count]; gamma and beta of one sample's rows. middle: scratch, float32 [rows]."""
    means(x, middle)
    count = float32(x.shape[1])
    for i in range(x.shape[0]):
        total: Any = np.float32(0.0)
        for j in range(x.shape[1]):
            out[i, j] = float32(x[i, j] - middle[i])
            total = fma(out[i, j], out[i, j], total)
        r = power(float32(float32(total / count) + epsilon), -0.5)
        row = i % gamma.shape[0]
        for j in range(x.shape[1]):
            out[i, j] = fma(float32(out[i, j] * r), gamma[row, j], beta[row, j])

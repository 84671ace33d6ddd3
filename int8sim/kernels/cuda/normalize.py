"""Normalization of each sample over some axes in float32: each row's mean and deviation, then its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cpu.normalize import Normalizing
from int8sim.kernels.cpu.reduce_mean import by_rows
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, place
from int8sim.kernels.cuda.gather import gathered, own_places
from int8sim.kernels.cuda.primitives import as_real
from int8sim.kernels.storage import stored_layout
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, fma, power


def prepare(
    op: Normalizing,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del arithmetic
    kind, size = inputs[0], math.prod(inputs[0].shape)
    rows = by_rows(own_places(kind), op.axes)
    back = np.argsort(by_rows(np.arange(size).reshape(kind.shape), op.axes), axis=None).reshape(kind.shape)
    into, out_of = gathered(rows[None], size), gathered(stored_layout(back, output_type), size)
    factors = [place(by_rows(np.broadcast_to(constants[i], kind.shape), op.axes).astype(np.float32)) for i in (1, 2)]
    measuring, applying, epsilon = build(measure), build(apply), np.float32(op.epsilon)

    def call(stored: DeviceArray) -> DeviceArray:
        x = into(stored).reshape(-1, rows.shape[1])
        middle, scale, out = empty(x.shape[:1], "float32"), empty(x.shape[:1], "float32"), empty(x.shape, "float32")
        measuring.launch_each(x.shape[0], x.reshape(-1), epsilon, middle, scale)
        applying.launch_each(
            x.size, x.reshape(-1), middle, scale, *(each.reshape(-1) for each in factors), out.reshape(-1)
        )
        return out_of(out)

    return call


def measure(x: Any, epsilon: float, middle: Any, scale: Any) -> None:
    """x: float32, rows behind each other. middle, scale: each row's mean, and one over its deviation."""
    row, count = cuda.grid(1), x.shape[0] // middle.shape[0]
    if row < middle.shape[0]:
        total, first = float32(0.0), row * count
        for j in range(count):
            total = float32(total + as_real(x[first + j]))
        mean, squares = float32(total / float32(count)), float32(0.0)
        for j in range(count):
            apart = float32(as_real(x[first + j]) - mean)
            squares = fma(apart, apart, squares)
        middle[row] = mean
        scale[row] = power(float32(float32(squares / float32(count)) + epsilon), float32(-0.5))


def apply(x: Any, middle: Any, scale: Any, gamma: Any, beta: Any, out: Any) -> None:
    """gamma, beta: float32, of one sample's rows."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        row, factor = i // (x.shape[0] // middle.shape[0]), i % gamma.shape[0]
        apart = float32(as_real(x[i]) - as_real(middle[row]))
        out[i] = fma(float32(apart * as_real(scale[row])), as_real(gamma[factor]), as_real(beta[factor]))

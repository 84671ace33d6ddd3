"""Sums of two tensors, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.roles import Parameters, combine
from int8sim.kernels.storage import flip, to_storage
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """a, b in storage form -> y in storage form. A constant operand, in float32 only, is given here and not then."""
    del op
    if arithmetic is None:
        fixed = [to_storage(values, inputs[place]) for place, values in constants.items()]
        return lambda *given: np.add(*given, *fixed, dtype=np.float32)
    built, values = bind(arithmetic["combine"])
    kernel = build(add, {"combine": built})
    flips = flip(inputs[0]), flip(inputs[1]), flip(output_type)

    def call(a: Array, b: Array) -> Array:
        out = np.empty(a.shape, np.uint8)
        kernel(a.reshape(-1), b.reshape(-1), values, out.reshape(-1), flips)
        return out

    return call


def add(a: Array, b: Array, p: Parameters, out: Array, flips: tuple[int, int, int]) -> None:
    """uint8 [n] each."""
    for i in range(out.shape[0]):
        out[i] = np.uint8(combine(np.int64(a[i]) - flips[0], np.int64(b[i]) - flips[1], p, 0) + flips[2])

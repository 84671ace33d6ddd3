"""Two tensors of codes to one, element by element, by the layer's `combine` step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.roles import Parameters, combine, combine_at
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType


def pairs(step: Step, inputs: Sequence[TensorType], output_type: TensorType) -> Callable[[Array, Array], Array]:
    """a, b in storage form -> y in storage form."""
    built, values = bind(step)
    kernel = build(combined_at, {"combine_at": built}) if step.placed else build(combined, {"combine": built})
    flips = flip(inputs[0]), flip(inputs[1]), flip(output_type)

    def call(a: Array, b: Array) -> Array:
        out = np.empty(a.shape, stored_dtype(output_type))
        kernel(a.reshape(-1), b.reshape(-1), values, out.reshape(-1), flips)
        return out

    return call


def combined(a: Array, b: Array, p: Parameters, out: Array, flips: tuple[int, int, int]) -> None:
    """Stored codes [n] each."""
    for i in range(out.shape[0]):
        out[i] = combine(np.int64(a[i]) - flips[0], np.int64(b[i]) - flips[1], p, 0) + flips[2]


def combined_at(a: Array, b: Array, p: Parameters, out: Array, flips: tuple[int, int, int]) -> None:
    """Stored codes [n] each, by a step that asks for the place."""
    for i in range(out.shape[0]):
        left, right = np.int64(a[i]) - flips[0], np.int64(b[i]) - flips[1]
        out[i] = combine_at(left, right, i, out.shape[0], p, 0) + flips[2]

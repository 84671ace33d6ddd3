"""Two tensors of codes to one, element by element, by the layer's `combine` step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.primitives import wide_vectors
from int8sim.kernels.roles import Parameters, combine, combine_at
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import VECTOR, Array, Step
from int8sim.model.tensor import TensorType


def pairs(step: Step, inputs: Sequence[TensorType], output_type: TensorType) -> Callable[[Array, Array], Array]:
    """a, b in storage form -> y in storage form."""
    built, values = bind(step)
    loop = combined_at if step.placed else combined_real if isinstance(values[0], np.floating) else combined
    kernel = build(loop, {"combine_at" if step.placed else "combine": built})
    flips = tuple(np.int32(flip(kind)) for kind in (*inputs, output_type))

    def call(a: Array, b: Array) -> Array:
        out = empty(a.shape, stored_dtype(output_type))
        kernel(a.reshape(-1), b.reshape(-1), values, out.reshape(-1), flips)
        return out

    return KernelsOnly(call)


def combined(a: Array, b: Array, p: Parameters, out: Array, flips: tuple[int, int, int]) -> None:
    """Stored codes [n] each."""
    wide_vectors()
    for i in range(np.uint64(out.shape[0])):
        out[i] = combine(np.int64(a[i]) - flips[0], np.int64(b[i]) - flips[1], p, 0) + flips[2]


def combined_real(a: Array, b: Array, p: Parameters, out: Array, flips: tuple[int, int, int]) -> None:
    """The same by a step whose first parameter is real: it converts the codes, of 32 bits twice as many at a time."""
    wide_vectors()
    for i in range(np.uint64(out.shape[0])):
        left, right = np.int64(np.int32(a[i] - flips[0])), np.int64(np.int32(b[i] - flips[1]))
        out[i] = combine(left, right, p, 0) + flips[2]


def combined_at(a: Array, b: Array, p: Parameters, out: Array, flips: tuple[int, int, int]) -> None:
    """Stored codes [n] each, by a step that asks for the place; up to the rest behind a vector loop all are alike."""
    wide_vectors()
    size, whole = out.shape[0], out.shape[0] & -VECTOR
    for i in range(np.uint64(whole)):
        left, right = np.int64(a[i]) - flips[0], np.int64(b[i]) - flips[1]
        out[i] = combine_at(left, right, 0, VECTOR, p, 0) + flips[2]
    for i in range(whole, size):
        left, right = np.int64(a[i]) - flips[0], np.int64(b[i]) - flips[1]
        out[i] = combine_at(left, right, i, size, p, 0) + flips[2]

"""Tensors side by side, element by element; two of codes to one, by the layer's `combine` step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.primitives import wide_vectors
from int8sim.kernels.roles import Parameters, combine, combine_at
from int8sim.kernels.storage import flip, stored_dtype, stored_layout, to_storage
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import VECTOR, Arithmetic, Array, Step, row
from int8sim.model.tensor import TensorType


def by(function: Callable[[Any, Any], Any]) -> Callable[..., Callable[..., Array]]:
    """An op's `prepare`: codes by the `combine` step; float32 by `function` of two, of that and the next, and so on."""

    def prepare(
        op: object,
        inputs: Sequence[TensorType],
        output_type: TensorType,
        constants: Mapping[int, Array],
        arithmetic: Arithmetic | None,
    ) -> Callable[..., Array]:
        """The activations among the inputs, in storage form -> y in storage form."""
        del op
        if arithmetic is not None:
            return pairs(arithmetic["combine"], inputs, output_type, constants)
        every = operands(inputs, output_type, constants)
        return lambda *given: reduce(function, every(*given))

    return prepare


def operands(
    inputs: Sequence[TensorType], output: TensorType, constants: Mapping[int, Array]
) -> Callable[..., list[Array]]:
    """Activations in storage form -> all inputs in order, constants among them, with the axes of the stored output."""
    held = {place: aligned(values, inputs[place], output) for place, values in constants.items()}
    moved = {i for i, kind in enumerate(inputs) if kind.layout != output.layout} - held.keys()
    if not held and not moved:
        return lambda *given: list(given)

    def every(*given: Array) -> list[Array]:
        waiting = iter(given)
        found = [held[place] if place in held else next(waiting) for place in range(len(inputs))]
        return [stored_layout(array, output) if place in moved else array for place, array in enumerate(found)]

    return every


def aligned(values: Array, kind: TensorType, output: TensorType) -> Array:
    """A constant, whose axes are in its own order, in storage form as it meets the stored output."""
    shape = (1,) * (len(output.shape) - values.ndim) + values.shape
    return to_storage(values.reshape(shape), kind.with_shape(shape, output.layout))


def pairs(
    step: Step, inputs: Sequence[TensorType], output_type: TensorType, constants: Mapping[int, Array]
) -> Callable[..., Array]:
    """The activations among a and b, in storage form -> y in storage form."""
    built, values = bind(step)
    loop = combined_at if step.placed else combined_real if isinstance(values[0], np.floating) else combined
    kernel = build(loop, {"combine_at" if step.placed else "combine": built})
    flips = tuple(np.int32(flip(kind)) for kind in (*inputs, output_type))
    both, alike = operands(inputs, output_type, constants), {(kind.shape, kind.layout) for kind in inputs}

    def call(*given: Array) -> Array:
        meeting = both(*given)
        a, b = of_one_shape(*meeting)
        out = empty(a.shape, stored_dtype(output_type))
        rows = (np.int64(row(*(each.shape for each in meeting))),) if step.placed else ()
        kernel(a.reshape(-1), b.reshape(-1), values, out.reshape(-1), flips, *rows)
        return out

    return KernelsOnly(call) if len(alike) == 1 and not constants else call


def of_one_shape(a: Array, b: Array) -> tuple[Array, Array]:
    """What repeats is written out: a second kernel would cost more than copying bytes."""
    if a.shape == b.shape:
        return a, b
    shape = np.broadcast_shapes(a.shape, b.shape)
    return repeated(a, shape), repeated(b, shape)


def repeated(values: Array, shape: tuple[int, ...]) -> Array:
    """Values written out to a shape that they broadcast to; themselves if it is theirs."""
    if values.shape == shape:
        return values
    out = empty(shape, values.dtype)
    out[:] = values
    return out


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


def combined_at(a: Array, b: Array, p: Parameters, out: Array, flips: tuple[int, int, int], row: int) -> None:
    """Stored codes [n] each, by a step that asks for the place in a row; n: a multiple of row."""
    for start in range(0, out.shape[0], row):
        combined_in_row(a[start : start + row], b[start : start + row], p, out[start : start + row], flips)


def combined_in_row(a: Array, b: Array, p: Parameters, out: Array, flips: tuple[int, int, int]) -> None:
    """Up to the rest behind a vector loop all are alike."""
    wide_vectors()
    size, whole = out.shape[0], out.shape[0] & -VECTOR
    for i in range(np.uint64(whole)):
        left, right = np.int64(a[i]) - flips[0], np.int64(b[i]) - flips[1]
        out[i] = combine_at(left, right, 0, VECTOR, p, 0) + flips[2]
    for i in range(whole, size):
        left, right = np.int64(a[i]) - flips[0], np.int64(b[i]) - flips[1]
        out[i] = combine_at(left, right, i, size, p, 0) + flips[2]

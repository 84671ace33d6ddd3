"""Tensors side by side, element by element: two codes by the layer's `combine` step, real values by a function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cpu.elementwise import aligned
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters, place
from int8sim.kernels.cuda.gather import gathered, own_places
from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.roles import Parameters, combine, combine_at
from int8sim.kernels.storage import flip, stored_axes, stored_dtype
from int8sim.model.step import Arithmetic, Array, Step, row
from int8sim.model.tensor import TensorType


class Operand(NamedTuple):
    """A tensor as it meets the others: as it is stored, or one image of a constant; the shape before it repeats."""

    values: DeviceArray
    shape: tuple[int, ...]


Operands = Callable[..., list[Operand]]


def by(function: Callable[[Any, Any], Any]) -> Callable[..., Callable[..., DeviceArray]]:
    """An op's `prepare`: codes by the `combine` step; float32 by `function` of two, of that and the next, and so on."""

    def prepare(
        op: object,
        inputs: Sequence[TensorType],
        output_type: TensorType,
        constants: Mapping[int, Array],
        arithmetic: Arithmetic | None,
    ) -> Callable[..., DeviceArray]:
        """The activations among the inputs, in storage form -> y in storage form."""
        del op
        step = Step(function, {}) if arithmetic is None else arithmetic["combine"]
        return folded([step] * (len(inputs) - 1), inputs, output_type, constants)

    return prepare


def folded(
    steps: Sequence[Step], inputs: Sequence[TensorType], output_type: TensorType, constants: Mapping[int, Array]
) -> Callable[..., DeviceArray]:
    """The first two inputs by the first step, that and the next input by the next one ..."""
    every = operands(inputs, output_type, constants)
    pairs = [pair(step, inputs[0], kind, output_type) for step, kind in zip(steps, inputs[1:], strict=True)]

    def call(*given: DeviceArray) -> DeviceArray:
        result, *others = every(*given)
        shape = (given[0].shape[0], *stored_shape(output_type)[1:])
        for both, other in zip(pairs, others, strict=True):
            result = both(result, other, shape)
        return result.values

    return call


def stored_shape(kind: TensorType) -> tuple[int, ...]:
    """Of one image."""
    return tuple(kind.shape[axis] for axis in stored_axes(kind))


def operands(inputs: Sequence[TensorType], output: TensorType, constants: Mapping[int, Array]) -> Operands:
    """Activations in storage form -> all inputs in order, constants among them."""
    held = {i: constant(values, inputs[i], output) for i, values in constants.items()}
    arranged = {i: arrangement(kind, output) for i, kind in enumerate(inputs) if i not in held}

    def every(*given: DeviceArray) -> list[Operand]:
        waiting = iter(given)
        return [held[i] if i in held else arranged[i](next(waiting)) for i in range(len(inputs))]

    return every


def constant(values: Array, kind: TensorType, output: TensorType) -> Operand:
    """One image of it, in storage form."""
    stored = aligned(values, kind, output)
    return Operand(place(np.broadcast_to(stored, stored_shape(output))), stored.shape)


def arrangement(kind: TensorType, output: TensorType) -> Callable[[DeviceArray], Operand]:
    """An activation with its axes in the order of the stored output; what repeats is written out."""
    own = own_places(kind)
    stored = own.transpose(stored_axes(output))
    move = gathered(np.broadcast_to(stored, stored_shape(output)), own.size)
    return lambda given: Operand(move(given), (given.shape[0], *stored.shape[1:]))


def pair(step: Step, a: TensorType, b: TensorType, y: TensorType) -> Callable[..., Operand]:
    """Two operands, and the shape of the stored result -> the result."""
    built, values = bind(step)
    loop = combined_at if step.placed else combined_real if y.dtype == "float32" else combined
    kernel = build(loop, {"combine_at" if step.placed else "combine": built})
    numbers, flips = parameters(values), (flip(a), flip(b), flip(y))

    def call(left: Operand, right: Operand, shape: tuple[int, ...]) -> Operand:
        out = empty(shape, stored_dtype(y))
        last = (row(left.shape, right.shape),) if step.placed else ()
        flat = left.values.reshape(-1), right.values.reshape(-1)
        kernel.launch_each(out.size, *flat, numbers, out.reshape(-1), flips, *last)
        return Operand(out, shape)

    return call


def at(i: int, size: int) -> int:
    """Where element i of a tensor lies in one image that repeats, or in all of them."""
    return i if i < size else i % size


def combined(a: Any, b: Any, p: Parameters, out: Any, flips: tuple[int, int, int]) -> None:
    """Stored codes: out [n], a and b [n] or a part that repeats."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        left, right = as_int(a[at(i, a.shape[0])]) - flips[0], as_int(b[at(i, b.shape[0])]) - flips[1]
        out[i] = combine(left, right, p, 0) + flips[2]


def combined_real(a: Any, b: Any, p: Parameters, out: Any, _: tuple[int, int, int]) -> None:
    """float32 likewise."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = combine(as_real(a[at(i, a.shape[0])]), as_real(b[at(i, b.shape[0])]), p, 0)


def combined_at(a: Any, b: Any, p: Parameters, out: Any, flips: tuple[int, int, int], size: int) -> None:
    """Stored codes likewise, by a step that asks for the place in a row of `size` values."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        left, right = as_int(a[at(i, a.shape[0])]) - flips[0], as_int(b[at(i, b.shape[0])]) - flips[1]
        out[i] = combine_at(left, right, i % size, size, p, 0) + flips[2]

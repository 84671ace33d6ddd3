"""Ops that treat every element alone: a table of 256 entries for 8-bit codes, else a compiled loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.look_up import prepare_look_up
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.roles import Parameters, convert, convert_at
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType

EIGHT_BITS = frozenset({"int8", "uint8"})


class Real(Protocol):
    """An op with a float32 function of one value."""

    @property
    def real(self) -> Step: ...


def prepare(
    op: Real,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form: the kernel of every op that is a function of one value."""
    del constants
    return each(op.real if arithmetic is None else arithmetic["convert"], inputs[0], output_type)


def each(step: Step, x: TensorType, y: TensorType) -> Callable[[Array], Array]:
    """The step of every element of x: 8-bit codes by a table, anything else compiled."""
    if step.placed:
        return by_place(step, x, y)
    if x.dtype in EIGHT_BITS:
        return by_table(step, x, y)
    if y.dtype == "float32":
        return by_loop(step, decode if x.dtype != "float32" else evaluate, y)
    if x.dtype == "float32":
        return by_loop(step, quantize, y, flip(y))
    return by_loop(step, recode, y, flip(y))


def by_table(step: Step, x: TensorType, y: TensorType) -> Callable[[Array], Array]:
    """8-bit codes to codes or to real values: the step of each of the 256 stored values, interpreted once."""
    values = [step(stored - flip(x)) + flip(y) for stored in range(256)]
    table = np.array(values, stored_dtype(y))
    kernel = prepare_look_up(table)

    def call(stored: Array) -> Array:
        out = empty(stored.shape, table.dtype)
        kernel(stored.reshape(-1), table, out.reshape(-1))
        return out

    return KernelsOnly(call)


def by_loop(step: Step, loop: Callable[..., None], y: TensorType, *last: Any) -> Callable[[Array], Array]:
    """One of the loops below, the step compiled into it."""
    built, values = bind(step)
    kernel = build(loop, {"convert": built})

    def call(stored: Array) -> Array:
        out = empty(stored.shape, stored_dtype(y))
        kernel(stored.reshape(-1), values, out.reshape(-1), *last)
        return out

    return KernelsOnly(call)


def by_place(step: Step, x: TensorType, y: TensorType) -> Callable[[Array], Array]:
    """A step that asks for the place, compiled."""
    built, values = bind(step)
    loop = quantize_at if x.dtype == "float32" else decode_at if y.dtype == "float32" else recode_at
    kernel = build(loop, {"convert_at": built})

    def call(stored: Array) -> Array:
        out = empty(stored.shape, stored_dtype(y))
        kernel(stored.reshape(-1), values, out.reshape(-1), flip(x), flip(y))
        return out

    return KernelsOnly(call)


def quantize_at(x: Array, p: Parameters, out: Array, _: int, flipped: int) -> None:
    """float32 [n] to stored codes [n]."""
    for i in range(x.shape[0]):
        out[i] = convert_at(x[i], i, x.shape[0], p, 0) + flipped


def recode_at(x: Array, p: Parameters, out: Array, from_flipped: int, flipped: int) -> None:
    """Stored codes [n] to stored codes [n]."""
    for i in range(x.shape[0]):
        out[i] = convert_at(np.int64(x[i]) - from_flipped, i, x.shape[0], p, 0) + flipped


def decode_at(x: Array, p: Parameters, out: Array, from_flipped: int, _: int) -> None:
    """Stored codes [n] to float32 [n]."""
    for i in range(x.shape[0]):
        out[i] = convert_at(np.int64(x[i]) - from_flipped, i, x.shape[0], p, 0)


def quantize(x: Array, p: Parameters, out: Array, flipped: int) -> None:
    """float32 [n] to stored codes [n]."""
    for i in range(x.shape[0]):
        out[i] = convert(x[i], p, 0) + flipped


def recode(x: Array, p: Parameters, out: Array, flipped: int) -> None:
    """int16 [n] to stored codes [n]."""
    for i in range(x.shape[0]):
        out[i] = convert(np.int64(x[i]), p, 0) + flipped


def decode(x: Array, p: Parameters, out: Array) -> None:
    """int16 [n] to float32 [n]."""
    for i in range(x.shape[0]):
        out[i] = convert(np.int64(x[i]), p, 0)


def evaluate(x: Array, p: Parameters, out: Array) -> None:
    """float32 [n] to float32 [n]."""
    for i in range(x.shape[0]):
        out[i] = convert(x[i], p, 0)

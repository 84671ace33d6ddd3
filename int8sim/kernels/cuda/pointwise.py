"""Ops that treat every element alone: a table of 256 entries for 8-bit codes, else a thread for each element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cpu.pointwise import EIGHT_BITS, Real
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters, place
from int8sim.kernels.cuda.primitives import as_index, as_int, as_real
from int8sim.kernels.cuda.ptx import load_16, store_16
from int8sim.kernels.roles import Parameters, convert, convert_at
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType

ENTRIES = 256
TOGETHER = 16
"""Bytes that a thread looks up: one load and one store."""


def prepare(
    op: Real,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form: the kernel of every op that is a function of one value."""
    del constants
    return each(op.real if arithmetic is None else arithmetic["convert"], inputs[0], output_type)


def each(step: Step, x: TensorType, y: TensorType) -> Callable[[DeviceArray], DeviceArray]:
    """The step of every element of x: 8-bit codes by a table, anything else compiled."""
    if x.dtype in EIGHT_BITS and not step.placed:
        return by_table(step, x, y)
    built, values = bind(step)
    kernel = build(_loop(step, x, y), {"convert_at" if step.placed else "convert": built})
    numbers, flips = parameters(values), (flip(x), flip(y))

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty(stored.shape, stored_dtype(y))
        kernel.launch_each(out.size, stored.reshape(-1), numbers, out.reshape(-1), flips)
        return out

    return call


def _loop(step: Step, x: TensorType, y: TensorType) -> Callable[..., None]:
    """By whether x and y are real numbers; what gives codes flips them, which would lose the sign of a zero."""
    if x.dtype == "float32":
        return quantize_at if step.placed else evaluate if y.dtype == "float32" else quantize
    if y.dtype == "float32":
        return decode_at if step.placed else decode
    return recode_at if step.placed else recode


def by_table(step: Step, x: TensorType, y: TensorType) -> Callable[[DeviceArray], DeviceArray]:
    """8-bit codes to codes or to real values: the step of each of the 256 stored values, interpreted once."""
    table = place(np.array([step(stored - flip(x)) + flip(y) for stored in range(ENTRIES)], stored_dtype(y)))
    together = table.dtype == np.uint8
    kernel = build(look_up_bytes if together else look_up)

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty(stored.shape, table.dtype)
        threads = sum(divmod(out.size, TOGETHER)) if together else out.size
        kernel.launch_each(threads, stored.reshape(-1), table, out.reshape(-1))
        return out

    return call


def look_up_bytes(x: Any, table: Any, out: Any) -> None:
    """uint8 [n] to uint8 [n]: a thread takes sixteen of them, or one of the last n % 16."""
    s = cuda.shared.array(ENTRIES, np.uint8)
    for k in range(as_int(cuda.threadIdx.x), ENTRIES, as_int(cuda.blockDim.x)):
        s[as_index(k)] = table[as_index(k)]
    cuda.syncthreads()
    i, whole = cuda.grid(1), out.shape[0] // TOGETHER
    place = whole * (TOGETHER - 1) + i
    if i < whole:
        words = load_16(x, i * TOGETHER)
        found = four(s, words[0]), four(s, words[1]), four(s, words[2]), four(s, words[3])
        store_16(out, i * TOGETHER, found)
    elif place < out.shape[0]:
        out[as_index(place)] = s[as_int(x[as_index(place)])]


def four(table: Any, word: int) -> int:
    """The entries of a word's four bytes."""
    found = 0
    for k in range(0, 32, 8):
        found |= as_int(table[as_index((word >> k) & 255)]) << k
    return found


def look_up(x: Any, table: Any, out: Any) -> None:
    """uint8 [n] to the entries of the table, [256] of any type."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = table[as_int(x[i])]


def quantize(x: Any, p: Parameters, out: Any, flips: tuple[int, int]) -> None:
    """float32 [n] to stored codes [n]."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert(as_real(x[i]), p, 0) + flips[1]


def evaluate(x: Any, p: Parameters, out: Any, _: tuple[int, int]) -> None:
    """float32 [n] to float32 [n]."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert(as_real(x[i]), p, 0)


def recode(x: Any, p: Parameters, out: Any, flips: tuple[int, int]) -> None:
    """Stored codes [n] to stored codes [n]."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert(as_int(x[i]) - flips[0], p, 0) + flips[1]


def decode(x: Any, p: Parameters, out: Any, flips: tuple[int, int]) -> None:
    """Stored codes [n] to float32 [n]."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert(as_int(x[i]) - flips[0], p, 0)


def quantize_at(x: Any, p: Parameters, out: Any, flips: tuple[int, int]) -> None:
    """As `quantize`, by a step that asks for the place."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert_at(as_real(x[i]), i, out.shape[0], p, 0) + flips[1]


def recode_at(x: Any, p: Parameters, out: Any, flips: tuple[int, int]) -> None:
    """As `recode`, by a step that asks for the place."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert_at(as_int(x[i]) - flips[0], i, out.shape[0], p, 0) + flips[1]


def decode_at(x: Any, p: Parameters, out: Any, flips: tuple[int, int]) -> None:
    """As `decode`, by a step that asks for the place."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert_at(as_int(x[i]) - flips[0], i, out.shape[0], p, 0)

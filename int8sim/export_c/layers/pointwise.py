"""Ops that treat every element alone, and those of two tensors, element by element."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.export_c.layers.move import arranged, copies
from int8sim.kernels.compile import bind
from int8sim.kernels.roles import Parameters, combine, combine_at, convert, convert_at
from int8sim.kernels.storage import stored_layout
from int8sim.model.step import Array, Step
from int8sim.model.tensor import dtype_range

EIGHT_BITS = frozenset({"int8", "uint8"})


def pointwise(site: Site) -> list[Call]:
    """One `convert` step, or a float32 function."""
    (x,) = site.inputs()
    real = getattr(site.layer.op, "real", None)
    step = real if site.layer.arithmetic is None else site.arithmetic["convert"]
    if step is None:
        raise site.refused("it is computed in float32")
    return [each(step, x, site.out())]


def each(step: Step, x: Room, out: Room) -> Call:
    """The step of every value: of 8-bit codes by a table, interpreted once, anything else compiled."""
    built, values = bind(step)
    if step.placed:
        loop = convert_real_at if x.dtype == "float32" else convert_code_at
        return Call(loop, (x, values, out, x.count), (("convert_at", built),))
    if x.dtype in EIGHT_BITS:
        low, high = dtype_range(x.dtype)
        table = np.array([step(code) for code in range(low, high + 1)], out.dtype)
        return Call(look_up, (x, table, out, x.count, low))
    loop = convert_real if x.dtype == "float32" else convert_code
    return Call(loop, (x, values, out, x.count), (("convert", built),))


def concat(site: Site) -> list[Call]:
    """Inputs that have a step are converted first."""
    inputs, calls = site.inputs(), []
    for place, x in enumerate(inputs):
        if f"convert{place}" in site.arithmetic:
            inputs[place] = site.own(f"convert{place}", site.output.dtype, x.count)
            calls.append(each(site.arithmetic[f"convert{place}"], x, inputs[place]))
    return [*calls, *copies(site, inputs)]


def elementwise(site: Site) -> list[Call]:
    """One `combine` step of two tensors; what repeats is written out before."""
    if "combine" not in site.arithmetic:
        raise site.refused("it is computed in float32")
    calls: list[Call] = []
    both = [_operand(site, place, calls) for place in (0, 1)]
    built, values = bind(site.arithmetic["combine"])
    out, placed = site.out(), site.arithmetic["combine"].placed
    loop, role = (combined_at, "combine_at") if placed else (combined, "combine")
    return [*calls, Call(loop, (*both, values, out, out.count), ((role, built),))]


def _operand(site: Site, place: int, calls: list[Call]) -> Any:
    """An input of the output's shape: a constant, a tensor, or a copy of one, which is a call."""
    constant, y = site.constant(place), site.output
    if constant is not None:
        return np.ascontiguousarray(stored_layout(np.broadcast_to(constant, y.shape), y))
    given, moved = arranged(site, place, y.shape, y.layout)
    calls += moved
    return given


def look_up(x: Array, table: Array, out: Array, count: int, low: int) -> None:
    """table: of the codes low, low + 1 ..."""
    for i in range(count):
        out[i] = table[np.int64(x[i]) - low]


def convert_code(x: Array, p: Parameters, out: Array, count: int) -> None:
    """Codes to codes or real values."""
    for i in range(count):
        out[i] = convert(np.int64(x[i]), p, 0)


def convert_real(x: Array, p: Parameters, out: Array, count: int) -> None:
    """float32 to codes or real values."""
    for i in range(count):
        out[i] = convert(x[i], p, 0)


def convert_code_at(x: Array, p: Parameters, out: Array, count: int) -> None:
    """As convert_code, by a step that asks for the place."""
    for i in range(count):
        out[i] = convert_at(np.int64(x[i]), i, count, p, 0)


def convert_real_at(x: Array, p: Parameters, out: Array, count: int) -> None:
    """As convert_real, by a step that asks for the place."""
    for i in range(count):
        out[i] = convert_at(x[i], i, count, p, 0)


def combined(a: Array, b: Array, p: Parameters, out: Array, count: int) -> None:
    """Two codes to one."""
    for i in range(count):
        out[i] = combine(np.int64(a[i]), np.int64(b[i]), p, 0)


def combined_at(a: Array, b: Array, p: Parameters, out: Array, count: int) -> None:
    """The same by a step that asks for the place."""
    for i in range(count):
        out[i] = combine_at(np.int64(a[i]), np.int64(b[i]), i, count, p, 0)

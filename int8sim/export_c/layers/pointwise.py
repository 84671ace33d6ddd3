"""Ops that treat every element alone, and concat."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.export_c.layers.move import copies
from int8sim.export_c.layers.real_functions import clamp, half, scaled_power
from int8sim.kernels.compile import bind
from int8sim.kernels.roles import Parameters, convert, convert_at
from int8sim.model.step import Array, Step
from int8sim.model.tensor import dtype_range
from int8sim.ops.pointwise import Activation
from int8sim.ops.power import Power

EIGHT_BITS = frozenset({"int8", "uint8"})


def pointwise(site: Site) -> list[Call]:
    """One `convert` step, or a float32 function."""
    (x,) = site.inputs()
    return [each(_function(site) if site.layer.arithmetic is None else site.arithmetic["convert"], x, site.out())]


def _function(site: Site) -> Step:
    """Of an op of one float32 value."""
    op: Any = site.layer.op
    if isinstance(op, Power):
        numbers = {"scale": op.scale, "shift": op.shift, "exponent": op.exponent}
        return Step(scaled_power, {key: np.float32(value) for key, value in numbers.items()})
    if hasattr(op, "real_bounds"):
        return Step(clamp, dict(zip(("low", "high"), map(np.float32, op.real_bounds), strict=True)))
    return op.real if isinstance(op, Activation) else Step(half, {})


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

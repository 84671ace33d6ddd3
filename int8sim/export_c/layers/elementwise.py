"""Ops of two tensors or more, element by element; what repeats is written out before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Site
from int8sim.export_c.layers.move import arranged
from int8sim.export_c.layers.real_functions import add, divide, greater, lesser, multiply, subtract, weighted
from int8sim.kernels.compile import bind
from int8sim.kernels.flatten import Function
from int8sim.kernels.roles import Parameters, combine, combine_at
from int8sim.kernels.storage import stored_layout
from int8sim.model.step import Array, Step
from int8sim.ops.prelu import Prelu
from int8sim.ops.weighted_sum import WeightedSum
from int8sim.spec.activations import leaky_relu
from int8sim.spec.float32 import power

REAL: Mapping[str, Function] = {
    "add": add,
    "divide": divide,
    "maximum": greater,
    "minimum": lesser,
    "multiply": multiply,
    "pow": power,
    "subtract": subtract,
}
"""Float32 ops of two values; maximum and minimum take more, one after the other."""


def elementwise(site: Site) -> list[Call]:
    """One `combine` step of two tensors of codes."""
    calls: list[Call] = []
    a, b = (_operand(site, place, calls) for place in (0, 1))
    return [*calls, _pair(site, site.arithmetic["combine"], a, b)]


def elementwise_of_reals(site: Site) -> list[Call]:
    """The first two inputs, then that and the next."""
    calls: list[Call] = []
    total, *others = [_operand(site, place, calls) for place in range(len(site.types))]
    for place, each in enumerate(others, 1):
        calls.append(_pair(site, _function(site, place), total, each))
        total = site.out()
    return calls


def prelu(site: Site) -> list[Call]:
    """x and its slope, of codes or real values."""
    op, slope = site.layer.op, site.constant(1)
    assert isinstance(op, Prelu)
    assert slope is not None
    step = Step(leaky_relu, {}) if site.layer.arithmetic is None else site.arithmetic["combine"]
    return [_pair(site, step, site.inputs()[0], _written_out(site, op.slopes(site.types[0], slope)))]


def _function(site: Site, place: int) -> Step:
    """Of all before an input, and that."""
    op = site.layer.op
    if not isinstance(op, WeightedSum):
        return Step(REAL[op.name], {})
    left = op.coefficients[0] if place == 1 else 1.0
    return Step(weighted, {"left": np.float32(left), "right": np.float32(op.coefficients[place])})


def _pair(site: Site, step: Step, a: Any, b: Any) -> Call:
    built, values = bind(step)
    out = site.out()
    loop = combined_at if step.placed else combined_reals if site.layer.arithmetic is None else combined
    return Call(loop, (a, b, values, out, out.count), (("combine_at" if step.placed else "combine", built),))


def _operand(site: Site, place: int, calls: list[Call]) -> Any:
    """An input of the output's shape: a constant, a tensor, or a copy of one, which is a call."""
    constant, y = site.constant(place), site.output
    if constant is not None:
        return _written_out(site, constant)
    given, moved = arranged(site, place, y.shape, y.layout)
    calls += moved
    return given


def _written_out(site: Site, constant: Array) -> Array:
    y = site.output
    return np.ascontiguousarray(stored_layout(np.broadcast_to(constant, y.shape), y))


def combined_reals(a: Array, b: Array, p: Parameters, out: Array, count: int) -> None:
    """Two real values to one."""
    for i in range(count):
        out[i] = combine(a[i], b[i], p, 0)


def combined(a: Array, b: Array, p: Parameters, out: Array, count: int) -> None:
    """Two codes to one."""
    for i in range(count):
        out[i] = combine(np.int64(a[i]), np.int64(b[i]), p, 0)


def combined_at(a: Array, b: Array, p: Parameters, out: Array, count: int) -> None:
    """The same by a step that asks for the place."""
    for i in range(count):
        out[i] = combine_at(np.int64(a[i]), np.int64(b[i]), i, count, p, 0)

"""NVDLA's element-wise stages on arrays: converters, SDP X and Y, tables, saturation flags, compiled from the spec."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.roles import Parameters, convert
from int8sim.model.step import Array, Number, Step


def stage(function: Callable[..., Any], x: Array, dtype: str, **registers: Number | bool) -> Array:
    """function(x, **registers) for every element of x [..., channels], as an array of `dtype`.

    function: a spec function whose first argument is the data; where it returns a tuple of n, so does the array in a
    last axis of n. registers: its other arguments by name, a number or one value per channel; what is left out keeps
    its default. Operands of every element, as of an element-wise layer: give x and them as [1, elements]. The sum of a
    flag over a cube is the hardware's counter. Raises TypeError for an argument that the function has not or misses.
    """
    given = inspect.signature(function).bind(None, **registers)
    given.apply_defaults()
    names = list(given.arguments)[1:]
    built, values = bind(Step(function, {name: _flat(given.arguments[name]) for name in names}))
    rows = np.array(x, np.int64, order="C").reshape(-1, x.shape[-1])
    numbers = get_args(get_type_hints(function)["return"])
    out = np.empty((*rows.shape, len(numbers)) if numbers else rows.shape, dtype)
    build(tuples if numbers else elements, {"convert": built})(rows, values, out)
    return out.reshape(*x.shape, *out.shape[2:])


def _flat(value: Number) -> Number:
    return value.reshape(-1) if isinstance(value, np.ndarray) else value


def elements(x: Array, p: Parameters, out: Array) -> None:
    """x: int64 [rows, channels]. out: any integer type."""
    for i in range(x.shape[0]):
        for channel in range(x.shape[1]):
            out[i, channel] = convert(x[i, channel], p, channel)


def tuples(x: Array, p: Parameters, out: Array) -> None:
    """The same with out [rows, channels, n]."""
    for i in range(x.shape[0]):
        for channel in range(x.shape[1]):
            found = convert(x[i, channel], p, channel)
            for place in range(out.shape[2]):
                out[i, channel, place] = found[place]

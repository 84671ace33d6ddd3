"""The compiled kernels under proof, as functions from operands to codes; and the comparison, compiled too."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from types import FunctionType
from typing import Any

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.conv2d import requantize
from int8sim.kernels.roles import Parameters, convert
from int8sim.kernels.storage import flip, from_storage, stored_dtype
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType

Codes = Callable[[Array], Array]
"""Operands, int32 accumulators or uint32 patterns [n], to codes of the output's dtype [n]."""

COLUMNS = 1024
"""Channels that the accumulators of a block are laid over."""


def converter(step: Step, dtype: str, channel: int = 0) -> Codes:
    """A layer's own output kernel: kernels/cpu/conv2d.py, `requantize`, bound to the step as a layer binds it.

    Every channel has the parameters of `channel`. dtype: of the codes.
    """
    kind = TensorType((1, COLUMNS), dtype)
    built, values = bind(_widened(step, channel))
    finish = build(requantize, {"output": built})

    def codes(operands: Array) -> Array:
        totals = operands.reshape(-1, math.gcd(len(operands), COLUMNS))
        stored = np.empty(totals.shape, stored_dtype(kind))
        finish(totals, values, stored, flip(kind))
        return from_storage(stored, kind).reshape(-1)

    return codes


def _widened(step: Step, channel: int) -> Step:
    """One channel's parameters for all of COLUMNS; what is no array stays."""
    parameters = {
        name: np.repeat(value[channel], COLUMNS) if isinstance(value, np.ndarray) else value
        for name, value in step.parameters.items()
    }
    return Step(step.function, parameters)


def conversion(step: Step, dtype: str) -> Codes:
    """spec.cvt's float32_to_int8, compiled for the step's rounding, type and flush. dtype: int8 or uint8."""
    built, values = bind(Step(_specialised(step.function, tuple(step.at(0))), {}))
    kernel = build(converted, {"convert": built})

    def codes(operands: Array) -> Array:
        out = np.empty(operands.shape, dtype)
        kernel(operands, values, out)
        return out

    return codes


@functools.cache
def _specialised(function: Callable[..., Any], constants: tuple[int, ...]) -> Callable[..., Any]:
    """The same function with its last parameters as defaults: the compiler sees constants, and vectorises."""
    assert isinstance(function, FunctionType)
    return FunctionType(function.__code__, function.__globals__, function.__name__, constants)


def converted(patterns: Array, p: Parameters, out: Array) -> None:
    """One conversion over uint32 [n] to int8 or uint8 [n]."""
    for i in range(np.uint64(patterns.shape[0])):
        out[i] = convert(np.int64(patterns[i]), p, 0)


def differences(found: Array, place: int, run: int, starts: Array, codes: Array) -> int:
    """How many of `found` are not the code of their run. found, codes: one dtype; place, run: of the first one."""
    different, i = 0, 0
    while i < found.shape[0]:
        stop = min(found.shape[0], i + starts[run + 1] - place)
        for j in range(np.uint64(i), np.uint64(stop)):
            different += found[j] != codes[run]
        place, i, run = place + stop - i, stop, run + 1
        if run == codes.shape[0]:
            place, run = 0, 0
    return different

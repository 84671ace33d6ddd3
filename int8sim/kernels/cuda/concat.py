"""Tensors side by side; an input of another scale is converted first."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numba import cuda

from int8sim.kernels.cpu.concat import Along
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty
from int8sim.kernels.cuda.pointwise import each
from int8sim.kernels.storage import stored_axis, stored_dtype
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: Along,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., DeviceArray]:
    """Tensors in storage form -> y in storage form."""
    del constants
    axis, steps, kernel = stored_axis(output_type, op.axis), arithmetic or {}, build(beside)
    converts = {
        i: each(steps[f"convert{i}"], kind, output_type) for i, kind in enumerate(inputs) if f"convert{i}" in steps
    }

    def call(*given: DeviceArray) -> DeviceArray:
        parts = [converts[i](part) if i in converts else part for i, part in enumerate(given)]
        shape = list(parts[0].shape)
        shape[axis] = sum(part.shape[axis] for part in parts)
        out, behind = empty(tuple(shape), stored_dtype(output_type)), math.prod(shape[axis + 1 :])
        start = 0
        for part in parts:
            run = part.shape[axis] * behind
            kernel.launch_each(part.size, part.reshape(-1), run, start, shape[axis] * behind, out.reshape(-1))
            start += run
        return out

    return call


def beside(x: Any, run: int, start: int, length: int, out: Any) -> None:
    """x: flat, in runs. out: in stretches of `length` values, each with a run behind its first `start`."""
    i = cuda.grid(1)
    if i < x.shape[0]:
        stretch = i // run
        out[stretch * length + start + i - stretch * run] = x[i]

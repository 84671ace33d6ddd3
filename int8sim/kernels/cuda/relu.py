"""Clamping, by the layer's step; of real values at the bounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.cpu.relu import Bounded
from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.pointwise import each
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType


def prepare(
    op: Bounded,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del constants
    low, high = map(np.float32, op.real_bounds)
    step = Step(clamped, {"low": low, "high": high}) if arithmetic is None else arithmetic["convert"]
    return each(step, inputs[0], output_type)


def clamped(x: float, low: float, high: float) -> float:
    """A bound as it is written, also for a zero of the other sign; NaN stays."""
    return low if x <= low else high if x >= high else x

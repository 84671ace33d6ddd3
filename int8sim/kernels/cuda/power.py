"""(shift + scale * x)**exponent in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.cpu.power import Powered
from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.pointwise import each
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import fma
from int8sim.spec.float32 import power as to_the_power


def prepare(
    op: Powered,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del constants, arithmetic
    numbers = {"scale": np.float32(op.scale), "shift": np.float32(op.shift)}
    if op.exponent == 1.0:
        return each(Step(shifted, numbers), inputs[0], output_type)
    return each(Step(raised, {**numbers, "exponent": np.float32(op.exponent)}), inputs[0], output_type)


def shifted(x: float, scale: float, shift: float) -> float:
    """float32."""
    return fma(x, scale, shift)


def raised(x: float, scale: float, shift: float, exponent: float) -> float:
    """float32."""
    return to_the_power(shifted(x, scale, shift), exponent)

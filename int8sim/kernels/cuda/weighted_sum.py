"""Sums of tensors times their coefficients, element by element: one rounding for each product and each sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.cpu.weighted_sum import Weighted
from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.elementwise import folded
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32


def prepare(
    op: Weighted,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., DeviceArray]:
    """The activations among the inputs, in storage form -> y in storage form."""
    del arithmetic
    first, second, *others = map(np.float32, op.coefficients)
    steps = [Step(two, {"first": first, "second": second}), *(Step(another, {"factor": c}) for c in others)]
    return folded(steps, inputs, output_type, constants)


def two(a: float, b: float, first: float, second: float) -> float:
    """float32."""
    return float32(float32(first * a) + float32(second * b))


def another(total: float, x: float, factor: float) -> float:
    """float32."""
    return float32(total + float32(factor * x))

"""Sums of tensors times their coefficients, element by element: one rounding for each product and each sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Protocol

import numpy as np

from int8sim.kernels.cpu.elementwise import operands
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Weighted(Protocol):
    """The attribute that the kernel reads."""

    @property
    def coefficients(self) -> tuple[float, ...]: ...


def prepare(
    op: Weighted,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """The activations among the inputs, in storage form -> y in storage form."""
    del arithmetic
    factors, every = [np.float32(c) for c in op.coefficients], operands(inputs, output_type, constants)
    return lambda *given: reduce(np.add, [c * x for c, x in zip(factors, every(*given), strict=True)])

"""Sums of tensors times their coefficients, element by element: one rounding for each product and each sum."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Protocol

import numpy as np

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
    """Tensors in storage form -> y in storage form."""
    del inputs, output_type, constants, arithmetic
    factors = [np.float32(c) for c in op.coefficients]
    return lambda *given: reduce(np.add, [c * x for c, x in zip(factors, given, strict=True)])

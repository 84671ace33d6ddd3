"""x where x > 0, else x * slope, by NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Leaky(Protocol):
    """The attribute that the kernel reads."""

    @property
    def slope(self) -> float: ...


def prepare(
    op: Leaky,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del inputs, output_type, constants, arithmetic
    slope = np.float32(op.slope)
    return lambda stored: np.where(stored > 0, stored, stored * slope)

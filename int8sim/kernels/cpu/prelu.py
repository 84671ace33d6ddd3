"""x where x > 0, else x * slope of its channel, by NumPy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form, channels last -> y in storage form."""
    del op, inputs, output_type, arithmetic
    slopes = constants[1].astype(np.float32)
    return lambda stored: np.where(stored > 0, stored, stored * slopes)

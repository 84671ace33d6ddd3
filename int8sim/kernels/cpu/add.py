"""Sums of two tensors, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.cpu.elementwise import pairs
from int8sim.kernels.storage import to_storage
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """a, b in storage form -> y in storage form. A constant operand, in float32 only, is given here and not then."""
    del op
    if arithmetic is not None:
        return pairs(arithmetic["combine"], inputs, output_type)
    fixed = [to_storage(values, inputs[place]) for place, values in constants.items()]
    return lambda *given: np.add(*given, *fixed, dtype=np.float32)

"""Products of tensors, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from int8sim.kernels.cpu.elementwise import pairs
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """Tensors in storage form -> y in storage form."""
    del op, constants
    if arithmetic is not None:
        return pairs(arithmetic["combine"], inputs, output_type)
    return lambda *given: reduce(np.multiply, given)

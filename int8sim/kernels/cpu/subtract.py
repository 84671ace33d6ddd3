"""Differences of two tensors, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.cpu.elementwise import operands, pairs
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """The activations among a and b, in storage form -> y in storage form."""
    del op
    if arithmetic is not None:
        return pairs(arithmetic["combine"], inputs, output_type, constants)
    both = operands(inputs, output_type, constants)
    return lambda *given: np.subtract(*both(*given))

"""The greatest of tensors, element by element, the first of equals; np.maximum leaves open which zero that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce

import numpy as np

from int8sim.kernels.cpu.elementwise import operands
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """The activations among the inputs, in storage form -> y in storage form."""
    del op, arithmetic
    every = operands(inputs, output_type, constants)
    return lambda *given: reduce(lambda greatest, x: np.where(x > greatest, x, greatest), every(*given))

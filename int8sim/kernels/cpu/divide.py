"""Quotients of two tensors, element by element."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.cpu.elementwise import operands
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import NAN_BITS, float32_from_bits


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """The activations among a and b, in storage form -> y in storage form."""
    del op, arithmetic
    both = operands(inputs, output_type, constants)

    def call(*given: Array) -> Array:
        found: Array
        with np.errstate(divide="ignore", invalid="ignore"):
            found = np.divide(*both(*given))
        found[np.isnan(found)] = float32_from_bits(NAN_BITS)
        return found

    return call

"""Codes to real values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cpu.pointwise import each
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic,
) -> Callable[[Array], Array]:
    """Codes in storage form -> float32 in storage form."""
    del op, constants
    return each(arithmetic["convert"], inputs[0], output_type)

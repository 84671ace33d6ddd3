"""The average pool whose one window is the whole input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from int8sim.kernels.cpu import average_pool
from int8sim.kernels.cpu.max_pool import output_height_width
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


@dataclass(frozen=True)
class Whole:
    """A window of the size of the input."""

    kernel_shape: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    count_include_pad: bool = False


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del op
    return average_pool.prepare(Whole(output_height_width(inputs[0])), inputs, output_type, constants, arithmetic)

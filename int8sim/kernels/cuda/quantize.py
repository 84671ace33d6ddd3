"""Real values to codes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.pointwise import each
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic,
) -> Callable[[DeviceArray], DeviceArray]:
    """float32 in storage form -> codes in storage form."""
    del op, constants
    return each(arithmetic["convert"], inputs[0], output_type)

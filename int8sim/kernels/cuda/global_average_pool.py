"""The average pool whose one window is the whole input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cpu.global_average_pool import Whole
from int8sim.kernels.cpu.max_pool import output_height_width
from int8sim.kernels.cuda import average_pool
from int8sim.kernels.cuda.device import DeviceArray
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del op
    return average_pool.prepare(Whole(output_height_width(inputs[0])), inputs, output_type, constants, arithmetic)

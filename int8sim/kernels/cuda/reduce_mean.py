"""Means over some axes: an average pool of these axes in a column, all others as its channels."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cpu.global_average_pool import Whole
from int8sim.kernels.cpu.reduce_mean import Reducing
from int8sim.kernels.cuda import average_pool
from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.gather import gathered, own_places
from int8sim.kernels.storage import stored_layout
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: Reducing,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    x = inputs[0]
    others = [axis for axis in range(1, len(x.shape)) if axis not in op.axes]
    count, rest = (math.prod(x.shape[axis] for axis in some) for some in (op.axes, others))
    image, pooled = x.with_shape((1, count, 1, rest), "NHWC"), output_type.with_shape((1, 1, 1, rest), "NHWC")
    column = gathered(own_places(x).transpose(0, *op.axes, *others).reshape(image.shape), count * rest)
    pool = average_pool.prepare(Whole((count, 1)), [image], pooled, constants, arithmetic)
    places = own_places(pooled).reshape(output_type.shape)
    arranged = gathered(stored_layout(places, output_type), rest)
    return lambda stored: arranged(pool(column(stored)))

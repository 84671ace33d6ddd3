"""Cells of one value around a tensor."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.cpu.pad import Padded
from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.gather import FILLING, gathered, own_places
from int8sim.kernels.storage import flip, stored_layout
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: Padded,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del constants, arithmetic
    x = inputs[0]
    places = np.pad(own_places(x), op.widths(), constant_values=FILLING)
    filling = op.filling(x) + (flip(x) if x.quant else 0)
    return gathered(stored_layout(places, output_type), math.prod(x.shape), filling)

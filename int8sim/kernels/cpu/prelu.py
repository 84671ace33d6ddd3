"""x where x > 0, else x * slope, by NumPy; of codes the layer's `combine` step."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.cpu.elementwise import aligned, pairs
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Sloped(Protocol):
    """What the kernel asks of the op."""

    def slopes(self, kind: TensorType, slope: Array) -> Array: ...


def prepare(
    op: Sloped,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form, channels last -> y in storage form."""
    if arithmetic is not None:
        slope = op.slopes(inputs[0], constants[1])
        kinds = [inputs[0], inputs[1].with_shape(slope.shape)]
        return pairs(arithmetic["combine"], kinds, output_type, {1: slope})
    slopes = aligned(op.slopes(inputs[0], constants[1].astype(np.float32)), inputs[1], output_type)
    return lambda stored: np.where(stored > 0, stored, stored * slopes)

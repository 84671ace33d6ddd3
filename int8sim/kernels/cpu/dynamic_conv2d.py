"""Convolution of codes that x gets from its own range: the integer kernel between NumPy's ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cpu import conv2d
from int8sim.kernels.dynamic import Ranged, dynamic_product
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: Ranged,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del arithmetic
    return dynamic_product(op, inputs, output_type, constants, conv2d.prepare)

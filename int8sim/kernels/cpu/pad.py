"""Cells of one value around a stored tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.storage import flip, stored_axes
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Padded(Protocol):
    """The attributes that the kernel reads."""

    def filling(self, kind: TensorType) -> float: ...
    def widths(self) -> list[tuple[int, int]]: ...


def prepare(
    op: Padded,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del output_type, constants, arithmetic
    x, widths = inputs[0], op.widths()
    filling = op.filling(x) + (flip(x) if x.quant else 0)
    stored_widths = [widths[axis] for axis in stored_axes(x)]
    inside = tuple(slice(before, -after or None) for before, after in stored_widths)

    def call(stored: Array) -> Array:
        shape = [size + sum(width) for size, width in zip(stored.shape, stored_widths, strict=True)]
        out = np.full(shape, filling, stored.dtype)
        out[inside] = stored
        return out

    return call

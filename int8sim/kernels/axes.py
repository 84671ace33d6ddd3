"""Copies of arrays with their axes in another order."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from int8sim.model.step import Array

LEAST = 1 << 12
"""Elements below which a compiled kernel's call costs more than NumPy's copy."""


def permuted(array: Array, axes: Sequence[int], flip: int = 0) -> Array:
    """array.transpose(axes) in memory, every value XOR flip; array's own memory where no value moves or changes.

    array: contiguous. flip: 0 but for bytes.
    """
    sizes = _exchanged(array.shape, axes) if array.size >= LEAST else ()
    if sizes:
        from int8sim.kernels.cpu import swap  # Numba

        if swap.is_fast(array.itemsize, *sizes[1:]):
            return swap.swapped(array.reshape(sizes), flip).reshape([array.shape[axis] for axis in axes])
    moved = np.ascontiguousarray(array.transpose(axes))
    return moved ^ array.dtype.type(flip) if flip else moved


def _exchanged(shape: Sequence[int], axes: Sequence[int]) -> tuple[int, ...]:
    """[N, rows, columns] where the order comes to an exchange of rows and columns; else nothing."""
    order = [axis for axis in axes if shape[axis] > 1]
    while order and order[0] == min(order):
        del order[0]
    cut = order.index(min(order)) if order else 0
    if sorted(order) != order[cut:] + order[:cut] or not order:
        return ()
    rows, columns = (math.prod(shape[axis] for axis in part) for part in (order[cut:], order[:cut]))
    return math.prod(shape) // (rows * columns), rows, columns

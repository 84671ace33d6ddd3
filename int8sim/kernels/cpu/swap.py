"""Rows and columns of arrays exchanged, in squares of 16 bytes a side that are turned in registers.

A square of n vectors of n numbers takes log2(n) rounds: in each, the vectors of the upper half are interleaved with
those of the lower one. LLVM has unpack instructions for that on every machine.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.emitter import BYTE, Emitter, Shape
from int8sim.kernels.cpu.memory import empty
from int8sim.model.step import Array

SIDE = 16
"""Bytes of a square's side."""
TOGETHER = 64
"""Rows that are read together: their parts of a column's cache lines are written at once."""


def is_fast(size: int, rows: int, columns: int) -> bool:
    """Whether `swapped` is faster than NumPy with so many rows and columns of values of so many bytes."""
    return min(rows, columns) * size >= SIDE or rows in {3, 4}


def swapped(array: Array, flip: int = 0) -> Array:
    """[N, rows, columns] as [N, columns, rows], every value XOR flip. array: contiguous; flip: 0 but for bytes.

    One that cannot be written to is copied first: Numba would compile the kernel once more for it.
    """
    unsigned = np.dtype(f"u{array.itemsize}")
    out = empty((array.shape[0], array.shape[2], array.shape[1]), unsigned)
    build(swap)(np.require(array, requirements="W").view(unsigned), out, unsigned.type(flip))
    return out.view(array.dtype)


def swap(x: Array, out: Array, mask: int) -> None:
    """x: [N, rows, columns]. out: [N, columns, rows]. One unsigned dtype, the mask's too."""
    _, rows, columns = x.shape
    for n in range(x.shape[0]):
        if min(rows, columns) * x.itemsize >= SIDE:
            in_squares(x[n], out[n], mask)
        elif rows == 3:
            three_rows(x[n], out[n].reshape(-1), mask)
        else:
            four_rows(x[n], out[n].reshape(-1), mask)


def in_squares(x: Array, out: Array, mask: int) -> None:
    """The last square of a row or a column ends where that ends, over a part of the one before."""
    (rows, columns), size = x.shape, x.itemsize
    side = SIDE // size
    for first in range(0, rows, TOGETHER):
        for column in range(0, columns, side):
            left = min(column, columns - side)
            for row in range(first, min(first + TOGETHER, rows), side):
                top = min(row, rows - side)
                source = x.ctypes.data + (top * columns + left) * size
                square(mask, source, columns * size, out.ctypes.data + (left * rows + top) * size, rows * size)


def three_rows(x: Array, out: Array, mask: int) -> None:
    """x: [3, columns]. out: flat. Vectorises, as a loop over rows does not."""
    a, b, c = x[0], x[1], x[2]
    for i in range(np.uint64(x.shape[1])):
        place = np.uint64(3) * i
        out[place] = a[i] ^ mask
        out[place + np.uint64(1)] = b[i] ^ mask
        out[place + np.uint64(2)] = c[i] ^ mask


def four_rows(x: Array, out: Array, mask: int) -> None:
    """x: [4, columns]. out: flat."""
    a, b, c, d = x[0], x[1], x[2], x[3]
    for i in range(np.uint64(x.shape[1])):
        place = np.uint64(4) * i
        out[place] = a[i] ^ mask
        out[place + np.uint64(1)] = b[i] ^ mask
        out[place + np.uint64(2)] = c[i] ^ mask
        out[place + np.uint64(3)] = d[i] ^ mask


class _Square(Emitter):
    """Writes one square: loads, rounds of interleaving, stores."""

    def emit(self, mask: Any, source: Any, source_step: Any, target: Any, target_step: Any) -> None:
        """Steps: bytes between vectors."""
        builder, count = self.builder, self.shape.lanes
        lanes = [lane for pair in zip(range(count), range(count, 2 * count), strict=True) for lane in pair]
        vectors = [self.load(self._place(source, source_step, i), 0, self.vector) for i in range(count)]
        for _ in range(int(math.log2(count))):
            pairs = zip(vectors[: count // 2], vectors[count // 2 :], strict=True)
            vectors = [self.merge(*pair, half) for pair in pairs for half in (lanes[:count], lanes[count:])]
        flips = self.splat(mask, self.vector)
        for i, vector in enumerate(vectors):
            self.store(builder.xor(vector, flips), self._place(target, target_step, i), 0)

    def _place(self, address: Any, step: Any, i: int) -> Any:
        return self.builder.add(address, self.builder.mul(step, self.constant(i)))


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def square(_: Any, mask: Any, source: Any, source_step: Any, target: Any, target_step: Any) -> Any:  # noqa: ARG001
    """SIDE bytes of SIDE / size rows to as many rows of the other order. mask: of the numbers' type.

    Addresses of the first numbers, and bytes from one row to the next.
    """

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        element = arguments[0].type
        lanes = SIDE * BYTE.width // element.width
        _Square(builder, Shape(lanes, lanes, 1), element).emit(*arguments)
        return context.get_dummy_value()

    return types.void(mask, *[types.intp] * 4), code

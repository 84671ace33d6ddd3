"""Resizing by weights in float32: columns first, then rows, each cell a sum over neighbours of the axis.

A sum begins with the rounded product of the first cell; every further one is added by a fused multiply-add. Which cells
weigh how much differs between modes and engines; the op holds what they found. No engine here has an integer form.
ONNX Resize in the modes linear and cubic.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, FloatOnly, channels_last, expect, from_channels_last, image, spatial
from int8sim.spec.float32 import float32, fma

Taps = tuple[int, tuple[float, ...]]
"""The first cell that counts, and the weights of it and of those behind it, exactly float32."""


@dataclass(frozen=True)
class ResizeWeighted(FloatOnly):
    """Input: x, 4-D. rows, columns: for every output row and column what it is made of.

    outside: the value, exactly float32, where a row or column has no weights.
    """

    rows: tuple[Taps, ...]
    columns: tuple[Taps, ...]
    outside: float = 0.0

    name: ClassVar[str] = "resize_weighted"
    kind: ClassVar[str] = "resize_weighted"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        n, height, width, channels = spatial(inputs[0])
        for what, places, size in (("rows", self.rows, height), ("columns", self.columns, width)):
            expect(places, f"it has no {what}; one or more are needed")
            inside = all(0 <= first <= first + len(weights) <= size for first, weights in places)
            expect(inside, f"{what} are made of cells that are not in 0 .. {size - 1}")
        return image(inputs[0], n, len(self.rows), len(self.columns), channels)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x = channels_last(inputs[0], types[0].layout)
        out = self._along(self._along(x, self.columns, 2), self.rows, 1)
        out[:, :, [not weights for _, weights in self.columns]] = self.outside
        return from_channels_last(out, types[0].layout)

    def _along(self, x: Array, places: Sequence[Taps], axis: int) -> Array:
        lines = np.moveaxis(x, axis, -1)
        out = np.empty((*lines.shape[:-1], len(places)), np.float32)
        for index in np.ndindex(*lines.shape[:-1]):
            line = lines[index].tolist()
            out[index] = [_weighted(line[first:], weights, self.outside) for first, weights in places]
        return np.moveaxis(out, -1, axis)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = TensorType((1, 1, 2, 2), "float32", "NCHW"), TensorType((1, 1, 1, 4), "float32", "NCHW")
        given = ([[1.0, 2.0], [3.0, 6.0]],)
        columns = (0, (1.0,)), (0, (0.75, 0.25)), (1, (1.0,)), (0, ())
        # the columns are 1, 1.25, 2 and 3, 3.75, 6
        op = cls(((0, (0.5, 0.5)),), columns, 0.5)
        yield Case("between two rows, and outside", op, kinds[:1], given, kinds[1], [[2.0, 2.5, 4.0, 0.5]])


def _weighted(cells: Sequence[float], weights: Sequence[float], outside: float) -> float:
    """The sum of the first cells by their weights."""
    if not weights:
        return outside
    total = float32(weights[0] * cells[0])
    for weight, cell in zip(weights[1:], cells[1:], strict=False):
        total = fma(weight, cell, total)
    return total

"""Resizing by weights in float32: columns first, then rows, each cell a sum over neighbours of the axis.

A sum begins with the rounded product of the first cell; every further one is added by a fused multiply-add. Which cells
weigh how much differs between modes and engines; the op holds what they found. ONNX Resize in the modes linear and
cubic; TensorFlow Lite's RESIZE_BILINEAR.

Of codes the sum is exact: `output(acc)` of the codes by their weights along both axes, times 2**shift, an even
parameter of the step: half of it makes the weights of either axis integers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Op, Scales, channels_last, codes, expect, from_channels_last, image, spatial
from int8sim.profiles.base import Scheme
from int8sim.spec.float32 import float32, fma
from int8sim.spec.resize_tflite import weighted_half_away

Taps = tuple[int, tuple[float, ...]]
"""The first cell that counts, and the weights of it and of those behind it, exactly float32."""


@dataclass(frozen=True)
class ResizeWeighted(Op):
    """Input: x, 4-D. rows, columns: for every output row and column what it is made of.

    outside: the value, exactly float32, where a row or column has no weights.
    """

    rows: tuple[Taps, ...]
    columns: tuple[Taps, ...]
    outside: float = 0.0

    name: ClassVar[str] = "resize_weighted"
    kind: ClassVar[str] = "resize_weighted"
    only_imported: ClassVar[bool] = True

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

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        return scheme.steps(low=scales.low, high=scales.high)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        out = np.empty((len(inputs[0]), *output.shape[1:]), output.dtype)
        for index in np.ndindex(*out.shape):
            out[index] = arithmetic["output"](self.accumulator(types, arithmetic, inputs, index))
        return out

    def accumulator(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> int:
        """The sum at one output index, whose layout is x's."""
        x, layout = channels_last(inputs[0], types[0].layout), types[0].layout
        n, i, j, c = (index[axis] for axis in ((0, 2, 3, 1) if layout == "NCHW" else range(4)))
        (top, rows), (left, columns) = self.rows[i], self.columns[j]
        one = 2.0 ** arithmetic["output"].at(0)[0]
        weights = [(y, z, int(a * b * one)) for y, a in enumerate(rows, top) for z, b in enumerate(columns, left)]
        return sum(weight * int(x[n, y, z, c]) for y, z, weight in weights)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = TensorType((1, 1, 2, 2), "float32", "NCHW"), TensorType((1, 1, 1, 4), "float32", "NCHW")
        given = ([[1.0, 2.0], [3.0, 6.0]],)
        columns = (0, (1.0,)), (0, (0.75, 0.25)), (1, (1.0,)), (0, ())
        # the columns are 1, 1.25, 2 and 3, 3.75, 6
        op = cls(((0, (0.5, 0.5)),), columns, 0.5)
        yield Case("between two rows, and outside", op, kinds[:1], given, kinds[1], [[2.0, 2.5, 4.0, 0.5]])
        output = {"output": Step(weighted_half_away, {"shift": 4, "low": -128, "high": 127})}
        two, x, y = ((0, (0.75, 0.25)), (1, (1.0,))), codes((1, 1, 2, 2), "NCHW"), codes((1, 1, 1, 2), "NCHW")
        # (0.75 * 2 + 0.25 * 4 - 0.25 * 7) / 2 = 0.375; (4 - 7) / 2 = -1.5
        yield Case("codes, ties away from zero", cls(op.rows, two), (x,), ([[2, 4], [0, -7]],), y, [0, -2], output)


def _weighted(cells: Sequence[float], weights: Sequence[float], outside: float) -> float:
    """The sum of the first cells by their weights."""
    if not weights:
        return outside
    total = float32(weights[0] * cells[0])
    for weight, cell in zip(weights[1:], cells[1:], strict=False):
        total = fma(weight, cell, total)
    return total

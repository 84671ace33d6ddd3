"""Linear resizing in float32: fma(right - left, w, left) in two rows, then fma(lower - upper, v, upper) of these.

Where an output cell lies differs between engines; the op holds what they found. No engine here has an integer form.
ONNX Resize in mode linear.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Op, channels_last, expect, from_channels_last, image, spatial
from int8sim.spec.float32 import float32, fma


@dataclass(frozen=True)
class ResizeLinear(Op):
    """Input: x, 4-D. rows, columns: for every output row and column where it lies in the input, exactly float32.

    Between 0 and the size - 1; the cells are the one at or before it and the next one, if there is one.
    """

    rows: tuple[float, ...]
    columns: tuple[float, ...]

    name: ClassVar[str] = "resize_linear"
    kind: ClassVar[str] = "resize_linear"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        n, height, width, channels = spatial(inputs[0])
        for what, places, size in (("rows", self.rows, height), ("columns", self.columns, width)):
            expect(places, f"it has no {what}; one or more are needed")
            expect(all(0 <= place <= size - 1 for place in places), f"{what} {places} are not all in 0 .. {size - 1}")
        return image(inputs[0], n, len(self.rows), len(self.columns), channels)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x = channels_last(inputs[0], types[0].layout)
        out = np.empty((x.shape[0], len(self.rows), len(self.columns), x.shape[3]), np.float32)
        for n, i, j, c in np.ndindex(*out.shape):
            plane = x[n, :, :, c]
            upper, lower, v = _between(self.rows[i], x.shape[1])
            ends = [_along(plane[row], self.columns[j]) for row in (upper, lower)]
            out[n, i, j, c] = fma(float32(ends[1] - ends[0]), v, ends[0])
        return from_channels_last(out, types[0].layout)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        raise NotImplementedError

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = TensorType((1, 1, 2, 2), "float32", "NCHW"), TensorType((1, 1, 1, 3), "float32", "NCHW")
        given = ([[1.0, 2.0], [3.0, 6.0]],)
        yield Case("between two rows", cls((0.5,), (0.0, 0.25, 1.0)), kinds[:1], given, kinds[1], [[2.0, 2.5, 4.0]])


def _between(place: float, size: int) -> tuple[int, int, float]:
    """The cell at or before a place, the next one, and how far the place is from the first."""
    first = int(place)
    return first, min(first + 1, size - 1), float32(place - first)


def _along(line: Array, place: float) -> float:
    left, right, w = _between(place, len(line))
    return fma(float32(line[right].item() - line[left].item()), w, line[left].item())

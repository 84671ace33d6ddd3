"""y[n, i, j, c] = x[n, rows[i], columns[j], c]: nearest-neighbour resizing. Codes move.

Which cell is nearest differs between engines (spec/resize.py); the op holds what they found. ONNX Resize in mode
nearest, TensorFlow Lite's RESIZE_NEAREST_NEIGHBOR.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Moving, channels_last, codes, expect, from_channels_last, image, spatial


@dataclass(frozen=True)
class ResizeNearest(Moving):
    """Input: x, 4-D. rows, columns: for every output row and column the input's."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]

    name: ClassVar[str] = "resize_nearest"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        n, height, width, channels = spatial(inputs[0])
        for what, places, size in (("rows", self.rows, height), ("columns", self.columns, width)):
            expect(places, f"it has no {what}; one or more are needed")
            expect(all(0 <= place < size for place in places), f"{what} {places} are not all in 0 .. {size - 1}")
        return image(inputs[0], n, len(self.rows), len(self.columns), channels)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x = channels_last(inputs[0], types[0].layout)
        return from_channels_last(x[:, self.rows][:, :, self.columns], types[0].layout)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "two columns to four, two rows to one",
            cls((1,), (0, 0, 1, 1)),
            (codes((1, 1, 2, 2), "NCHW"),),
            ([[1, 2], [3, 4]],),
            codes((1, 1, 1, 4), "NCHW"),
            [[3, 3, 4, 4]],
        )

"""Maximum over each window; padding never wins. Codes and real values alike: scales are positive. ONNX MaxPool."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Moving, channels_last, codes, expect, from_channels_last, image, spatial
from int8sim.ops.window import Window


@dataclass(frozen=True)
class MaxPool(Moving):
    """Input: x, 4-D. Attributes as ONNX names them; ceil_mode: whether a last partial window counts."""

    kernel_shape: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    ceil_mode: bool = False

    name: ClassVar[str] = "max_pool"

    def window(self) -> Window:
        """The window."""
        return Window(self.kernel_shape, self.strides, self.dilations, self.pads, self.ceil_mode)

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        n, height, width, channels = spatial(inputs[0])
        for axis in (0, 1):
            span = self.dilations[axis] * (self.kernel_shape[axis] - 1) + 1
            pads = self.pads[axis], self.pads[axis + 2]
            expect(max(pads) < span, f"pads {self.pads} reach beyond the window {self.kernel_shape}")
        sizes = self.window().output_size(height, width)
        for axis, size in enumerate((height, width)):
            empty = self.window().first_empty(size, sizes[axis], axis)
            expect(empty is None, f"window {empty} of axis {axis + 2} holds no cell of the input")
        return image(inputs[0], n, *sizes, channels)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x = channels_last(inputs[0], types[0].layout)
        height, width = self.window().output_size(x.shape[1], x.shape[2])
        out = np.empty((x.shape[0], height, width, x.shape[3]), x.dtype)
        for n, oy, ox, c in np.ndindex(*out.shape):
            cells = self.window().cells(oy, ox, x.shape[1], x.shape[2])
            out[n, oy, ox, c] = max(x[n, row, column, c] for _, _, row, column in cells)
        return from_channels_last(out, types[0].layout)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "2x2, stride 2, padded at the end: negative codes beat padding",
            cls((2, 2), (2, 2), (0, 0, 1, 1)),
            (codes((1, 1, 3, 3), "NCHW"),),
            ([[1, -2, -3], [4, 5, -6], [-7, -8, -9]],),
            codes((1, 1, 2, 2), "NCHW"),
            [[5, -3], [-7, -9]],
        )

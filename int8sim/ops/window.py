"""The sliding window that convolutions and pools share: output sizes and the input cells under a window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from int8sim.ops.base import expect


@dataclass(frozen=True)
class Window:
    """kernel, strides, dilations: (height, width). pads: top, left, bottom, right, as ONNX orders them."""

    kernel: tuple[int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int, int, int]
    ceil_mode: bool = False

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """How many windows fit. Raises ShapeMismatch if none does, or if an attribute is out of range."""
        expect(min(self.kernel) > 0, f"kernel {self.kernel} must be positive")
        expect(min(self.strides) > 0, f"strides {self.strides} must be positive")
        expect(min(self.dilations) > 0, f"dilations {self.dilations} must be positive")
        expect(min(self.pads) >= 0, f"pads {self.pads} must not be negative")
        return self._fit(height, 0), self._fit(width, 1)

    def _fit(self, size: int, axis: int) -> int:
        before, after = self.pads[axis], self.pads[axis + 2]
        span = self.dilations[axis] * (self.kernel[axis] - 1) + 1
        room = size + before + after - span
        expect(room >= 0, f"a window of {span} cells does not fit {size} cells with pads {before} and {after}")
        stride = self.strides[axis]
        count = (room + stride - 1 if self.ceil_mode else room) // stride + 1
        if self.ceil_mode and (count - 1) * stride >= size + before:
            count -= 1  # the last window must start inside the input or its leading padding
        return count

    def cells(self, oy: int, ox: int, height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
        """(kernel row, kernel column, input row, input column) of the cells inside the input, in raster order."""
        for u in range(self.kernel[0]):
            y = oy * self.strides[0] - self.pads[0] + u * self.dilations[0]
            for v in range(self.kernel[1]):
                x = ox * self.strides[1] - self.pads[1] + v * self.dilations[1]
                if 0 <= y < height and 0 <= x < width:
                    yield u, v, y, x


def same_pads(size: int, span: int, stride: int, upper: bool = True) -> tuple[int, int]:
    """(before, after) so that ceil(size / stride) windows of `span` cells fit; the odd cell after, or before.

    >>> same_pads(5, 2, 1)
    (0, 1)
    """
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    less, more = total // 2, total - total // 2
    return (less, more) if upper else (more, less)

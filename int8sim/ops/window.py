"""The sliding window that convolutions and pools share: output sizes and the input cells under a window."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from int8sim.ops.base import expect

LONGEST = 1 << 24
"""Cells of an axis with its padding: a window that is longer belongs to no network."""


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
        padded = size + before + after
        expect(padded <= LONGEST, f"pads {before} and {after} make {padded} cells; {LONGEST:,} are the most")
        room = padded - span
        expect(room >= 0, f"a window of {span} cells does not fit {size} cells with pads {before} and {after}")
        stride = self.strides[axis]
        count = (room + stride - 1 if self.ceil_mode else room) // stride + 1
        if self.ceil_mode and (count - 1) * stride >= size + before:
            count -= 1  # the last window must start inside the input or its leading padding
        return count

    def first_empty(self, size: int, count: int, axis: int) -> int | None:
        """The first of `count` windows along an axis that holds no cell of the input, if pads are shorter than windows.

        One that starts in the padding takes the cells whose place is its own modulo the dilation; such places repeat
        after `cycle` windows, and those before are different, so that no more than `size` pass.
        """
        stride, dilation, before = self.strides[axis], self.dilations[axis], self.pads[axis]
        cycle = dilation // math.gcd(stride, dilation)
        outside = min(count, -(-before // stride))
        for place in range(min(outside, cycle)):
            if (place * stride - before) % dilation >= size:
                return place
        last = count - 1
        return last if last * stride - before >= size else None

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

"""A transposed convolution of codes as a convolution: over x with real zeros between its cells and around them."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from int8sim.kernels.geometry import PIXELWISE, Convolution
from int8sim.kernels.storage import stored_axes
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType


class Untransposed(NamedTuple):
    """The plain convolution. kind: of x on its grid, NHWC. weights: [O, C / groups, rows, columns], turned round.

    first, strides: the row and column of the grid that x's first cell lies in, and how far apart its cells are.
    """

    op: Convolution
    kind: TensorType
    weights: Array
    first: tuple[int, int]
    strides: tuple[int, int]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.kind.shape[1], self.kind.shape[2]

    def places(self, height: int, width: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
        """Of x's rows, then of its columns: which lie on the grid, and where."""
        rows = _inside(height, self.first[0], self.strides[0], self.grid[0])
        return rows, _inside(width, self.first[1], self.strides[1], self.grid[1])


def untransposed(op: Convolution, x: TensorType, y: TensorType, weights: Array) -> Untransposed:
    """weights: [C, O / groups, rows, columns]."""
    turned = _turned(weights, op.group)
    reach = [step * (size - 1) for step, size in zip(op.dilations, turned.shape[2:], strict=True)]
    height, width = (y.shape[axis] for axis in stored_axes(y)[1:3])
    kind = x.with_shape((1, height + reach[0], width + reach[1], turned.shape[1] * op.group), "NHWC")
    plain = replace(PIXELWISE, dilations=op.dilations, group=op.group)
    return Untransposed(plain, kind, turned, (reach[0] - op.pads[0], reach[1] - op.pads[1]), op.strides)


def _turned(weights: Array, groups: int) -> Array:
    """As a convolution's weights, the last cell first."""
    parts = weights.reshape(groups, -1, *weights.shape[1:]).swapaxes(1, 2)
    return parts.reshape(-1, *parts.shape[2:])[:, :, ::-1, ::-1]


def _inside(size: int, before: int, stride: int, room: int) -> tuple[slice, slice]:
    """Along one axis: which cells of x lie inside, and where."""
    first = max(0, -(before // stride))
    last = min(size, (room - 1 - before) // stride + 1)
    start = before + first * stride
    return slice(first, max(first, last)), slice(start, start + max(0, last - first) * stride, stride)

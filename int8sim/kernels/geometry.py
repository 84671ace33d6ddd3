"""The window of a convolution over a stored tensor: its sizes, and the size of the output."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from int8sim.kernels.storage import stored_zero
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType


class Convolution(Protocol):
    """The attributes that the kernels read."""

    @property
    def strides(self) -> tuple[int, int]: ...
    @property
    def pads(self) -> tuple[int, int, int, int]: ...
    @property
    def dilations(self) -> tuple[int, int]: ...
    @property
    def group(self) -> int: ...


@dataclass(frozen=True)
class _Pixelwise:
    """The attributes of a 1x1 convolution."""

    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    group: int = 1


PIXELWISE = _Pixelwise()
"""A product of matrices as a convolution: every row is a pixel."""


class Geometry(NamedTuple):
    """What a window is: sizes in cells, channels per group, and the stored value of padding."""

    rows: int
    columns: int
    stride_y: int
    stride_x: int
    dilation_y: int
    dilation_x: int
    top: int
    left: int
    groups: int
    channels: int
    padding: int


def geometry(op: Convolution, x: TensorType, weights: Array) -> Geometry:
    """The window of an op over a tensor type."""
    _, channels, rows, columns = weights.shape
    top, left = op.pads[0], op.pads[1]
    return Geometry(rows, columns, *op.strides, *op.dilations, top, left, op.group, channels, stored_zero(x))


def output_shape(op: Convolution, shape: Geometry, x: tuple[int, ...], channels: int) -> tuple[int, int, int, int]:
    """[batch, height, width, channels] for a stored input of a shape."""
    height = (x[1] + op.pads[0] + op.pads[2] - shape.dilation_y * (shape.rows - 1) - 1) // shape.stride_y + 1
    width = (x[2] + op.pads[1] + op.pads[3] - shape.dilation_x * (shape.columns - 1) - 1) // shape.stride_x + 1
    return x[0], height, width, channels

"""ONNX Resize as ONNX Runtime's CPU computes it: which cell is nearest in mode nearest; codes in mode linear.

Along one axis, in float32, from a scale: given, or made of the two sizes. Source:
microsoft/onnxruntime:onnxruntime/core/providers/cpu/tensor/upsamplebase.h and upsample.cc; measured on ONNX Runtime
1.31.1.
"""

from __future__ import annotations

from enum import IntEnum

from int8sim.spec.float32 import float32
from int8sim.spec.integers import S16, U16

TIE = 1e-6
"""How far from one half a fraction still counts as a tie; earlier versions wanted exactly one half."""


class Coordinates(IntEnum):
    """Where the centre of an output cell lies in the input: ONNX's coordinate_transformation_mode."""

    HALF_PIXEL = 0
    ASYMMETRIC = 1
    PYTORCH_HALF_PIXEL = 2
    ALIGN_CORNERS = 3


class Nearest(IntEnum):
    """Which cell is nearest to a position: ONNX's nearest_mode."""

    ROUND_PREFER_FLOOR = 0
    ROUND_PREFER_CEIL = 1
    FLOOR = 2
    CEIL = 3


def scale_of_sizes(size: U16, resized: U16) -> float:
    """float32(resized / size): the scale where the sizes are given."""
    return float32(resized / size)


def resized_size(size: U16, scale: float) -> int:
    """float32(scale * size), truncated: the size where the scale is given."""
    return int(float32(scale * float32(size)))


def resized_position(place: U16, scale: float, size: U16, resized: U16, coordinates: int) -> float:
    """Where the output cell `place` lies in the input: not below -1/2. size, resized: of input and output."""
    if coordinates == Coordinates.ASYMMETRIC:
        return float32(float32(place) / scale)
    if coordinates == Coordinates.ALIGN_CORNERS:
        return float32(float32(float32(place) * float32(size - 1)) / float32(max(resized - 1, 1)))
    if coordinates == Coordinates.PYTORCH_HALF_PIXEL and resized == 1:
        return float32(0.0)
    return float32(float32(float32(float32(place) + float32(0.5)) / scale) - float32(0.5))


def nearest_to(position: float, nearest: int) -> int:
    """The cell nearest to a position > -1. A fraction within TIE of one half is a tie."""
    below = int(position) - (position < 0.0)
    fraction = float32(position - float32(below))
    if nearest == Nearest.FLOOR:
        return below
    if nearest == Nearest.CEIL:
        return below + (fraction > 0.0)
    if abs(float32(fraction - float32(0.5))) < float32(TIE):
        return below + (nearest == Nearest.ROUND_PREFER_CEIL)
    return below + (fraction > 0.5)


def nearest_cell(place: U16, scale: float, size: U16, resized: U16, coordinates: int, nearest: int) -> int:
    """The input cell of the output cell `place`, 0 .. size - 1. At scale 1 it is the same place, whatever the modes.

    The engine copies the tensor where no axis changes its size, even where a scale is not 1.
    """
    if scale == 1.0:
        return place
    position = resized_position(place, scale, size, resized, coordinates)
    return min(max(nearest_to(position, nearest), 0), size - 1)


def bilinear_share(total: float, x: S16, row: float, column: float) -> float:
    """total + (column * row) * x, each product and the sum rounded to float32: of four cells, one after the other.

    row, column: weights of x's row and column, float32.
    """
    return float32(total + float32(float32(column * row) * float32(x)))


def bilinear_code(total: float) -> int:
    """The sum of the four shares, truncated towards zero: the engine converts it to the type of the codes."""
    return int(total)


def bilinear_position(place: U16, scale: float, size: U16, resized: U16, coordinates: int) -> float:
    """Where the output cell `place` lies in mode linear, 0 .. size - 1. At scale 1 it is the same place."""
    position = float32(place) if scale == 1.0 else resized_position(place, scale, size, resized, coordinates)
    return max(float32(0.0), min(position, float32(size - 1)))

"""Where the words of a window lie behind its pixel's first cell: what a tile needs to read x in place.

A word is four stored codes that meet four weights. Where the channels of a group are a multiple of four, they lie side
by side; where not, each of the four has a place of its own.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from int8sim.kernels.geometry import Convolution, Geometry, output_shape
from int8sim.kernels.storage import stored_zero
from int8sim.kernels.weights import parts_of, wrapped
from int8sim.model.accumulation import CHANNELS_LAST
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

WORD = 4
ONES = 0x01010101
NOWHERE = -(1 << 20)
"""A row that no tensor has: padding is read there, which meets a weight of zero."""


class Window(NamedTuple):
    """What `tile` and its like read of a layer, as plain integers.

    grain: bytes that lie side by side. padding: the stored value of real zero; word: four of them.
    """

    height: int
    width: int
    channels: int
    out_height: int
    out_width: int
    stride_y: int
    stride_x: int
    top: int
    left: int
    grain: int
    padding: int
    word: int


def window(op: Convolution, shape: Geometry, x: tuple[int, ...], grain: int) -> Window:
    """Of a geometry over a stored input of a shape."""
    _, out_height, out_width, _ = output_shape(op, shape, x, 0)
    _, height, width, channels = x
    size = height, width, channels, out_height, out_width
    word = (shape.padding * ONES + (1 << 31)) % (1 << 32) - (1 << 31)
    return Window(*size, shape.stride_y, shape.stride_x, shape.top, shape.left, grain, shape.padding, word)


def taps(shape: Geometry, x: tuple[int, ...], copies: int, grain: int) -> Array:
    """int32 [bytes / grain, 3]: rows, columns and grains behind a pixel's first cell. The grain divides the channels.

    copies: of the whole window, one for each part of its weights; each fills whole words.
    """
    places = cells(shape, x, CHANNELS_LAST)
    whole = np.concatenate([places, nowhere(-len(places) % WORD)]) if grain == 1 else places[::grain] // (1, 1, grain)
    return np.ascontiguousarray(np.tile(whole, (copies, 1)), np.int32)


def cells(shape: Geometry, x: tuple[int, ...], order: str) -> Array:
    """int64 [products, 3]: rows, columns and values behind a pixel's first value, in an order of accumulation."""
    grid = np.indices((shape.rows, shape.columns, shape.channels))
    last = order == CHANNELS_LAST
    rows, columns, channels = (grid if last else grid.transpose(0, 3, 1, 2)).reshape(3, -1)
    down, along = rows * shape.dilation_y, columns * shape.dilation_x
    return np.stack([down, along, (down * x[2] + along) * x[3] + channels], 1)


def nowhere(count: int) -> Array:
    """So many places behind the last."""
    return np.array([(NOWHERE, 0, 0)] * count, np.int64).reshape(-1, 3)


def lines(weights: Array) -> tuple[Array, int]:
    """(int8 [O, bytes], how many parts they were split into), zeros behind each to whole words.

    weights: minus their zero point, int64 [O, C / groups, rows, columns].
    """
    parts = [part.transpose(0, 2, 3, 1).reshape(len(part), -1) for part in parts_of(weights)]
    padded = [np.pad(part, ((0, 0), (0, -part.shape[1] % WORD))) for part in parts]
    return np.asarray(np.concatenate(padded, 1), np.int8), len(parts)


def words_of(bytewise: Array, groups: int) -> Array:
    """int8 [O, bytes] as int32 [groups, words, O / groups]."""
    words = np.ascontiguousarray(bytewise).view(np.int32)
    return np.ascontiguousarray(words.reshape(groups, len(words) // groups, -1).transpose(0, 2, 1))


def folded(weights: Array, bias: Array, x: TensorType) -> Array:
    """int32 [O]: bias - stored zero * sum(w), modulo 2**32: a sum over stored values starts there."""
    return wrapped(bias.astype(np.int64) - stored_zero(x) * weights.sum((1, 2, 3)))

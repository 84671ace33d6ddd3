"""A convolution as loops see it: fully connected layers and transposed convolutions are some, too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from int8sim.export_c.call import Room
from int8sim.kernels.bounds import accumulates_in_sequence
from int8sim.kernels.geometry import Convolution
from int8sim.kernels.weights import centred
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType

Sizes = tuple[int, ...]


class Window(NamedTuple):
    """types: of the op's inputs. weights: as the graph holds them, [O, C / group, rows, columns].

    bias: [O], or None. size: height, width, channels of x, then of the output.
    """

    op: Convolution
    x: Room
    types: tuple[TensorType, ...]
    weights: Array
    bias: Array | None
    size: Sizes

    @property
    def geometry(self) -> Sizes:
        """Rows, columns, strides, dilations, top, left, groups."""
        return (*self.weights.shape[2:], *self.op.strides, *self.op.dilations, *self.op.pads[:2], self.op.group)

    @property
    def centred(self) -> Array:
        """Weights minus their zero point, int64."""
        return centred(self.weights, self.types[1])

    @property
    def whole_bias(self) -> Array:
        """int64 [O]."""
        return np.zeros(len(self.weights), np.int64) if self.bias is None else self.bias.astype(np.int64)

    def in_sequence(self, arithmetic: Arithmetic) -> bool:
        """Whether its accumulator may saturate on the way."""
        constants = {1: self.weights} if self.bias is None else {1: self.weights, 2: self.bias}
        return accumulates_in_sequence(self.types, constants, arithmetic)


def narrow(weights: Array) -> Array:
    """In the narrowest integers that hold them."""
    for dtype in (np.int8, np.int16):
        if np.array_equal(weights, small := weights.astype(dtype)):
            return np.ascontiguousarray(small)
    return np.ascontiguousarray(weights, np.int32)

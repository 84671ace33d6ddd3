"""The exact accumulators of a weighted layer, as float64 products of integers.

A sum of fewer than 2**23 products of 16-bit codes, or 2**38 of 8-bit ones, is below 2**53, so that float64 is exact in
any order: these are the sums before an accumulator of any width wraps or saturates.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from int8sim.graph.ir import Graph, Layer
from int8sim.kernels.weights import centred
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import channels_last
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
TAPS = 1 << 20
"""Values of the windows that are laid out at once; one image may have more."""


def accumulates(layer: Layer) -> bool:
    """Whether a layer is an integer one whose sums are known here: a convolution or a fully connected layer."""
    return layer.arithmetic is not None and isinstance(layer.op, Conv2d | FullyConnected)


def weights(graph: Graph, layer: Layer) -> Reals:
    """The integer weights minus their zero points, float64 [O, C / group, kh, kw]."""
    name = layer.inputs[1]
    real = centred(graph.constants[name], graph.tensors[name]).astype(np.float64)
    return real.reshape(*real.shape, *[1] * (4 - real.ndim))


def bias(graph: Graph, layer: Layer) -> Integers:
    """The integers added to the accumulators, int64 [O] or [1]; 0 where the output step adds a real bias."""
    return graph.constants[layer.inputs[2]].astype(np.int64) if len(layer.inputs) > 2 else np.zeros(1, np.int64)


def pixels(kind: TensorType, codes: Array, layer: Layer) -> Reals:
    """A layer's input minus its zero point, float64 [N, H, W, C]; a row of a fully connected layer is one pixel."""
    real = codes.astype(np.float64) - kind.quantized.tensor_zero_point
    return channels_last(real, kind.layout) if isinstance(layer.op, Conv2d) else real.reshape(-1, 1, 1, real.shape[-1])


def sums(layer: Layer, x: Reals, w: Reals) -> Integers:
    """Without bias, int64 [N, rows, columns, O]. x, w: as `pixels` and `weights` give them; padding adds nothing."""
    op = layer.op if isinstance(layer.op, Conv2d) else Conv2d()
    top, left, bottom, right = op.pads
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    step = max(1, TAPS // (padded[0].size * w[0, 0].size))
    return np.concatenate([_products(op, padded[at : at + step], w) for at in range(0, len(x), step)])


def _products(op: Conv2d, x: Reals, w: Reals) -> Integers:
    """The windows of padded images as a matrix, times the weights, group by group."""
    spans = [step * (size - 1) + 1 for size, step in zip(w.shape[2:], op.dilations, strict=True)]
    taps = sliding_window_view(x, spans, (1, 2))[:, :: op.strides[0], :: op.strides[1]]
    taps = taps[..., :: op.dilations[0], :: op.dilations[1]]
    rows = taps.reshape(-1, op.group, w[0].size).transpose(1, 0, 2)
    total = rows @ w.reshape(op.group, -1, w[0].size).transpose(0, 2, 1)
    return total.transpose(1, 0, 2).reshape(*taps.shape[:3], -1).astype(np.int64)


def width(low: int, high: int) -> int:
    """Bits of the smallest two's complement word that holds low .. high.

    >>> width(-128, 127), width(0, 128), width(0, 0)
    (8, 9, 1)
    """
    return max((value if value >= 0 else ~value).bit_length() for value in (low, high)) + 1

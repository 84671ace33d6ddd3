"""How an op is drawn over a tensor: attributes, further inputs and constants of legal shapes. One rule for each op.

An op with an integer form in some profile and no rule here is an omission that tests/strategies reports. Ops that treat
every element alone, or tensors of one shape, need no rule of their own if they have no attributes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import NamedTuple

import numpy as np
from hypothesis import reject
from hypothesis import strategies as st

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.base import Op, ShapeMismatch, spatial
from int8sim.ops.clip import Clip
from int8sim.ops.concat import Concat
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.divide import Divide
from int8sim.ops.elementwise import Elementwise
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.leaky_relu import LeakyRelu
from int8sim.ops.matmul import Matmul
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.pad import Pad
from int8sim.ops.pointwise import Pointwise
from int8sim.ops.pow import Pow
from int8sim.ops.registry import ops
from int8sim.ops.reshape import Reshape
from int8sim.ops.resize_nearest import ResizeNearest
from int8sim.ops.slice import Slice
from int8sim.ops.softmax import Softmax
from int8sim.ops.transpose import Transpose
from int8sim.spec.float32 import float32
from int8sim.strategies.tensors import GREATEST, SEEDS

LARGEST = 200
"""Values of a tensor that an op may enlarge."""
BORDER = frozenset({"quantize", "dequantize"})
"""Ops that lowering puts around the others: they are drawn with those."""


class Piece(NamedTuple):
    """An op over a first tensor, the types of the further activations it reads, and its constants behind them."""

    op: Op
    others: tuple[TensorType, ...] = ()
    constants: tuple[Array, ...] = ()


class Rule(NamedTuple):
    """fits: whether the op takes a tensor of this type first. piece: draws the rest."""

    fits: Callable[[TensorType], bool]
    piece: Callable[[st.DrawFn, TensorType], Piece]


def rules() -> Mapping[str, Rule]:
    """Op name -> rule, for every registered op that has one."""
    found = {name: _rule(kind) for name, kind in ops().items() if name not in BORDER}
    return {name: rule for name, rule in found.items() if rule is not None}


def _rule(kind: type[Op]) -> Rule | None:
    if kind in RULES:
        return RULES[kind]
    if issubclass(kind, Pointwise) and not fields(kind):
        return Rule(anything, unary(kind()))
    if issubclass(kind, Elementwise) and not fields(kind) and kind not in {Divide, Pow}:  # their NaN would spread
        return Rule(anything, binary(kind()))
    return None


def legal(piece: Piece, x: TensorType) -> Piece:
    """The piece, if its op accepts the shapes; another draw if it does not."""
    constants = [TensorType(array.shape, array.dtype.name) for array in piece.constants]
    try:
        piece.op.infer([x, *piece.others, *constants])
    except ShapeMismatch:
        reject()
    return piece


def anything(x: TensorType) -> bool:
    """Any tensor."""
    del x
    return True


def image(x: TensorType) -> bool:
    """A 4-D tensor with a layout."""
    return bool(x.layout)


def small(x: TensorType) -> bool:
    """A tensor that may grow."""
    return math.prod(x.shape) <= LARGEST


def weights(draw: st.DrawFn, shape: tuple[int, ...], depth: int) -> Array:
    """Real weights that are codes times a scale, +127 or -127 among them; `depth` of them add up to one or so.

    Random codes, all at one end, or mostly zeros, the last in place of the smallest draws.
    """
    rng, form = np.random.default_rng(draw(SEEDS)), draw(st.sampled_from(["one", "random", "extreme"]))
    values = rng.integers(-127, 128, shape)
    if form == "one":
        values = np.zeros(shape, np.int64)
    elif form == "extreme":
        values = rng.choice(np.array([-127, 127]), shape)
    values.flat[rng.integers(0, values.size)] = draw(st.sampled_from([127, -127]))
    binade = -6 - math.ceil(math.log2(depth) / 2)
    scale = draw(st.sampled_from([1.0, 1.0 + 2.0**-23, 1.5, 1.0 - 2.0**-24])) * 2.0**binade
    return (values * np.float32(scale)).astype(np.float32)


def biased(draw: st.DrawFn, weight: Array) -> tuple[Array, ...]:
    """The weight, and a bias or none."""
    if not draw(st.booleans()):
        return (weight,)
    bias = np.random.default_rng(draw(SEEDS)).standard_normal(len(weight)) * draw(st.sampled_from([0.0, 0.25, 4.0]))
    return weight, bias.astype(np.float32)


def pairs(draw: st.DrawFn, low: int, high: int) -> tuple[int, int]:
    """A height and a width."""
    return draw(st.integers(low, high)), draw(st.integers(low, high))


def window(draw: st.DrawFn, x: TensorType) -> tuple[tuple[int, int], tuple[int, int, int, int], tuple[int, int]]:
    """kernel, pads and dilations of a window that fits the image, its pads smaller than itself."""
    kernel, dilations, pads = [1, 1], [1, 1], [0, 0, 0, 0]
    for axis, size in enumerate(spatial(x)[1:3]):
        kernel[axis] = draw(st.integers(1, min(3, size)))
        dilations[axis] = draw(st.integers(1, 2)) if 2 * (kernel[axis] - 1) < size else 1
        for side in (axis, axis + 2):
            pads[side] = draw(st.integers(0, kernel[axis] - 1))
    return tuple(kernel), tuple(pads), tuple(dilations)  # type: ignore[return-value]


def conv2d(draw: st.DrawFn, x: TensorType) -> Piece:
    """A window over x, in groups, depthwise among them; or one that keeps x's shape."""
    channels = spatial(x)[3]
    if draw(st.booleans()):
        group = draw(st.sampled_from([n for n in range(1, channels + 1) if channels % n == 0]))
        kernel, pads, dilations = window(draw, x)
        op, outputs = Conv2d(pairs(draw, 1, 2), pads, dilations, group), group * draw(st.integers(1, 3))
    else:
        op, outputs, kernel = Conv2d(pads=(1, 1, 1, 1)), channels, (3, 3)
    shape = outputs, channels // op.group, *kernel
    return Piece(op, (), biased(draw, weights(draw, shape, math.prod(shape[1:]))))


def fully_connected(draw: st.DrawFn, x: TensorType) -> Piece:
    """One to six outputs, or more than a tile's."""
    shape = draw(st.sampled_from([1, 2, 3, 4, 5, 6, 33])), x.shape[-1]
    return Piece(FullyConnected(), (), biased(draw, weights(draw, shape, shape[1])))


def matmul(draw: st.DrawFn, x: TensorType) -> Piece:
    """x times another activation."""
    shape = (*x.shape[:-2], x.shape[-1], draw(st.integers(1, GREATEST)))
    return Piece(Matmul(), (TensorType(shape, "float32", x.layout),))


def max_pool(draw: st.DrawFn, x: TensorType) -> Piece:
    """A window over x."""
    kernel, pads, dilations = window(draw, x)
    return Piece(MaxPool(kernel, pairs(draw, 1, 2), pads, dilations, draw(st.booleans())))


def average_pool(draw: st.DrawFn, x: TensorType) -> Piece:
    """A window over x, padding counted or not."""
    kernel, pads, _ = window(draw, x)
    return Piece(AveragePool(kernel, pairs(draw, 1, 2), pads, draw(st.booleans()), draw(st.booleans())))


def axis(draw: st.DrawFn, x: TensorType) -> int:
    """Any but the batch."""
    return draw(st.integers(1, len(x.shape) - 1))


def concat(draw: st.DrawFn, x: TensorType) -> Piece:
    """x and one or two more along any axis, of its size or another."""
    along = axis(draw, x)

    def other(size: int) -> TensorType:
        return x.with_shape((*x.shape[:along], size, *x.shape[along + 1 :]))

    sizes = draw(st.lists(st.one_of(st.just(x.shape[along]), st.integers(1, 3)), min_size=1, max_size=2))
    return Piece(Concat(along), tuple(map(other, sizes)))


def clip(draw: st.DrawFn, x: TensorType) -> Piece:
    """ReLU6, one bound, or two."""
    del x
    bounds = st.sampled_from([-math.inf, -1.0, -0.25, 0.0]), st.sampled_from([6.0, 0.5, 1.5, math.inf])
    return Piece(Clip(*map(draw, bounds)))


def leaky_relu(draw: st.DrawFn, x: TensorType) -> Piece:
    """A slope of 0 to 1."""
    del x
    return Piece(LeakyRelu(draw(st.sampled_from([0.5, 0.25, 0.0, float32(0.01), float32(0.1), float32(0.3), 1.0]))))


def pad(draw: st.DrawFn, x: TensorType) -> Piece:
    """Up to two cells on each side of every axis but the batch, of 0 or, now and then, of another number."""
    rank = len(x.shape)
    widths = [0 if place % rank == 0 else draw(st.integers(0, 2)) for place in range(2 * rank)]
    return Piece(Pad(tuple(widths), draw(st.sampled_from([0.0, 0.0, 0.0, -1.5]))))


def reshape(draw: st.DrawFn, x: TensorType) -> Piece:
    """One to three axes, of which four-dimensional results have a layout or none."""
    size, sizes = math.prod(x.shape[1:]), []
    for _ in range(draw(st.integers(0, 2))):
        sizes.append(draw(st.sampled_from([n for n in range(1, size + 1) if size % n == 0])))
        size //= sizes[-1]
    layout = draw(st.sampled_from(["", "NCHW", "NHWC"])) if len(sizes) == 2 else ""
    return Piece(Reshape((*sizes, size), layout))


def transpose(draw: st.DrawFn, x: TensorType) -> Piece:
    """Any order that leaves the batch first."""
    return Piece(Transpose((0, *draw(st.permutations(range(1, len(x.shape)))))))


def resize_nearest(draw: st.DrawFn, x: TensorType) -> Piece:
    """One to six rows and columns, in order."""
    places = [st.lists(st.integers(0, size - 1), min_size=1, max_size=6).map(sorted) for size in spatial(x)[1:3]]
    return Piece(ResizeNearest(*(tuple(draw(each)) for each in places)))


def slices(draw: st.DrawFn, x: TensorType) -> Piece:
    """One to three steps forward or back on each axis but the batch."""
    taken = [range(x.shape[0])]
    for size in x.shape[1:]:
        first = draw(st.integers(0, size - 1))
        step = draw(st.sampled_from([1, 1, 2, 3, -1, -2]))
        taken.append(range(first, draw(st.integers(first + 1, size) if step > 0 else st.integers(-1, first - 1)), step))
    return Piece(Slice(*(tuple(getattr(each, end) for each in taken) for end in ("start", "stop", "step"))))


def matrices(x: TensorType) -> bool:
    """Three axes or more."""
    return len(x.shape) >= 3


def unary(op: Op) -> Callable[[st.DrawFn, TensorType], Piece]:
    """An op of one tensor without anything to draw."""

    def piece(draw: st.DrawFn, x: TensorType) -> Piece:
        del draw, x
        return Piece(op)

    return piece


def binary(op: Op) -> Callable[[st.DrawFn, TensorType], Piece]:
    """An op of two tensors of one type."""

    def piece(draw: st.DrawFn, x: TensorType) -> Piece:
        del draw
        return Piece(op, (x,))

    return piece


RULES: Mapping[type[Op], Rule] = {
    Conv2d: Rule(image, conv2d),
    FullyConnected: Rule(anything, fully_connected),
    Matmul: Rule(matrices, matmul),
    Add: Rule(anything, binary(Add())),
    AveragePool: Rule(image, average_pool),
    GlobalAveragePool: Rule(image, unary(GlobalAveragePool())),
    MaxPool: Rule(image, max_pool),
    Softmax: Rule(anything, lambda draw, x: Piece(Softmax(axis(draw, x)))),
    Concat: Rule(small, concat),
    Clip: Rule(anything, clip),
    LeakyRelu: Rule(anything, leaky_relu),
    Flatten: Rule(anything, unary(Flatten())),
    Reshape: Rule(anything, reshape),
    Transpose: Rule(anything, transpose),
    Pad: Rule(small, pad),
    ResizeNearest: Rule(image, resize_nearest),
    Slice: Rule(anything, slices),
}

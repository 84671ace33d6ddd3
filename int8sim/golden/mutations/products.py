"""The accumulators of a convolution or a fully connected layer at chosen places, in arrays, every part replaceable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from int8sim.kernels.bounds import accumulates_in_sequence
from int8sim.kernels.storage import flip, stored_zero
from int8sim.kernels.weights import centred
from int8sim.model.accumulation import CHANNELS_FIRST, Accumulation, accumulation, is_wide
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import BITS, TensorType
from int8sim.ops.base import Op, channels_last
from int8sim.ops.conv2d import Conv2d

Read = Callable[[Array], Array]
Sum = Callable[[Array], Array]
"""Products int64 [n, K] in order of accumulation to accumulators int64 [n]."""


PRODUCTS = 1 << 20
"""Computed at a time: they bound the memory."""


@dataclass(frozen=True, eq=False)
class Products:
    """A weighted layer as arrays.

    op: the convolution, or the 1x1 one that a fully connected layer is. kind: x's type; zero: its zero point; padding:
    the code in padded cells; read: what is taken for x's codes, padding included where it is padded_first. weights:
    int64 [O, C / group, kh, kw], their zero point subtracted. bias: int64 [O]. share: int64 [O], what the zero point
    adds to a sum of stored codes, taken off it. total: how products are summed; final: what the accumulator's register
    makes of sum and bias. channels_first: the order of products. layout, channel_axis: of the tensors.
    """

    op: Conv2d
    kind: TensorType
    layout: str
    channel_axis: int
    zero: int
    padding: int
    read: Read
    weights: Array
    bias: Array
    share: Array
    total: Sum
    final: Read
    channels_first: bool = True
    padded_first: bool = True

    @property
    def depth(self) -> int:
        """Products of one accumulator."""
        return int(self.weights[0].size)

    @property
    def added(self) -> Array:
        """int64 [O]: what the sum of products gets."""
        return self.bias - self.share

    def telling(self, most: int) -> list[int]:
        """Some channels: those of the greatest weights and of the greatest biases."""
        weights, half = np.abs(self.weights).reshape(len(self.weights), -1).max(axis=1), most // 2
        ranked = [np.argsort(-each, kind="stable")[:half].tolist() for each in (weights, np.abs(self.bias))]
        return sorted({*ranked[0], *ranked[1]})

    def ends(self) -> tuple[Array, Array]:
        """The greatest and the least of each product, over all codes: int64 [O, K] in order of accumulation."""
        flat = self._in_order(self.weights)
        ends = [flat * (end - self.zero) for end in (self.kind.quantized.low, self.kind.quantized.high)]
        return np.maximum(*ends), np.minimum(*ends)

    def accumulators(self, x: Array, places: Array) -> tuple[Array, Array]:
        """(accumulators, channels), int64 [n], of places: flat indices in the output tensor's own layout."""
        count = max(1, PRODUCTS // self.weights[0].size)
        parts = [self._part(x, places[start : start + count]) for start in range(0, max(len(places), 1), count)]
        accumulators, channels = zip(*parts, strict=True)
        return np.concatenate(accumulators), np.concatenate(channels)

    def _part(self, x: Array, places: Array) -> tuple[Array, Array]:
        index = np.unravel_index(places, self.shape(x))
        channels: Array = index[self.channel_axis].astype(np.int64)
        products = (self.codes(x, places) - self.zero) * self._in_order(self.weights[channels])
        return self.final(self.total(products) - self.share[channels] + self.bias[channels]), channels

    def codes(self, x: Array, places: Array) -> Array:
        """The codes under each place, padding included, as they are read: int64 [n, K] in order of accumulation."""
        n, oy, ox, o = self._stored(np.unravel_index(places, self.shape(x)), x)
        depth, rows, columns = self.weights.shape[1:]
        first = o // (len(self.weights) // self.op.group) * depth
        window, given = self.op.window(self.weights.shape), self._padded(x)
        y = (oy * window.strides[0])[:, None] + np.arange(rows) * window.dilations[0]
        z = (ox * window.strides[1])[:, None] + np.arange(columns) * window.dilations[1]
        c = first[:, None] + np.arange(depth)
        taken = given[n[:, None, None, None], y[:, None, :, None], z[:, None, None, :], c[:, :, None, None]]
        return self._in_order(taken)

    def taps(self, x: Array, place: int) -> tuple[list[int], list[int]]:
        """The codes and weights (zero point subtracted) behind one place, in order of accumulation."""
        (channel,) = self.accumulators(x, np.array([place]))[1].tolist()
        weights = self._in_order(self.weights[[channel]])
        return self.codes(x, np.array([place]))[0].tolist(), weights[0].tolist()

    def places(self) -> list[tuple[int, ...]]:
        """Of a channel's weights in order of accumulation: (input channel, row, column), or (k,)."""
        shape = self.weights.shape[1:]
        index: Array = np.moveaxis(np.indices(shape), 0, -1)[None]
        ordered = index if self.channels_first else index.transpose(0, 2, 3, 1, 4)
        kept = 3 if self.layout else 1
        return [tuple(each[:kept]) for each in ordered.reshape(-1, 3).tolist()]

    def _in_order(self, each: Array) -> Array:
        ordered = each if self.channels_first else each.transpose(0, 2, 3, 1)
        return np.ascontiguousarray(ordered).reshape(len(each), -1)

    def _image(self, x: Array) -> Array:
        """x as NHWC."""
        return channels_last(x, self.layout) if self.layout else x.reshape(-1, 1, 1, x.shape[-1])

    def _padded(self, x: Array) -> Array:
        top, left, bottom, right = self.op.pads
        image = self._image(x).astype(np.int64)
        image = image if self.padded_first else self.read(image)
        padded = np.pad(image, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=self.padding)
        return self.read(padded) if self.padded_first else padded

    def shape(self, x: Array) -> tuple[int, ...]:
        """Of the output, in its own layout."""
        if not self.layout:
            return (*x.shape[:-1], len(self.weights))
        n, height, width, _ = self._image(x).shape
        rows, columns = self.op.window(self.weights.shape).output_size(height, width)
        outputs = len(self.weights)
        return (n, outputs, rows, columns) if self.layout == "NCHW" else (n, rows, columns, outputs)

    def _stored(self, index: tuple[Array, ...], x: Array) -> tuple[Array, Array, Array, Array]:
        """(image, row, column, channel) of indices in the tensor's own layout."""
        if not self.layout:
            row = np.ravel_multi_index(index[:-1], x.shape[:-1])
            nothing = np.zeros_like(row)
            return np.asarray(row), nothing, nothing, index[-1]
        order = (0, 2, 3, 1) if self.layout == "NCHW" else (0, 1, 2, 3)
        n, oy, ox, o = (index[axis] for axis in order)
        return n, oy, ox, o


def products_of(
    op: Op, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, constants: dict[int, Array]
) -> Products | None:
    """The layer as it is right; None for any other op, or one whose weights are computed."""
    if op.name not in ("conv2d", "fully_connected") or 1 not in constants:
        return None
    weights, bias = centred(constants[1], types[1]), np.asarray(constants.get(2, 0), np.int64)
    zero, step = types[0].quantized.tensor_zero_point, accumulation(arithmetic)
    in_steps = step is not None and accumulates_in_sequence(types, constants, arithmetic)
    stored = in_steps and step is not None and step.loop.unsigned
    sums = weights.reshape(len(weights), -1).sum(axis=1)
    return Products(
        op=op if isinstance(op, Conv2d) else Conv2d(),
        kind=types[0],
        layout=types[0].layout if isinstance(op, Conv2d) else "",
        channel_axis=output.channel_axis if isinstance(op, Conv2d) else len(output.shape) - 1,
        zero=-flip(types[0]) if stored else zero,
        padding=zero,
        read=as_it_is,
        weights=weights if weights.ndim == 4 else weights[:, :, None, None],
        bias=np.broadcast_to(bias, len(weights)),
        share=sums * (stored_zero(types[0]) if stored else 0),
        total=in_steps_of(step) if step is not None and in_steps else exact_sum,
        final=as_it_is if is_wide(types[0]) or (step is not None and step.loop.bits is not None) else wrapped_32,
        channels_first=step is None or step.loop.order == CHANNELS_FIRST,
    )


def as_it_is(values: Array) -> Array:
    """No change."""
    return values


def wrapped_32(values: Array) -> Array:
    """The low 32 bits, signed."""
    return wrapped(values, 32)


def wrapped(values: Array, bits: int) -> Array:
    """The low bits, signed: the array form of spec.integers.wrap."""
    sign = 1 << (bits - 1)
    found: Array = ((values & ((1 << bits) - 1)) ^ sign) - sign
    return found


def saturated(values: Array, bits: int) -> Array:
    """The array form of spec.integers.saturate."""
    return values.clip(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)


def extension(kind: TensorType) -> tuple[str, str, Read]:
    """key, words and what is taken for the codes of a type that is extended wrongly."""
    bits = BITS[kind.dtype]
    if kind.dtype.startswith("u"):
        return "sign_extended", "sign extension instead of zero extension", lambda codes: wrapped(codes, bits)
    return "zero_extended", "zero extension instead of sign extension", lambda codes: codes & ((1 << bits) - 1)


def exact_sum(products: Array) -> Array:
    """Exact in 64 bits."""
    found: Array = products.sum(axis=1)
    return found


def in_steps_of(step: Accumulation) -> Sum:
    """As the profile's own step accumulates, interpreted."""
    function: Any = np.frompyfunc(lambda acc, group: step(acc, group), 2, 1)

    def total(products: Array) -> Array:
        acc = np.zeros(len(products), object)
        for start in range(0, products.shape[1], step.loop.products):
            acc = function(acc, products[:, start : start + step.loop.products].sum(axis=1))
        return acc.astype(np.int64)

    return total


def by_products(register: Callable[[Array, int], Array], bits: int) -> Sum:
    """An accumulator of so many bits that wraps or saturates after each product."""

    def total(products: Array) -> Array:
        acc = np.zeros(len(products), np.int64)
        for product in products.T:
            acc = register(acc + product, bits)
        return acc

    return total

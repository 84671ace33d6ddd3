"""Whether a layer's weights exclude that its accumulator saturates: then every order of addition gives the same sum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from int8sim.kernels.storage import flip
from int8sim.kernels.weights import centred, in_step_order
from int8sim.model.accumulation import CHANNELS_LAST, UNSTATED, WIDEST, Accumulation, Loop, accumulation, is_wide
from int8sim.model.errors import AccumulatorError
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType, dtype_range

FINAL_BITS = 32
"""Of the fast kernels' accumulators, bias included."""


def add_exactly(acc: int, product: int) -> int:
    """acc + product."""
    return acc + product


EXACT = Accumulation(add_exactly, {}, Loop(WIDEST, order=CHANNELS_LAST))
"""Of 16-bit activations: no sum of their products leaves 62 bits."""


class Range(NamedTuple):
    """The least and the greatest value that numbers can take, each in its place."""

    low: Array
    high: Array

    def fits(self, bits: int) -> bool:
        """Whether a signed word of so many bits holds all of them."""
        return bool(self.low.min() >= -(1 << (bits - 1)) and self.high.max() < 1 << (bits - 1))

    def sums(self) -> Range:
        """Of the sum along the last axis, and of every part of it."""
        return Range(self.low.sum(-1), self.high.sum(-1))


def accumulates_in_sequence(
    types: Sequence[TensorType], constants: Mapping[int, Array], arithmetic: Arithmetic
) -> bool:
    """Whether a layer accumulates step by step; otherwise its exact sum is the same, and faster kernels compute it.

    types: of a convolution's, fully connected layer's or matrix product's inputs. constants: its weight and bias, by
    input. A step is the exact sum while no running sum, and no group's where the step narrows that too, can leave the
    width that the profile states, whatever the activations are. Raises AccumulatorError where the function saturates
    inside that width.
    """
    step = accumulation(arithmetic)
    if step is None or step.loop == UNSTATED:
        return step is not None
    x, loop = types[0], step.loop
    weights = _weights(types, constants, loop)
    products = _products(weights, x, flip(x) if loop.unsigned else -x.quantized.tensor_zero_point)
    sums, groups = products.sums(), _groups(products, loop.products)
    stated = ((sums, loop.bits), (groups, loop.group_bits))
    if any(bits is not None and not values.fits(bits) for values, bits in stated):
        return True
    _check_stated(step, sums, groups)
    wide = is_wide(*(kind for i, kind in enumerate(types) if i not in constants))
    return loop.bits is not None and not wide and not _final(weights, x, constants.get(2)).fits(FINAL_BITS)


def _weights(types: Sequence[TensorType], constants: Mapping[int, Array], loop: Loop) -> Range:
    """Every weight, [O, products]; of a matrix product, whose weights are activations, any value of their type."""
    if 1 in constants:
        weights = in_step_order(centred(constants[1], types[1]), loop)
        return Range(weights, weights)
    zero, depth = types[1].quantized.tensor_zero_point, types[1].shape[-2]
    low, high = (np.full((1, depth), end - zero, np.int64) for end in dtype_range(types[1].dtype))
    return Range(low, high)


def _products(weights: Range, x: TensorType, offset: int) -> Range:
    """Of a weight with any activation or with padding, and nothing: a sum may stop before it."""
    inputs = (*dtype_range(x.dtype), x.quantized.tensor_zero_point)
    ends = [each * (code + offset) for each in weights for code in inputs]
    return Range(np.minimum.reduce(ends).clip(max=0), np.maximum.reduce(ends).clip(min=0))


def _groups(products: Range, count: int) -> Range:
    """Sums of `count` products each, [O, groups]."""
    starts = np.arange(0, products.low.shape[1], count)
    return Range(*(np.add.reduceat(each, starts, axis=1) for each in products))


def _final(weights: Range, x: TensorType, bias: Array | None) -> Range:
    """Accumulators of true operands, bias included."""
    low, high = _products(weights, x, -x.quantized.tensor_zero_point).sums()
    after = np.zeros(1, np.int64) if bias is None else bias.astype(np.int64)
    return Range(low + after, high + after)


def _check_stated(step: Accumulation, sums: Range, groups: Range) -> None:
    """Raise AccumulatorError unless the step adds exactly at the ends of a layer's range."""
    for total, group, worst in (
        (sums.low, groups.low, np.argmin(sums.low)),
        (sums.high, groups.high, np.argmax(sums.high)),
    ):
        last = int(group[worst][np.argmax(abs(group[worst]))])
        acc = int(total[worst]) - last if step.loop.bits is not None else 0
        found = step(acc, last, channel=int(worst))
        if found != acc + last:
            raise AccumulatorError(
                f"{step.name} gives {found} for {acc} + {last}, though its loop states that it adds exactly within "
                f"{step.loop.bits} bits (group: {step.loop.group_bits}); state the widths at which it saturates"
            )

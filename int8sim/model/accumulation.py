"""How a layer's products reach its accumulator, where that is not one exact sum: the loop around a profile's step.

The profile's function adds to the accumulator what the loop hands it. When it saturates is said by `products`: after
each product, or after each group of so many. An accumulator that is wide enough for every sum and saturates once, at
the end, needs no step: the `output` function saturates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from int8sim.model.errors import AccumulatorError, UnknownNameError
from int8sim.model.step import Arithmetic, Step
from int8sim.model.tensor import BITS, TensorType

CHANNELS_FIRST = "channel, row, column"
CHANNELS_LAST = "row, column, channel"
ORDERS = (CHANNELS_FIRST, CHANNELS_LAST)
WIDEST = 62
"""Bits of an accumulator: one more product still fits the 64-bit words that kernels compute in."""


@dataclass(frozen=True)
class Loop:
    """The loop around `accumulate(acc, group)`, from acc = 0, over all products of a window.

    bits: as long as every sum stays inside this signed width the function is a plain sum; None: it wraps modulo 2**32,
    as does the accumulator with its bias, so that it is always exact. products: how many consecutive products are
    summed exactly into each `group`; the last may be shorter. order: of the products, outermost first; a cell of
    padding counts as a product like any other. unsigned: the products are of the stored codes, x + 128 (int8) or x
    (uint8), with the weights minus their zero point, and padding holds the stored zero point; its share, stored zero
    point * sum(w), is subtracted from the final accumulator. group_bits: as `bits`, for what the function does to a
    group's sum; None: nothing.
    Raises AccumulatorError, UnknownNameError.
    """

    bits: int | None
    products: int = 1
    order: str = CHANNELS_FIRST
    unsigned: bool = False
    group_bits: int | None = None

    def __post_init__(self) -> None:
        if self.order not in ORDERS:
            raise UnknownNameError("order of accumulation", self.order, ORDERS)
        if self.products < 1:
            raise AccumulatorError(f"products is {self.products}; a step adds at least 1 product")
        for name, bits in (("bits", self.bits), ("group_bits", self.group_bits)):
            if bits is not None and not 1 <= bits <= WIDEST:
                raise AccumulatorError(f"{name} is {bits}; 1 .. {WIDEST} or None is needed")

    def __str__(self) -> str:
        width = f"{self.bits} bits" if self.bits else "modulo 2**32"
        groups = f"{self.products} products a step" + (f" of {self.group_bits} bits" if self.group_bits else "")
        codes = ", of stored codes" if self.unsigned else ""
        return f"{width}, {groups}{codes}, by {self.order}"


UNSTATED = Loop(bits=1)
"""Of a plain step, which says nothing of widths: product by product, always."""


@dataclass(frozen=True, eq=False)
class Accumulation(Step):
    """The step of the role `accumulate`: function(acc, group, *parameters) -> acc, and the loop around it."""

    loop: Loop = UNSTATED


def accumulation(arithmetic: Arithmetic) -> Accumulation | None:
    """A layer's accumulation; None where its accumulator is exact."""
    step = arithmetic.get("accumulate")
    if step is None or isinstance(step, Accumulation):
        return step
    return Accumulation(step.function, step.parameters)


def is_wide(*activations: TensorType) -> bool:
    """Whether a layer's own accumulator is 64 bits and exact: one of its activations has more than 8 bits."""
    return any(BITS[kind.dtype] > BITS["int8"] for kind in activations)


def describe(step: Step, channel: int) -> str:
    """The step as a call with one channel's numbers, and the loop around it; tables are left out."""
    names = [name for name in step.parameters if not hasattr(step.parameters[name], "values")]
    parameters = dict(zip(step.parameters, step.at(min(channel, _last(step))), strict=True))
    loop = f" in {step.loop}" if isinstance(step, Accumulation) else ""
    return f"{step.function.__name__}({', '.join(f'{name}={parameters[name]!r}' for name in names)}){loop}"


def _last(step: Step) -> int:
    """The greatest channel that the step's arrays have."""
    lengths = [len(value) for value in step.parameters.values() if isinstance(value, np.ndarray)]
    return min(lengths, default=1 << 30) - 1

"""The definition of a sum of integer products: exact modulo 2**32, exact in 64 bits, or as a profile accumulates."""

from __future__ import annotations

from collections.abc import Sequence

from int8sim.kernels.storage import flip, stored_zero
from int8sim.model.accumulation import CHANNELS_FIRST, accumulation, is_wide
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.integers import wrap

Pairs = Sequence[tuple[int, int]]


def in_order(arithmetic: Arithmetic, x: Array, w: Array) -> Pairs:
    """The operands of a window, [C, rows, columns] each, in the order of accumulation."""
    step = accumulation(arithmetic)
    axes = (0, 1, 2) if step is None or step.loop.order == CHANNELS_FIRST else (1, 2, 0)
    return list(zip(x.transpose(axes).ravel().tolist(), w.transpose(axes).ravel().tolist(), strict=True))


def accumulate(
    arithmetic: Arithmetic, activations: Sequence[TensorType], pairs: Pairs, zero: int, bias: int, channel: int
) -> int:
    """The accumulator of one output, bias included.

    activations: the layer's, the first one that of the left operands. pairs: codes of x (padding: its zero point) and
    w, in order. zero: w's zero point. Without a step the accumulator wraps at 32 bits where every activation has 8,
    and is exact in 64 where one has more.
    """
    step, x = accumulation(arithmetic), activations[0]
    offset = flip(x) if step and step.loop.unsigned else -x.quantized.tensor_zero_point
    products = [(a + offset) * (w - zero) for a, w in pairs]
    if step is None:
        total = sum(products) + bias
        return total if is_wide(*activations) else wrap(total, 32)
    acc = 0
    for start in range(0, len(products), step.loop.products):
        acc = step(acc, sum(products[start : start + step.loop.products]), channel=channel)
    share = stored_zero(x) * sum(w - zero for _, w in pairs) if step.loop.unsigned else 0
    total = acc - share + bias
    return wrap(total, 32) if step.loop.bits is None else total

"""Proof that a register that saturates after each product is never seen: wherever it cuts, the output saturates too."""

from __future__ import annotations

import numpy as np

from int8sim.golden.mutations.products import exact_sum
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.targets import Reach, constant
from int8sim.model.step import Array

UNSEEN = "wherever the register saturates, so does the output: bounds of all sums, accumulators tried"


def never_seen(subject: Subject, bounds: Reach, bits: int) -> bool:
    """Whether an accumulator of so many bits that saturates after each product gives every output of the exact one.

    No input takes it from one end to the other. So from its last cut at the upper end on, both sums are at least that
    end plus the least sum of the products behind; and all accumulators from there on give one code. Below likewise.
    """
    sums = subject.sums
    if sums is None or sums.total is not exact_sum:
        return False
    top = 1 << (bits - 1)
    most, least = sums.ends()
    great, small = np.maximum(most, 0), np.minimum(least, 0)  # 0 in padded cells
    if max(great.sum(1).max(), -small.sum(1).min()) >= 2 * top - 1:
        return False
    added, step = sums.added, subject.arithmetic["output"]
    above = np.minimum(_behind(great, small, top) + added, top - 1)
    below = -np.minimum(_behind(-small, -great, top + 1) - added, top)
    upper, lower = Reach(np.minimum(above, bounds.high), bounds.high), Reach(bounds.low, np.maximum(below, bounds.low))
    return constant(step, subject.output, upper) and constant(step, subject.output, lower)


def _behind(great: Array, small: Array, top: int) -> Array:
    """By channel, the least sum from the first product on at which the sum can leave the register at `top`."""
    leaves = np.cumsum(great, axis=1) >= top
    rest = small.sum(1, keepdims=True) - np.cumsum(small, axis=1)
    behind: Array = top - 1 + np.where(leaves, rest, 0).min(1)
    return behind

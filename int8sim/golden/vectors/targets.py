"""Where two output steps differ: at the right one's breakpoints, or anywhere in all that a layer's accumulator reaches.

A rounding that is wrong moves a breakpoint of the staircase from accumulator to code. So most mutations show at the
accumulators on both sides of the right one's breakpoints, which bisection finds. What shows nowhere there is swept: the
compiled kernels of both steps over every accumulator that some input of the layer gives.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from int8sim.golden.mutations.functions import FAILURES
from int8sim.golden.mutations.products import Read
from int8sim.golden.mutations.subject import Sums
from int8sim.model.errors import CompileError
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType
from int8sim.proof.interpreted import interpreter
from int8sim.proof.kernels import converter
from int8sim.proof.search import INT32, changes

T = TypeVar("T")
BLOCK = 1 << 18
FEW = 40
"""Accumulators of one channel that are handed on."""
LARGEST = 1 << 32
"""Accumulators of one channel that are swept."""


class Reach(NamedTuple):
    """The least and the greatest accumulator of each channel, int64 [O], whatever the input."""

    low: Array
    high: Array


def reach(sums: Sums) -> Reach:
    """Bounds of a layer's accumulators; every partial sum, without the bias, lies within them less the bias."""
    most, least = sums.ends()
    return Reach(np.minimum(least, 0).sum(-1) + sums.added, np.maximum(most, 0).sum(-1) + sums.added)


def corners(step: Step, channel: int, low: int, high: int) -> list[int]:
    """The accumulators on both sides of every breakpoint within low .. high, and the ends."""
    found = {low, high, *range(max(low, -2), min(high, 2) + 1)}
    for place in changes(interpreter(step, channel), low, high):
        found |= {place - 1, place}
    return sorted(found)


def differing(step: Step, other: Step, channel: int, points: list[int], bits: int) -> list[int]:
    """Those of the points where two steps differ in the low bits that leave the layer."""
    row, wrong = step.at(channel), other.at(channel)
    low_bits = (1 << bits) - 1
    return [acc for acc in points if (step.function(acc, *row) ^ other.function(acc, *wrong)) & low_bits]


def swept(step: Step, other: Step, kind: TensorType, bounds: Reach) -> Iterator[tuple[int, int]] | None:
    """(channel, accumulator) where two steps differ, over all that the layer reaches; None where that cannot be swept.

    kind: of the output. An empty iterator is a proof that the steps are one.
    """
    if not _is_swept(bounds):
        return None
    try:
        return iter([*_swept(step, other, kind, bounds)])
    except (CompileError, *FAILURES):
        return None


def _is_swept(bounds: Reach) -> bool:
    inside = bounds.low.min() >= INT32[0] and bounds.high.max() <= INT32[1]
    return bool(inside and (bounds.high - bounds.low).max() < LARGEST)


def alike(steps: Sequence[Step], count: int) -> list[list[int]]:
    """The channels, those with the same numbers in every step together."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for channel in range(count):
        numbers = [each for step in steps for each in step.at(channel) if not isinstance(each, list)]
        groups.setdefault(tuple(numbers), []).append(channel)
    return [*groups.values()]


def _swept(step: Step, other: Step, kind: TensorType, bounds: Reach) -> Iterator[tuple[int, int]]:
    for channels in alike((step, other), len(bounds.low)):
        right, wrong = (converter(each, kind.dtype, channels[0]) for each in (step, other))
        low, high = bounds.low[channels], bounds.high[channels]
        found: list[tuple[int, int]] = []
        for some in _blocks(int(low.min()), int(high.max())):
            differ = some[right(some) != wrong(some)]
            reached = (differ[:, None] >= low) & (differ[:, None] <= high)
            inside = np.flatnonzero(reached.any(axis=1))
            found += [(channels[int(reached[at].argmax())], int(differ[at])) for at in thinned(inside.tolist())]
        yield from thinned(found)


def thinned(found: Sequence[T]) -> Sequence[T]:
    """At most about FEW of them, evenly."""
    return found[:: max(1, len(found) // FEW)]


def _blocks(low: int, high: int) -> Iterator[Array]:
    """Every accumulator of a range, int32, a block at a time."""
    for start in range(low, high + 1, BLOCK):
        yield np.arange(start, min(start + BLOCK, high + 1), dtype=np.int32)


def cuts_nothing(step: Step, kind: TensorType, bounds: Reach, right: Read, wrong: Read) -> bool:
    """Whether two registers of the finished sum give one code, over all accumulators that the layer reaches."""
    if not _is_swept(bounds):
        return False
    return all(
        np.array_equal(codes(_int32(right(some.astype(np.int64)))), codes(_int32(wrong(some.astype(np.int64)))))
        for channels in alike((step,), len(bounds.low))
        for codes in (converter(step, kind.dtype, channels[0]),)
        for some in _blocks(int(bounds.low[channels].min()), int(bounds.high[channels].max()))
    )


def constant(step: Step, kind: TensorType, bounds: Reach) -> bool:
    """Whether each channel's accumulators within the bounds give one code."""
    if not _is_swept(bounds):
        return False
    for channels in alike((step,), len(bounds.low)):
        codes = converter(step, kind.dtype, channels[0])
        for channel in channels:
            low, high = int(bounds.low[channel]), int(bounds.high[channel])
            if len({code for some in _blocks(low, high) for code in np.unique(codes(some)).tolist()}) > 1:
                return False
    return True


def _int32(values: Array) -> Array:
    return np.ascontiguousarray(values, np.int32)

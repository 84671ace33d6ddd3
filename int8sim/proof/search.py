"""Bisection: where a monotone function of integers changes, and how far a property holds around 0."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

INT32 = -(1 << 31), (1 << 31) - 1
Interval = tuple[int, int]
"""First and last, both included."""


def changes(function: Callable[[int], Any], first: int, last: int) -> Iterator[int]:
    """Every place of first + 1 .. last where `function` differs from its value one before, ascending.

    function: monotone there, in either direction: equal ends mean that all between is equal.
    """
    yield from _between(function, first, last, function(first), function(last))


def _between(function: Callable[[int], Any], first: int, last: int, low: Any, high: Any) -> Iterator[int]:
    if low == high:
        return
    if last - first == 1:
        yield last
        return
    middle = (first + last) // 2
    value = function(middle)
    yield from _between(function, first, middle, low, value)
    yield from _between(function, middle, last, value, high)


def around_zero(holds: Callable[[int], bool], domain: Interval = INT32) -> tuple[Interval, ...]:
    """The operands of the domain where `holds`, one interval with 0 in it; () where it does not hold at 0."""
    if not holds(0):
        return ()
    first = next(changes(holds, domain[0], 0), domain[0])
    after = next(changes(holds, 0, domain[1]), domain[1] + 1)
    return ((first, after - 1),)

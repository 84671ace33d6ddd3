"""Which compiled kernels ran, with what: a layer whose values only kernels move runs again by the same calls.

Calling a layer costs more Python than many a small layer costs time. Where nothing but the values changed, its kernels
can be called alone, on the arrays that they had.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from int8sim.model.step import Array

Call = tuple[Callable[..., Any], tuple[Any, ...]]


@dataclass(frozen=True)
class KernelsOnly:
    """A layer as a function of activations that moves values by compiled kernels only; besides, it makes views.

    call: arrays in storage form -> an array in storage form, or written into one of them. It may take other kernels
    for other shapes, never for other values.
    """

    call: Callable[..., Any]

    def __call__(self, *stored: Array) -> Any:
        """As `call`."""
        return self.call(*stored)


class _Own(threading.local):
    calls: list[Call] | None = None


_own = _Own()


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """The calls of compiled kernels on this thread, in order, while inside."""
    _own.calls, before = [], _own.calls
    try:
        yield _own.calls
    finally:
        _own.calls = before


def note(function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    """A compiled kernel has run."""
    if _own.calls is not None:
        _own.calls.append((function, arguments))

"""Work in parts, each on a thread of its own: kernels hold no lock of Python's while they run."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar, cast

Room = TypeVar("Room")

LEAST_PRODUCTS = 1 << 26
"""Products below which waking another thread may take longer than it saves: a virtual processor sleeps deeply."""

_count: ContextVar[int] = ContextVar("threads", default=1)


@contextmanager
def on_threads(count: int) -> Iterator[None]:
    """Inside, kernels take up to so many threads."""
    token = _count.set(count)
    try:
        yield
    finally:
        _count.reset(token)


def thread_count() -> int:
    """How many threads the kernels may take."""
    return _count.get()


def in_parts(work: Callable[[int, int], None], products: int = LEAST_PRODUCTS) -> None:
    """work(part, parts) for every part. products: of all parts; few of them are one part, on the caller's thread."""
    parts = thread_count() if products >= LEAST_PRODUCTS else 1
    if parts == 1:
        return work(0, 1)
    waiting = [_pool().submit(work, part, parts) for part in range(1, parts)]
    with on_threads(1):
        work(0, parts)
    for each in waiting:
        each.result()
    return None


class Scratch(Generic[Room]):
    """What a kernel needs while it runs, made once on every thread: nothing is allocated by a second call."""

    def __init__(self, make: Callable[[], Room]) -> None:
        self._make, self._own = make, threading.local()

    def __call__(self) -> Room:
        """Of the calling thread."""
        try:
            return cast("Room", self._own.room)
        except AttributeError:
            self._own.room = self._make()
            return cast("Room", self._own.room)


def share(count: int, part: int, parts: int) -> tuple[int, int]:
    """From .. to of `count` things, those of one part."""
    return count * part // parts, count * (part + 1) // parts


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="int8sim")

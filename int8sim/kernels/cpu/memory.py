"""Room for arrays, on cache lines: a vector that lies over two of them takes twice as long to load.

Room for a layer's output is taken again as soon as no array lies in it any more, which CPython's reference counts say:
a second run of a graph allocates nothing, and whoever keeps a tensor, or a view of it, keeps its room.
"""

from __future__ import annotations

import math
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import DTypeLike

from int8sim.model.step import Array

CACHE_LINE = 64
LEAST, MOST = 12, 22
"""Bits of a size: rooms have 4 KiB and more, and are kept up to 4 MiB ..."""
KEPT = 8
"""... and so many of a size: 64 MiB of a thread at most."""
UNUSED = 3
"""References to a room without an array: from the list, the loop, the call that counts them."""


class Rooms:
    """Rooms, and where their first cache line begins, by the bits of their sizes."""

    def __init__(self) -> None:
        self.by_bits: list[list[tuple[Array, int]]] = [[] for _ in range(MOST + 1)]

    def holds(self, array: Array) -> bool:
        """Whether an array lies in one of them."""
        while isinstance(array.base, np.ndarray):
            array = array.base
        return any(array is room for rooms in self.by_bits for room, _ in rooms)


class _Own(threading.local):
    """Of one thread."""

    def __init__(self) -> None:
        self.rooms = Rooms()


_own = _Own()


@contextmanager
def inside(rooms: Rooms) -> Iterator[None]:
    """Arrays of this thread get room in `rooms`, not in those that all of its runs share."""
    _own.rooms, before = rooms, _own.rooms
    try:
        yield
    finally:
        _own.rooms = before


def empty(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """As numpy.empty; in a room of this thread in which no array lies any more, if there is one."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    bits = max((size - 1).bit_length(), LEAST)
    if bits > MOST:
        return empty_on_a_cache_line(shape, dtype)
    rooms = _own.rooms.by_bits[bits]
    for room, begin in rooms:
        if sys.getrefcount(room) == UNUSED:
            return np.ndarray(shape, dtype, room, begin)
    room, begin = _room(1 << bits)
    if len(rooms) < KEPT:
        rooms.append((room, begin))
    return np.ndarray(shape, dtype, room, begin)


def empty_on_a_cache_line(shape: tuple[int, ...], dtype: DTypeLike) -> Array:
    """As numpy.empty, in a room of its own."""
    room, begin = _room(math.prod(shape) * np.dtype(dtype).itemsize)
    return np.ndarray(shape, dtype, room, begin)


def on_a_cache_line(array: Array) -> Array:
    """A copy."""
    copy = empty_on_a_cache_line(array.shape, array.dtype)
    copy[:] = array
    return copy


def _room(size: int) -> tuple[Array, int]:
    room = np.empty(size + CACHE_LINE, np.uint8)
    return room, -room.ctypes.data % CACHE_LINE

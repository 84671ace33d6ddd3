"""Arrays on the device, and who runs the kernels: the GPU, Numba's simulator of one, or whoever takes the launches.

Who takes them finds the arrays in the host's memory. A list of them (`recorded`) is every kernel of a graph, to be
compiled on a machine with neither GPU nor driver; interpreter/ executes their machine code there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

import numpy as np

from int8sim.kernels.cuda.memory import Block
from int8sim.kernels.storage import from_storage, to_storage
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType


class Launch(NamedTuple):
    """A launch that somebody took: a build.Kernel, its grid, and its arguments."""

    kernel: Any
    blocks: Any
    threads: Any
    arguments: tuple[Any, ...]


Launcher = Callable[[Launch], None]

_launcher: ContextVar[Launcher | None] = ContextVar("launcher", default=None)


@contextmanager
def executed_by(launcher: Launcher) -> Iterator[None]:
    """Inside, arrays lie in the host's memory, and every launch goes to `launcher` instead of a device."""
    token = _launcher.set(launcher)
    try:
        yield
    finally:
        _launcher.reset(token)


@contextmanager
def recorded() -> Iterator[list[Launch]]:
    """Inside, no kernel runs; every launch is listed."""
    launches: list[Launch] = []
    with executed_by(launches.append):
        yield launches


def launcher() -> Launcher | None:
    """Who takes the launches instead of a device, if anybody."""
    return _launcher.get()


def is_simulated() -> bool:
    """Whether Numba's CUDA simulator stands for the GPU: NUMBA_ENABLE_CUDASIM=1 before Numba is imported."""
    from numba.core import config

    return bool(config.ENABLE_CUDASIM) and launcher() is None


class DeviceArray:
    """A contiguous array on the device; what it is reshaped to shares its memory."""

    def __init__(self, memory: Any, shape: tuple[int, ...], dtype: Any, block: Block | None = None) -> None:
        """memory: Numba's array, which is of that shape and dtype, in a block of bytes that is held with it."""
        self.memory, self.shape, self.dtype, self._block = memory, shape, np.dtype(dtype), block

    @property
    def ndim(self) -> int:
        """How many axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many values."""
        return math.prod(self.shape)

    def reshape(self, *shape: int) -> DeviceArray:
        """As NumPy's; one size may be -1."""
        known = -math.prod(shape) if -1 in shape else 1
        whole = tuple(self.size // max(known, 1) if each == -1 else each for each in shape)
        return DeviceArray(self.memory.reshape(whole), whole, self.dtype, self._block)

    def view(self, dtype: Any) -> DeviceArray:
        """The same bytes as another dtype; the last axis is a whole number of its values."""
        kind = np.dtype(dtype)
        shape = (*self.shape[:-1], self.shape[-1] * self.dtype.itemsize // kind.itemsize)
        return DeviceArray(self.memory.view(kind), shape, kind, self._block)

    def fetch(self) -> Array:
        """A copy in the host's memory."""
        if isinstance(self.memory, np.ndarray):
            return self.memory.copy()
        found: Array = self.memory.copy_to_host()
        return found


def empty(shape: tuple[int, ...], dtype: Any) -> DeviceArray:
    """An array with no values yet. Raises DeviceMemoryError."""
    if launcher() is not None:
        return DeviceArray(np.zeros(shape, dtype), shape, dtype)
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    block = Block(size)
    return DeviceArray(block.memory[:size].view(kind).reshape(shape), shape, kind, block)


def place(array: Array) -> DeviceArray:
    """A copy of a host array. Raises DeviceMemoryError."""
    whole = np.ascontiguousarray(array)
    if launcher() is not None:
        return DeviceArray(whole.copy(), whole.shape, whole.dtype)
    there = empty(whole.shape, whole.dtype)
    there.memory.copy_to_device(whole)
    return there


def enter(array: Array, kind: TensorType) -> DeviceArray:
    """A tensor in its own layout, into storage form on the device. Raises DeviceMemoryError."""
    return place(to_storage(array, kind))


def leave(array: DeviceArray, kind: TensorType) -> Array:
    """The tensor in its own layout and dtype."""
    return from_storage(array.fetch(), kind)


def parameters(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """A step's numbers, as compile.bind gives them, where kernels read them."""
    if is_simulated():
        return tuple(tuple(each.tolist()) if isinstance(each, np.ndarray) else _plain(each) for each in values)
    return tuple(place(each) if isinstance(each, np.ndarray) else each for each in values)


def unwrapped(argument: Any) -> Any:
    """An argument as Numba takes it."""
    if isinstance(argument, DeviceArray):
        return argument.memory
    if isinstance(argument, tuple):
        return tuple(map(unwrapped, argument))
    return _plain(argument) if is_simulated() else argument


def _plain(value: Any) -> Any:
    """A number of Python's own, which does not wrap."""
    return value.item() if isinstance(value, np.generic) else value

"""Arrays on the device, and who runs the kernels: the GPU, Numba's simulator of one, or whoever takes the launches.

Who takes them finds the arrays in the host's memory. A list of them (`recorded`) is every kernel of a graph, to be
compiled on a machine with neither GPU nor driver; interpreter/ executes their machine code there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple, Protocol

import numpy as np

from int8sim.kernels.cuda.memory import Block
from int8sim.kernels.storage import from_storage, to_storage
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

RUBBISH = 0xA5
"""What a byte of the host's memory is before a kernel has written it."""


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


class Bytes(Protocol):
    """Somewhere to keep a tensor."""

    def array(self, shape: tuple[int, ...], kind: np.dtype[Any]) -> Any:
        """The bytes as an array that Numba takes."""


class HostBlock:
    """Bytes in the host's memory, which are no tensor's values at first."""

    def __init__(self, size: int) -> None:
        self._bytes = np.full(size, RUBBISH, np.uint8)

    def array(self, shape: tuple[int, ...], kind: np.dtype[Any]) -> Array:
        """As NumPy's."""
        return self._bytes.view(kind).reshape(shape)


class DeviceArray:
    """A contiguous array on the device; what it is reshaped to shares its bytes, which live as long as one of them."""

    def __init__(self, block: Bytes, shape: tuple[int, ...], dtype: Any) -> None:
        self._block, self.shape, self.dtype = block, shape, np.dtype(dtype)

    @property
    def memory(self) -> Any:
        """Numba's array, or NumPy's where somebody else than a device takes the launches."""
        return self._block.array(self.shape, self.dtype)

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
        return DeviceArray(self._block, whole, self.dtype)

    def view(self, dtype: Any) -> DeviceArray:
        """The same bytes as another dtype; the last axis is a whole number of its values."""
        kind = np.dtype(dtype)
        shape = (*self.shape[:-1], self.shape[-1] * self.dtype.itemsize // kind.itemsize)
        return DeviceArray(self._block, shape, kind)

    def fetch(self) -> Array:
        """A copy in the host's memory."""
        memory = self.memory
        found: Array = memory.copy() if isinstance(memory, np.ndarray) else memory.copy_to_host()
        return found


def empty(shape: tuple[int, ...], dtype: Any) -> DeviceArray:
    """An array with no values yet. Raises DeviceMemoryError."""
    size = math.prod(shape) * np.dtype(dtype).itemsize
    return DeviceArray(Block(size) if launcher() is None else HostBlock(size), shape, dtype)


def place(array: Array) -> DeviceArray:
    """A copy of a host array. Raises DeviceMemoryError."""
    whole = np.ascontiguousarray(array)
    there = empty(whole.shape, whole.dtype)
    if isinstance(there.memory, np.ndarray):
        there.memory[...] = whole
    else:
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

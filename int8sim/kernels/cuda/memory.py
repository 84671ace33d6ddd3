"""Bytes of the device, kept for the next tensor of their size: an allocation waits for every kernel before it.

All kernels run one behind the other, so that bytes which nobody holds any more may be written by whatever is launched
next.
"""

from __future__ import annotations

import math
import weakref
from collections import defaultdict
from typing import Any

import numpy as np

from int8sim.model.errors import DeviceMemoryError

GRAIN = 512
"""Sizes are whole numbers of these bytes."""
OUT_OF_MEMORY = 2
"""CUDA_ERROR_OUT_OF_MEMORY: NVIDIA CUDA Driver API, CUresult."""

Views = dict[tuple[tuple[int, ...], np.dtype[Any]], Any]
"""Arrays of some bytes, by shape and dtype: Numba takes longer to make one than many a kernel runs."""

_free: defaultdict[int, list[tuple[Any, Views]]] = defaultdict(list)


class Block:
    """Some bytes: they are those of whoever holds it. Raises DeviceMemoryError."""

    def __init__(self, size: int) -> None:
        whole = -(-max(size, 1) // GRAIN) * GRAIN
        try:
            self._memory, self._views = _free[whole].pop()
        except IndexError:
            self._memory, self._views = _allocated(whole), {}
        weakref.finalize(self, _free[whole].append, (self._memory, self._views)).atexit = False

    def array(self, shape: tuple[int, ...], kind: np.dtype[Any]) -> Any:
        """The first bytes as Numba's array."""
        if (shape, kind) not in self._views:
            size = math.prod(shape) * kind.itemsize
            self._views[shape, kind] = self._memory[:size].view(kind).reshape(shape)
        return self._views[shape, kind]


def give_back() -> None:
    """Whatever nobody holds, to the device."""
    _free.clear()


def _allocated(size: int) -> Any:
    """New bytes; if there are none left, those that are kept are given back first."""
    found = _attempt(size)
    if found is None:
        give_back()
        found = _attempt(size)
    if found is None:
        from numba import cuda

        free, total = cuda.current_context().get_memory_info()
        raise DeviceMemoryError(size, int(free), int(total))
    return found


def _attempt(size: int) -> Any:
    """None where the device has not so many bytes."""
    from numba import cuda
    from numba.cuda.cudadrv.driver import CudaAPIError

    try:
        return cuda.device_array(size, np.uint8)
    except CudaAPIError as problem:
        if int(problem.code) != OUT_OF_MEMORY:
            raise
        return None

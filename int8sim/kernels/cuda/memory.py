"""Bytes of the device, kept for the next tensor of their size: an allocation waits for every kernel before it.

All kernels run one behind the other, so that bytes which nobody holds any more may be written by whatever is launched
next.
"""

from __future__ import annotations

import weakref
from collections import defaultdict
from typing import Any

import numpy as np

from int8sim.model.errors import DeviceMemoryError

GRAIN = 512
"""Sizes are whole numbers of these bytes."""
OUT_OF_MEMORY = 2
"""CUDA_ERROR_OUT_OF_MEMORY: NVIDIA CUDA Driver API, CUresult."""

_free: defaultdict[int, list[Any]] = defaultdict(list)


class Block:
    """Some bytes: those who hold it may use `memory`, Numba's uint8 array. Raises DeviceMemoryError."""

    def __init__(self, size: int) -> None:
        whole = -(-max(size, 1) // GRAIN) * GRAIN
        try:
            self.memory = _free[whole].pop()
        except IndexError:
            self.memory = _allocated(whole)
        weakref.finalize(self, _free[whole].append, self.memory).atexit = False


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

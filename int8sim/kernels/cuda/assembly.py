"""The PTX of launches that were recorded: what the compiler makes of a kernel, on a machine without GPU or driver."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from int8sim.kernels.compile import LONGEST_REASON
from int8sim.kernels.cuda.build import Kernel
from int8sim.kernels.cuda.device import Launch, unwrapped
from int8sim.model.errors import CompileError

Capability = tuple[int, int]
"""Compute capability: major, minor."""

CAPABILITIES: tuple[Capability, ...] = ((7, 5), (8, 0), (9, 0))
"""What every kernel is compiled for without a device.

From 10.0 on NVVM takes another dialect of LLVM than Numba writes.
"""


def signature(launch: Launch) -> tuple[Any, ...]:
    """Numba's types of the arguments, which the kernel is compiled for."""
    from numba import typeof

    return tuple(typeof(unwrapped(argument)) for argument in launch.arguments)


def distinct(launches: Iterable[Launch]) -> list[Launch]:
    """The first launch of each kernel and signature."""
    found: dict[tuple[Kernel, tuple[Any, ...]], Launch] = {}
    for launch in launches:
        found.setdefault((launch.kernel, signature(launch)), launch)
    return list(found.values())


def ptx(launch: Launch, capability: Capability) -> str:
    """The text of a launch's kernel for a compute capability. Raises CompileError."""
    return _ptx(launch.kernel, signature(launch), capability)


@functools.cache
def _ptx(kernel: Kernel, types: tuple[Any, ...], capability: Capability) -> str:
    from numba import cuda
    from numba.core.errors import NumbaError

    bounds = kernel.function.targetoptions.get("launch_bounds")
    try:
        text, _ = cuda.compile_ptx(kernel.function.py_func, types, cc=capability, launch_bounds=bounds)
    except NumbaError as problem:
        raise CompileError(kernel.name, " ".join(str(problem).split())[:LONGEST_REASON]) from problem
    return str(text)

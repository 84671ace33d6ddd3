"""The PTX of launches that were recorded: what the compiler makes of a kernel, on a machine without GPU or driver."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from int8sim.kernels.cache import cache_directory
from int8sim.kernels.compile import LONGEST_REASON
from int8sim.kernels.cuda.build import Kernel
from int8sim.kernels.cuda.device import Launch, unwrapped
from int8sim.model.errors import CompileError
from int8sim.model.files import write_bytes

Capability = tuple[int, int]
"""Compute capability: major, minor."""

CAPABILITIES: tuple[Capability, ...] = ((7, 5), (8, 0), (9, 0), (10, 0))
"""What every kernel is compiled for without a device: Turing, Ampere, Hopper, Blackwell."""


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
    """The text of a launch's kernel for one of CAPABILITIES. Raises CompileError."""
    return _texts(launch.kernel, signature(launch))[capability]


@functools.cache
def _texts(kernel: Kernel, types: tuple[Any, ...]) -> dict[Capability, str]:
    """For every capability: most of the time is Numba's, which they share. Kept on disk beside the kernel's module."""
    function = kernel.function.py_func
    key = f"{function.__module__} {types} {_bounds(kernel)} {_versions()}"
    stem = f"{function.__name__}_{hashlib.sha256(key.encode()).hexdigest()[:20]}"
    paths = {each: cache_directory() / "{}_sm_{}{}.ptx".format(stem, *each) for each in CAPABILITIES}
    if not all(path.exists() for path in paths.values()):
        for capability, text in _compiled(kernel, types).items():
            write_bytes(paths[capability], text.encode())
    return {capability: path.read_text() for capability, path in paths.items()}


def _compiled(kernel: Kernel, types: tuple[Any, ...]) -> dict[Capability, str]:
    """As numba.cuda.compile_ptx has it, with the front end run once."""
    from numba.core.errors import NumbaError
    from numba.cuda.compiler import _compile_pyfunc_with_fixup as compile_library
    from numba.cuda.core.compiler_lock import global_compiler_lock

    function, bounds = kernel.function.py_func, _bounds(kernel)
    try:
        with global_compiler_lock:
            library, _ = compile_library(
                function, types, device=False, cc=CAPABILITIES[0], abi="numba", launch_bounds=bounds
            )
            return {each: "\n".join(library.get_asm_strs(cc=each)) for each in CAPABILITIES}
    except NumbaError as problem:
        raise CompileError(kernel.name, " ".join(str(problem).split())[:LONGEST_REASON]) from problem


def _bounds(kernel: Kernel) -> Any:
    """Threads of a block, and blocks of a multiprocessor, or nothing."""
    return kernel.function.targetoptions.get("launch_bounds")


@functools.cache
def _versions() -> str:
    """Of whoever writes the text."""
    names = ("numba-cuda", "nvidia-nvvm", "llvmlite")
    installed = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    return " ".join(f"{name} {installed.get(name, 'of the system')}" for name in names)

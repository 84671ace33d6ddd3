"""The processor that Numba compiles for: this machine's, or the one that NUMBA_CPU_NAME and NUMBA_CPU_FEATURES name."""

from __future__ import annotations

import functools
from typing import NamedTuple

import llvmlite.binding
from numba.core import config


class Target(NamedTuple):
    """LLVM's name of the processor, and its features as `+avx2,-sse4a,...`."""

    name: str
    features: str


@functools.cache
def target() -> Target:
    """As Numba chooses it (numba/core/codegen.py); "generic" alone has no features."""
    name = config.CPU_NAME or llvmlite.binding.get_host_cpu_name()
    if config.CPU_FEATURES is not None:
        return Target(name, config.CPU_FEATURES)
    return Target(name, "" if name == "generic" else llvmlite.binding.get_host_cpu_features().flatten())

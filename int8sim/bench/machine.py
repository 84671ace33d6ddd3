"""What a measurement was made on: processor, instruction sets, versions."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

from int8sim.kernels.cpu.float_tile import float_instruction_set
from int8sim.kernels.cpu.tile import instruction_set
from int8sim.kernels.target import target

PACKAGES = ("int8sim", "numba", "llvmlite", "numpy", "onnxruntime", "ai-edge-litert", "torch")


def machine() -> list[str]:
    """Lines for the screen."""
    name = target().name
    sets = f"dot products by {instruction_set()}, float32 by {float_instruction_set()}"
    return [f"{platform.machine()}, {name} to LLVM, {os.cpu_count()} processors; {sets}", ", ".join(_versions())]


def _versions() -> list[str]:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"no {package}")
    return found

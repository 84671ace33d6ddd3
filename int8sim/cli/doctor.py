"""`int8sim doctor`: what is here, what would be used, and the reason for each no."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import int8sim
from int8sim.cli import doctor_cuda
from int8sim.cli.screen import Screen
from int8sim.kernels.cache import cache_directory
from int8sim.kernels.cpu.tile import instruction_set
from int8sim.profiles.registry import profiles

PACKAGES = ("numpy", "numba", "llvmlite", "h5py", "onnx", "onnxruntime", "ai-edge-litert", "hypothesis", "numba-cuda")


def doctor(as_json: bool) -> int:
    """The exit status, always 0: a missing option is no failure."""
    screen, cuda = Screen(as_json), doctor_cuda.cuda()
    content = {
        "int8sim": int8sim.__version__,
        "python": platform.python_version(),
        "machine": platform.platform(),
        "packages": {name: _version(name) for name in PACKAGES},
        "dot product": instruction_set(),
        "kernel cache": str(cache_directory()),
        "backends": {
            "reference": "available: the specification, interpreted",
            "cpu": f"available: {instruction_set()}",
            "cuda": doctor_cuda.backend(cuda),
        },
        "cuda": cuda,
        "profiles": {name: entry.title for name, entry in profiles().items()},
    }
    for name, value in content.items():
        if isinstance(value, dict):
            screen.table("", (name, ""), ([key, str(entry)] for key, entry in value.items()))
        else:
            screen.say(f"{name}: {value}")
    screen.result(content)
    return 0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

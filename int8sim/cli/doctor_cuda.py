"""The CUDA part of `int8sim doctor`: what a run needs, one after the other, each there or with the reason why not."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version

from int8sim.golden.packaged import device_results
from int8sim.kernels.cuda import availability
from int8sim.kernels.cuda.availability import OLDEST, TENSOR_CORES
from int8sim.kernels.cuda.device import is_simulated

INSTALL = "install it with: pip install 'int8sim[cuda]'"
COMPILERS = ("nvidia-nvvm", "nvidia-cuda-nvrtc")
NO_DEVICE = "no GPU has run int8sim's kernels: golden/gpu holds no device's results (docs/cuda.md says what is proved)"


def backend(found: dict[str, str]) -> str:
    """One line, of what `cuda` says."""
    problem = availability.reason()
    return f"not available: {problem}" if problem else f"available: {found['device']}, {found['dot product']}"


def cuda() -> dict[str, str]:
    """By name, in the order in which one needs the other."""
    problem = availability.reason()
    return {
        "numba-cuda": _package("numba-cuda"),
        "compiler": ", ".join(f"{name} {_package(name)}" for name in COMPILERS),
        "device": f"none: {problem}" if problem else _device(),
        "dot product": "none: no device" if problem else _dot_product(availability.capability()),
        "results of devices": recorded(),
    }


def _package(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return f"not installed; {INSTALL}"


def _device() -> str:
    """Name, compute capability, driver."""
    if is_simulated():
        return availability.name()
    from numba.cuda.cudadrv.driver import driver

    major, minor = availability.capability()
    newest = ".".join(map(str, driver.get_version()))
    return f"{availability.name()}, compute capability {major}.{minor}, a driver for CUDA {newest}"


def _dot_product(capability: tuple[int, int]) -> str:
    """Which instruction a matrix product takes, and why."""
    bound = ".".join(map(str, TENSOR_CORES))
    if capability >= TENSOR_CORES:
        return f"mma: the tensor cores, from capability {bound} on; dp4a where 16 does not divide the channels"
    return f"dp4a: from capability {'.'.join(map(str, OLDEST))} on; mma would need {bound}"


def recorded() -> str:
    """The devices that tools/gpu_check.py was run on, and how many values were compared and differ."""
    found = []
    for path in device_results():
        content = json.loads(path.read_text())
        counts = f"{content['compared']:,} values compared, {content['different']:,} differ"
        found.append(f"{content['machine'].get('device', path.stem)}: {counts}")
    return "; ".join(found) or NO_DEVICE

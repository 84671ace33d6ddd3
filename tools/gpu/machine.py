"""What the figures are of: the device, the driver, the versions."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import int8sim
from gpu.budget import Budget
from gpu.report import Compared, SkippedError
from int8sim.kernels.cuda.availability import TENSOR_CORES, name, reason
from int8sim.kernels.cuda.device import is_simulated, launcher

PACKAGES = ("numba", "numba-cuda", "llvmlite", "numpy", "h5py", "nvidia-nvvm", "nvidia-cuda-nvrtc", "torch")


def capability() -> tuple[int, int]:
    """Of the device; what stands for one does all that a recent one does. Raises SkippedError where there is none."""
    if stands_in():
        return TENSOR_CORES
    if reason():
        raise SkippedError(reason())
    from numba import cuda

    major, minor = cuda.get_current_device().compute_capability
    return int(major), int(minor)


def stands_in() -> str:
    """Who runs the kernels where that is no device."""
    if launcher() is not None:
        return "int8sim's interpreter of PTX"
    return "Numba's CUDA simulator" if is_simulated() else ""


def facts(_: Budget) -> Iterator[Compared]:
    """One line."""
    found: dict[str, Any] = {"device": stands_in() or name(), "capability": ".".join(map(str, capability()))}
    found |= {"int8sim": int8sim.__version__, "python": platform.python_version(), "system": platform.platform()}
    found["packages"] = {each: _version(each) for each in PACKAGES}
    if not stands_in():
        found |= _device()
    yield Compared("machine", facts=found)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _device() -> dict[str, Any]:
    """What is not known here is said, and no more."""
    from numba import cuda

    device = cuda.get_current_device()
    questions: dict[str, Callable[[], Any]] = {
        "CUDA driver": lambda: ".".join(map(str, cuda.cudadrv.driver.driver.get_version())),
        "CUDA runtime": lambda: ".".join(map(str, cuda.runtime.get_version())),
        "multiprocessors": lambda: device.MULTIPROCESSOR_COUNT,
        "clock in kHz": lambda: device.CLOCK_RATE,
        "memory in bytes": lambda: cuda.current_context().get_memory_info().total,
    }
    return {name: _answer(question) for name, question in questions.items()}


def _answer(question: Callable[[], Any]) -> Any:
    try:
        return question()
    except Exception as problem:  # whatever a driver says
        return f"not known: {problem}"

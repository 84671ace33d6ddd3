"""Whether kernels can run here, on what, and the reason if not."""

from __future__ import annotations

import functools
from importlib.util import find_spec

from int8sim.kernels.cuda.device import is_simulated, launcher
from int8sim.model.errors import BackendUnavailableError

OLDEST = (7, 5)
"""The least compute capability of NVVM 13; dp4a came with 6.1."""
TENSOR_CORES = (8, 0)
"""From here on mma takes 8-bit operands of 32 columns: NVIDIA PTX ISA, mma, target notes."""


def check() -> None:
    """Raise BackendUnavailableError unless kernels can run here, or somebody else takes them."""
    problem = "" if launcher() is not None else reason()
    if problem:
        raise BackendUnavailableError("cuda", problem)


@functools.cache
def reason() -> str:
    """Why no kernel can run here; empty if one can."""
    if find_spec("numba_cuda") is None:
        return "the package numba-cuda is not installed; install it with: pip install 'int8sim[cuda]'"
    if is_simulated():
        return ""
    return _driver()


def _driver() -> str:
    from numba import cuda
    from numba.cuda.cudadrv.error import CudaDriverError, CudaSupportError

    try:
        device = cuda.get_current_device()
    except (CudaDriverError, CudaSupportError) as problem:
        return " ".join(str(problem).split()).rstrip(" :")
    found = tuple(device.compute_capability)
    if found < OLDEST:
        return f"{name()} has compute capability {_dotted(found)}; {_dotted(OLDEST)} or later is needed"
    return ""


def name() -> str:
    """Of the device that kernels run on."""
    if is_simulated():
        return "Numba's CUDA simulator"
    from numba import cuda

    found = cuda.get_current_device().name
    return found.decode() if isinstance(found, bytes) else str(found)


def capability() -> tuple[int, int]:
    """Compute capability of the device that kernels run on; the oldest where there is none, or only a simulated one."""
    if is_simulated() or launcher() is not None or reason():
        return OLDEST
    from numba import cuda

    major, minor = cuda.get_current_device().compute_capability
    return int(major), int(minor)


def _dotted(capability: tuple[int, ...]) -> str:
    return ".".join(map(str, capability))

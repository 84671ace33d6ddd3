"""NVIDIA's assembler: PTX to machine code without a device, and what that takes of one."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from int8sim.kernels.cuda.assembly import Capability
from int8sim.model.errors import AssemblerError, MissingPackageError

WHEEL = "nvidia-cuda-nvcc"


class Resources(NamedTuple):
    """What a kernel takes: registers of a thread, bytes of a thread's stack and of spills, static bytes of a block."""

    registers: int
    stack: int
    spills: int
    shared: int


def assembler() -> Path:
    """ptxas, from NVIDIA's wheel or on the PATH. Raises MissingPackageError."""
    wheel = find_spec("nvidia")
    folders = [Path(each) for each in wheel.submodule_search_locations or ()] if wheel else []
    for found in (path for folder in folders for path in folder.glob("c*/bin/ptxas")):
        return found
    system = shutil.which("ptxas")
    if system is None:
        raise MissingPackageError(WHEEL, "cuda", "assembling PTX")
    return Path(system)


def resources(text: str, capability: Capability) -> Resources:
    """What ptxas -v says of the one kernel in the text. Raises AssemblerError, MissingPackageError."""
    return _read(_assemble(text, capability))


def _assemble(text: str, capability: Capability) -> str:
    """What ptxas prints."""
    architecture = "sm_{}{}".format(*capability)
    with tempfile.TemporaryDirectory() as folder:
        source, binary = Path(folder) / "kernel.ptx", Path(folder) / "kernel.cubin"
        source.write_text(text)
        command = [str(assembler()), "-v", "-arch", architecture, str(source), "-o", str(binary)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise AssemblerError(architecture, done.stderr.replace(folder, "").strip())
    return done.stderr


def _read(said: str) -> Resources:
    spilled = re.findall(r"(\d+) bytes spill (?:stores|loads)", said)
    return Resources(
        registers=_first(r"Used (\d+) registers", said),
        stack=_first(r"(\d+) bytes stack frame", said),
        spills=sum(map(int, spilled)),
        shared=_first(r"(\d+) bytes smem", said),
    )


def _first(pattern: str, said: str) -> int:
    """0 where it does not stand: ptxas leaves out what is none."""
    found = re.search(pattern, said)
    return int(found[1]) if found else 0

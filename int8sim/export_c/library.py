"""The files of a library: object, header, SystemVerilog package, and what a C compiler links of the object."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
from pathlib import Path
from typing import NamedTuple

import llvmlite.binding as llvm

from int8sim.model.errors import CompilerError, OutputNotWritableError, UnknownNameError
from int8sim.model.files import replacing, write_bytes

NATIVE = "native"
X86 = ("x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4", NATIVE)
OTHER = ("generic", NATIVE)
STRICT = ("-Wl,-z,defs", "-Wl,--as-needed") if platform.system() == "Linux" else ()
"""The linker refuses what no library has, and names none that nothing needs."""


class Library(NamedTuple):
    """name: of its files and of its SystemVerilog package. code: a relocatable object."""

    name: str
    code: bytes
    header: str
    package: str


def processors() -> tuple[str, ...]:
    """What a library can be compiled for here; the first is any machine of this kind."""
    return X86 if platform.machine() in {"x86_64", "AMD64"} else OTHER


def llvm_processor(cpu: str) -> str:
    """LLVM's name of a processor; "" is the first of `processors`. Raises UnknownNameError."""
    if cpu and cpu not in processors():
        raise UnknownNameError("processor", cpu, processors())
    return str(llvm.get_host_cpu_name()) if cpu == NATIVE else cpu or processors()[0]


def write(library: Library, folder: Path) -> list[Path]:
    """NAME.o, NAME.h, NAME_pkg.sv and libNAME.so, the last by CC, or cc.

    Raises OutputNotWritableError; CompilerError, when the others are written, where there is no compiler.
    """
    name = library.name
    texts = {
        f"{name}.o": library.code,
        f"{name}.h": library.header.encode(),
        f"{name}_pkg.sv": library.package.encode(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputNotWritableError(folder, problem.strerror or str(problem)) from None
    for file, content in texts.items():
        write_bytes(folder / file, content)
    written = [folder / file for file in texts]
    shared = folder / f"lib{name}.so"
    with replacing(shared) as partial:
        _link(written, partial)
    return [*written, shared]


def _link(written: list[Path], shared: Path) -> None:
    compiler = shlex.split(os.environ.get("CC", "")) or ["cc"]
    command = [*compiler, "-shared", *STRICT, "-o", str(shared), str(written[0])]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (the user's own compiler)
    except OSError as problem:
        raise CompilerError(command, problem.strerror or str(problem), written) from None
    except subprocess.CalledProcessError as problem:
        raise CompilerError(command, problem.stderr.strip()[-500:], written) from None

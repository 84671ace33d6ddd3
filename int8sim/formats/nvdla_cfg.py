"""The .cfg form of an NVDLA trace: a command a line, `reg_write(NVDLA_SDP.D_CVT_SHIFT_0, 0x0);`, memory in .dat files.

Every register's name ends in _0; `NVDLA_SDP.RDMA_x`, as the oldest traces write it, is NVDLA_SDP_RDMA.x. Source:
nvdla/doc:doc/hw/v2/verif_guide.rst, Configuration File Format; nvdla/hw:verif/tests/trace_tests.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from int8sim.formats.nvdla_commands import (
    CheckCrc,
    CheckFile,
    Command,
    MemInit,
    MemLoad,
    RegWrite,
    Trace,
    Wait,
)
from int8sim.formats.nvdla_dat import read_dat, read_trace_text, write_dat
from int8sim.model.errors import NotATraceError, TraceTextError
from int8sim.model.files import write_bytes

COMMAND = re.compile(r"(?P<name>\w+)\s*\((?P<arguments>(?:[^()\"]|\"[^\"]*\")*)\)\s*;\s*(?://.*)?")
REGISTER = re.compile(r"NVDLA_\w+\.\w+_0")
WAITS = re.compile(r"poll_\w+|sync_notify|sync_wait|intr_notify|check_nothing")
NUMBER = re.compile(r"0[xX][0-9a-fA-F]+|\d+")
MEMORIES = {"1": "pri_mem", "0": "sec_mem"}


def read_cfg(path: str | os.PathLike[str]) -> Trace:
    """The trace, its .dat files read from beside it. Raises NotATraceError, TraceTextError (both of them too)."""
    return Trace(str(path), tuple(_commands(read_trace_text(path), Path(path))))


def write_cfg(path: str | os.PathLike[str], trace: Trace) -> None:
    """Write a trace; its .dat files go beside it, first. Raises OutputNotWritableError."""
    for command in trace.commands:
        if isinstance(command, MemLoad | CheckFile):
            write_dat(Path(path).parent / command.file, command.records)
    write_bytes(path, cfg_text(trace).encode("utf-8"))


def cfg_text(trace: Trace) -> str:
    """The .cfg as a string."""
    return "".join(f"{_line(command)}\n" for command in trace.commands)


def _line(command: Command) -> str:
    match command:
        case MemInit(memory, address, size, pattern):
            return f"mem_init({memory}, {address:#x}, {size:#x}, {pattern});"
        case MemLoad(memory, address, file):
            return f'mem_load({memory}, {address:#x}, "{file}");'
        case RegWrite(block, register, value):
            return f"reg_write({block}.{register}_0, {value:#x});"
        case Wait(name, arguments):
            return f"{name}({', '.join(arguments)});"
        case CheckCrc(sync, memory, address, size, crc):
            return f"check_crc({sync}, {memory}, {address:#x}, {size:#x}, {crc:#x});"
        case CheckFile(sync, memory, address, size, file):
            return f'check_file({sync}, {memory}, {address:#x}, {size:#x}, "{file}");'


def _commands(text: str, path: Path) -> Iterator[Command]:
    for number, line in enumerate(text.splitlines(), 1):
        code = line.strip()
        if not code or code.startswith("//"):
            continue
        match = COMMAND.fullmatch(code)
        if match is None:
            raise TraceTextError(path, number, line, "a command is name(argument, ...); and stands on one line")
        arguments = [part.strip() for part in match["arguments"].split(",")]
        try:
            yield _command(match["name"], arguments, path)
        except NotATraceError:
            raise
        except ValueError as problem:
            raise TraceTextError(path, number, line, f"it is no command of a trace: {problem}") from None


def _command(name: str, arguments: list[str], path: Path) -> Command:
    """Raises ValueError for what is no command, and the errors of a .dat file."""
    if WAITS.fullmatch(name):
        return Wait(name, tuple(arguments))
    if name not in READERS:
        msg = f"{name}; known: {', '.join(READERS)}, poll_*, sync_*, intr_notify, check_nothing"
        raise ValueError(msg)
    expected, reader = READERS[name]
    if len(arguments) != expected:
        msg = f"{name} takes {expected} arguments"
        raise ValueError(msg)
    return reader(path, *arguments)


def _mem_init(_: Path, memory: str, address: str, size: str, pattern: str) -> MemInit:
    return MemInit(_memory(memory), _address(address), _number(size), pattern)


def _mem_load(path: Path, memory: str, address: str, file: str) -> MemLoad:
    name = file.strip('"')
    return MemLoad(_memory(memory), _address(address), name, read_dat(path.parent / name))


def _reg_write(_: Path, register: str, value: str) -> RegWrite:
    if not REGISTER.fullmatch(register):
        msg = f"{register} is no register; write NVDLA_BLOCK.REGISTER_0"
        raise ValueError(msg)
    return RegWrite.named(register.removesuffix("_0"), _number(value))


def _check_crc(_: Path, sync: str, memory: str, address: str, size: str, crc: str) -> CheckCrc:
    return CheckCrc(sync, _memory(memory), _address(address), _number(size), _number(crc))


def _check_file(path: Path, sync: str, memory: str, address: str, size: str, file: str) -> CheckFile:
    name = file.strip('"')
    return CheckFile(sync, _memory(memory), _address(address), _number(size), name, read_dat(path.parent / name))


def _memory(name: str) -> str:
    known = MEMORIES.get(name, name)
    if known not in MEMORIES.values():
        msg = f"{name} is no memory; known: {', '.join(MEMORIES.values())}, or their numbers {', '.join(MEMORIES)}"
        raise ValueError(msg)
    return known


def _number(text: str, bits: int = 32) -> int:
    if not NUMBER.fullmatch(text) or int(text, 0) >= 1 << bits:
        msg = f"{text} is no number below 2**{bits}"
        raise ValueError(msg)
    return int(text, 0)


def _address(text: str) -> int:
    return _number(text, 64)


READERS: dict[str, tuple[int, Callable[..., Command]]] = {
    "mem_init": (4, _mem_init),
    "mem_load": (3, _mem_load),
    "reg_write": (2, _reg_write),
    "check_crc": (5, _check_crc),
    "check_file": (5, _check_file),
}
"""Command -> number of its arguments, and what reads them."""

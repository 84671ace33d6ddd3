"""The .npz form of an NVDLA trace: sparse memory, registers in order, one window with its golden CRC-32.

in_addr, in_byte: address and value of each byte that is loaded, all others are 0. reg_names: NVDLA_SDP.D_CVT_SHIFT and
so on, written in this order; reg_values. crc_base, crc_size: the window that is checked; crc_golden: zlib.crc32 of it.
It holds one window, memory that is filled before the first register, and no names of files or interrupts.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import read_array

from int8sim.formats.nvdla_commands import (
    MEMORY,
    CheckCrc,
    CheckFile,
    Command,
    MemInit,
    MemLoad,
    RegWrite,
    Trace,
    Wait,
    records_of,
)
from int8sim.model.errors import NotATraceError, TraceNotWritableError
from int8sim.model.files import replacing
from int8sim.model.step import Array

SYNC = "sync_id_0"
GAP = 1 << 24
"""Memory that lies further apart goes into another file."""

LISTS = {"in_addr": "iu", "in_byte": "iu", "reg_names": "U", "reg_values": "iu"}
NUMBERS = {"crc_base": 64, "crc_size": 32, "crc_golden": 32}
"""Name -> bits."""


def read_npz(path: str | os.PathLike[str]) -> Trace:
    """The trace. Raises NotATraceError for a file that is missing, damaged, or lacks an array."""
    arrays = _arrays(path)
    base, size, crc = (_number(path, name, arrays[name], bits) for name, bits in NUMBERS.items())
    names = [str(name) for name in arrays["reg_names"]]
    writes = [_write(path, *pair) for pair in zip(names, arrays["reg_values"].tolist(), strict=True)]
    window = MemInit(MEMORY, base, size, "ALL_ZERO")
    notify = Wait("intr_notify", (_interrupt(writes), SYNC))
    loads = _loads(Path(path).stem, arrays["in_addr"], arrays["in_byte"])
    return Trace(str(path), (window, *loads, *writes, notify, CheckCrc(SYNC, MEMORY, base, size, crc)))


def write_npz(path: str | os.PathLike[str], trace: Trace) -> None:
    """Raises TraceNotWritableError for what the form cannot hold, OutputNotWritableError."""
    check = _one_check(trace)
    addresses, values = loaded(trace.commands)
    writes = [command for command in trace.commands if isinstance(command, RegWrite)]
    arrays: dict[str, Any] = {
        "in_addr": addresses,
        "in_byte": values,
        "reg_names": np.array([f"{each.block}.{each.register}" for each in writes]),
        "reg_values": np.array([each.value for each in writes], np.uint64),
        "crc_base": check.address,
        "crc_size": check.size,
        "crc_golden": check.crc,
    }
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez_compressed(file, **arrays)


def loaded(commands: Sequence[Command]) -> tuple[Array, Array]:
    """Addresses, uint64 ascending, and bytes of all that is loaded before the first register and not zeroed again.

    Raises TraceNotWritableError for memory that is filled later, for another memory, and for other patterns than zero.
    """
    addresses, values = np.empty(0, np.uint64), np.empty(0, np.uint8)
    first = next((place for place, each in enumerate(commands) if isinstance(each, RegWrite)), len(commands))
    for place, command in enumerate(commands):
        if isinstance(command, MemInit | MemLoad):
            _check_fill(command, late=place > first)
        if isinstance(command, MemInit):
            kept = (addresses < command.address) | (addresses >= command.address + command.size)
            addresses, values = addresses[kept], values[kept]
        elif isinstance(command, MemLoad):
            addresses, values = _overlaid(addresses, values, command)
    return addresses, values


def _overlaid(addresses: Array, values: Array, load: MemLoad) -> tuple[Array, Array]:
    spans = [np.arange(len(payload), dtype=np.uint64) + (load.address + offset) for offset, payload in load.records]
    later = np.frombuffer(b"".join(payload for _, payload in load.records), np.uint8)
    both, data = np.concatenate([addresses, *spans]), np.concatenate([values, later])
    kept, last = np.unique(both[::-1], return_index=True)
    return kept, data[::-1][last]


def _check_fill(command: MemInit | MemLoad, late: bool) -> None:
    if late:
        raise TraceNotWritableError("npz", f"memory is filled at {command.address:#x} after registers are written")
    if command.memory != MEMORY:
        raise TraceNotWritableError("npz", f"it fills {command.memory}; the form has {MEMORY} only")
    if isinstance(command, MemInit) and command.pattern != "ALL_ZERO":
        raise TraceNotWritableError("npz", f"memory at {command.address:#x} is {command.pattern}; only ALL_ZERO fits")


def _one_check(trace: Trace) -> CheckCrc:
    checks = [command for command in trace.commands if isinstance(command, CheckCrc | CheckFile)]
    if len(checks) != 1 or not isinstance(checks[0], CheckCrc) or checks[0].memory != MEMORY:
        raise TraceNotWritableError("npz", f"it has {len(checks)} checks; the form holds one check_crc of {MEMORY}")
    return checks[0]


def _arrays(path: str | os.PathLike[str]) -> Mapping[str, Array]:
    found = _held(path)
    for name in (*LISTS, *NUMBERS):
        if name not in found:
            raise NotATraceError(path, f"it has no array {name!r}")
    for name, kinds in LISTS.items():
        if found[name].ndim != 1 or found[name].dtype.kind not in kinds:
            raise NotATraceError(path, f"{name} is {found[name].dtype}{list(found[name].shape)}; a list is needed")
    for first, second in (("in_addr", "in_byte"), ("reg_names", "reg_values")):
        if len(found[first]) != len(found[second]):
            raise NotATraceError(path, f"{first} has {len(found[first])} entries, {second} {len(found[second])}")
    if found["in_byte"].size and not 0 <= found["in_byte"].min() <= found["in_byte"].max() <= 255:
        raise NotATraceError(path, "in_byte holds values that are no bytes")
    return found


def _held(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Those of the arrays that the archive has."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in (*LISTS, *NUMBERS) if f"{name}.npy" in archive.namelist()]
            return {name: read_array(archive.open(f"{name}.npy"), allow_pickle=False) for name in names}
    except OSError as problem:
        raise NotATraceError(path, problem.strerror or str(problem)) from None
    except Exception as problem:  # zipfile, zlib and NumPy raise many types
        raise NotATraceError(path, f"no .npz archive, or a damaged one: {problem}") from None


def _number(path: str | os.PathLike[str], name: str, array: Array, bits: int) -> int:
    if array.ndim != 0 or array.dtype.kind not in "iu" or not 0 <= int(array) < 1 << bits:
        raise NotATraceError(path, f"{name} is {array!r}; a number below 2**{bits} is needed")
    return int(array)


def _write(path: str | os.PathLike[str], name: str, value: int) -> RegWrite:
    if "." not in name or not 0 <= value < 1 << 32:
        raise NotATraceError(path, f"register {name!r} = {value}; a name NVDLA_BLOCK.REGISTER and 32 bits are needed")
    return RegWrite.named(name, value)


def _interrupt(writes: Sequence[RegWrite]) -> str:
    """The last block of the pipeline that is enabled tells when it is done."""
    return "PDP_0" if any(each.block == "NVDLA_PDP" for each in writes) else "SDP_0"


def _loads(stem: str, addresses: Array, values: Array) -> Iterator[MemLoad]:
    """Of a byte that is given twice the last value counts."""
    kept, last = np.unique(addresses[::-1].astype(np.uint64), return_index=True)
    data = values[::-1][last].astype(np.uint8)
    edges = np.flatnonzero(np.diff(kept) > GAP) + 1
    for number, (block, part) in enumerate(zip(np.split(kept, edges), np.split(data, edges), strict=True)):
        if block.size:
            base = int(block[0])
            yield MemLoad(MEMORY, base, f"{stem}_{number}.dat", tuple(records_of(block, part, base)))

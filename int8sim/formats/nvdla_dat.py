"""NVDLA's memory as text: records `{offset:0x20, size:4, payload:0x00 0x10 0x20 0x30} ,` between two braces.

One record a line; offsets count from the address that the trace's .cfg loads the file at. Behind # and // stand
comments. Sources: nvdla/doc:doc/hw/v2/verif_guide.rst, Memory Surface File Format; nvdla/hw:verif/vip/mem_model/
mem_core.svh, load_surface and dump_surface.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from int8sim.model.errors import NotATraceError, TraceTextError
from int8sim.model.files import write_bytes

Record = tuple[int, bytes]
"""Offset and payload."""

PAYLOAD = 16
"""Bytes of one record as written here and by NVIDIA's test bench; the form allows 32."""

RECORD = re.compile(
    r"\{\s*offset:\s*(?P<offset>0x[0-9a-fA-F]+|\d+)\s*,\s*size:\s*(?P<size>0x[0-9a-fA-F]+|\d+)\s*,"
    r"\s*payload:\s*(?P<payload>0x[0-9a-fA-F]{1,2}(?:\s+0x[0-9a-fA-F]{1,2})*)\s*\}\s*,?"
)

PLAIN = re.compile(r"\{offset:(?P<offset>0x[0-9a-f]+), size:(?P<size>\d+), payload:(?P<payload>[0-9a-fx ]+)\} ?,?")
"""A record as it is written here, which is read five times as fast."""


def read_trace_text(path: str | os.PathLike[str]) -> str:
    """The text of a .cfg or .dat file. Raises NotATraceError."""
    try:
        return Path(path).read_bytes().decode("utf-8")
    except OSError as problem:
        raise NotATraceError(path, problem.strerror or str(problem)) from None
    except UnicodeDecodeError:
        raise NotATraceError(path, "it is not text") from None


def read_dat(path: str | os.PathLike[str]) -> tuple[Record, ...]:
    """The records of a file, in its order. Raises NotATraceError, TraceTextError."""
    return tuple(_records(read_trace_text(path), path))


def write_dat(path: str | os.PathLike[str], records: Iterable[Record]) -> None:
    """Write records of any length, cut to PAYLOAD bytes. Raises OutputNotWritableError."""
    write_bytes(path, dat_text(records).encode("utf-8"))


def dat_text(records: Iterable[Record]) -> str:
    """The file as a string."""
    return "".join(dat_parts(records))


def dat_parts(records: Iterable[Record]) -> Iterator[str]:
    """The file, a record at a time."""
    before = "{\n"
    for offset, payload in ((offset, payload) for offset, payload in records if payload):
        parts = [payload[place : place + PAYLOAD] for place in range(0, len(payload), PAYLOAD)]
        lines = [_line(offset + PAYLOAD * number, part) for number, part in enumerate(parts)]
        yield before + " ,\n".join(lines)
        before = " ,\n"
    yield "\n}\n" if before != "{\n" else "{\n\n}\n"


def _line(offset: int, payload: bytes) -> str:
    return f"{{offset:{offset:#x}, size:{len(payload)}, payload:0x{payload.hex(' ').replace(' ', ' 0x')}}}"


def _records(text: str, path: str | os.PathLike[str]) -> Iterator[Record]:
    """Raises TraceTextError for a line that is no record, NotATraceError for a file that is cut off."""
    opened = closed = False
    for number, line in enumerate(text.splitlines(), 1):
        code = line.partition("#")[0].partition("//")[0].strip()
        if code == "{" and not opened:
            opened = True
        elif code == "}" and opened and not closed:
            closed = True
        elif code and opened and not closed:
            yield _record(code, path, number)
        elif code:
            raise TraceTextError(path, number, line, "records stand between one line '{' and one line '}'")
    if not closed:
        raise NotATraceError(path, "the closing brace is missing: the file is cut off, or no .dat file")


def _record(code: str, path: str | os.PathLike[str], number: int) -> Record:
    plain = PLAIN.fullmatch(code)
    if plain and (quick := _whole_bytes(plain["payload"])) and len(quick) == int(plain["size"]):
        return int(plain["offset"], 16), quick
    match = RECORD.fullmatch(code)
    if match is None:
        raise TraceTextError(path, number, code, "a record is {offset:0x0, size:2, payload:0x00 0x10} ,")
    payload = bytes(int(byte, 16) for byte in match["payload"].split())
    if int(match["size"], 0) != len(payload):
        raise TraceTextError(path, number, code, f"its payload has {len(payload)} bytes")
    return int(match["offset"], 0), payload


def _whole_bytes(payload: str) -> bytes:
    """Bytes of two digits each, with one space between; nothing for another spelling."""
    try:
        found = bytes.fromhex(payload.replace("0x", ""))
    except ValueError:
        return b""
    return found if payload == f"0x{found.hex(' ').replace(' ', ' 0x')}" else b""

"""A trace of NVDLA's verification suite: commands that fill memory, write registers, wait, and check the result."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from int8sim.formats.nvdla_dat import Record
from int8sim.model.step import Array

MEMORY = "pri_mem"
"""The primary memory, which is number 1; the secondary one is sec_mem, 0."""


@dataclass(frozen=True)
class MemInit:
    """Fill memory with a pattern; ALL_ZERO is 0."""

    memory: str
    address: int
    size: int
    pattern: str


@dataclass(frozen=True)
class MemLoad:
    """Load a file: its records at address + offset. file: its name beside the .cfg."""

    memory: str
    address: int
    file: str
    records: tuple[Record, ...]


@dataclass(frozen=True)
class RegWrite:
    """Write a register: block NVDLA_SDP, register D_CVT_SHIFT, a 32-bit value."""

    block: str
    register: str
    value: int

    @classmethod
    def named(cls, name: str, value: int) -> RegWrite:
        """Of "NVDLA_SDP.D_CVT_SHIFT"; the oldest traces call SDP_RDMA's registers NVDLA_SDP.RDMA_x."""
        block, _, register = name.partition(".")
        if block == "NVDLA_SDP" and register.startswith("RDMA_"):
            return cls("NVDLA_SDP_RDMA", register.removeprefix("RDMA_"), value)
        return cls(block, register, value)


@dataclass(frozen=True)
class Wait:
    """Whatever only orders: poll_*, sync_*, intr_notify, check_nothing; its arguments as written."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class CheckCrc:
    """The CRC-32 (zlib's) that a window of memory must have."""

    sync: str
    memory: str
    address: int
    size: int
    crc: int


@dataclass(frozen=True)
class CheckFile:
    """The bytes that a window of memory must have."""

    sync: str
    memory: str
    address: int
    size: int
    file: str
    records: tuple[Record, ...]


Command = MemInit | MemLoad | RegWrite | Wait | CheckCrc | CheckFile


@dataclass(frozen=True)
class Trace:
    """source: the file it came from; its commands in order."""

    source: str
    commands: tuple[Command, ...]


def records_of(addresses: Array, values: Array, base: int = 0) -> Iterator[Record]:
    """Runs of consecutive addresses as records that count from base. addresses: at least one, sorted, all different."""
    starts = np.flatnonzero(np.diff(addresses, prepend=addresses[:1]) != 1)
    for start, stop in zip(starts, [*starts[1:], len(addresses)], strict=True):
        yield int(addresses[start]) - base, values[start:stop].tobytes()

"""The player: a trace's commands in order, pipelines run where the trace waits for them, windows compared."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

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
)
from int8sim.formats.nvdla_dat import Record
from int8sim.model.errors import NotATraceError
from int8sim.nvdla_trace.hardware import HARDWARE, Hardware
from int8sim.nvdla_trace.memory import Memory
from int8sim.nvdla_trace.pipeline import Blocks, Operation, run_enabled
from int8sim.nvdla_trace.registers import RegisterFile

NV_SMALL = HARDWARE["nv_small"]


@dataclass(frozen=True)
class Check:
    """One window. computed: its CRC-32; golden: what that must be, None for a check against a file.

    different: of a check against a file, the addresses that differ.
    """

    address: int
    size: int
    computed: int
    golden: int | None
    different: tuple[int, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the window is as it must be."""
        return self.golden in {None, self.computed} and not self.different


@dataclass
class Played:
    """What a trace did: the pipelines that ran, the checks, and memory as it ended."""

    operations: list[Operation] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    memory: Memory = field(default_factory=Memory)

    @property
    def passed(self) -> bool:
        """Whether every check passed."""
        return all(check.passed for check in self.checks)


def play(trace: Trace, hardware: Hardware = NV_SMALL) -> Played:
    """Run a trace on a configuration of NVDLA.

    Raises UncoveredRegistersError, and NotATraceError for what is no trace: another memory or pattern, or no check.
    """
    player = _Player(trace, hardware)
    for command in trace.commands:
        player.step(command)
    player.flush()
    if not player.checked:
        raise NotATraceError(trace.source, "it has no check_crc, check_file or check_nothing: perhaps it is cut off")
    return player.played


class _Player:
    """Registers, memory, and the blocks that are enabled and have not run."""

    def __init__(self, trace: Trace, hardware: Hardware) -> None:
        self.source, self.hardware = trace.source, hardware
        self.played, self.registers = Played(), RegisterFile()
        self.enabled: Blocks = {}
        self.checked = False

    def step(self, command: Command) -> None:
        """One command."""
        match command:
            case RegWrite(block, register, value):
                self._write(block, register, value)
            case Wait(name):
                self._wait(name)
            case MemInit() | MemLoad():
                self._fill(command)
            case CheckCrc() | CheckFile():
                self._check(command)

    def flush(self) -> None:
        """Run what is enabled."""
        enabled, self.enabled = self.enabled, {}
        self.played.operations += run_enabled(enabled, self.played.memory, self.hardware)

    def _write(self, block: str, register: str, value: int) -> None:
        """A block that is enabled again runs first: its other group of registers is the next operation."""
        enabled = self.registers.write(block, register, value)
        if enabled and block in self.enabled:
            self.flush()
        if enabled:
            self.enabled[block] = enabled

    def _wait(self, name: str) -> None:
        if name == "intr_notify":
            self.flush()
        self.checked |= name == "check_nothing"

    def _fill(self, command: MemInit | MemLoad) -> None:
        self._only_memory(command.memory)
        memory = self.played.memory
        if isinstance(command, MemInit):
            if command.pattern != "ALL_ZERO":
                raise NotATraceError(self.source, f"pattern {command.pattern} of mem_init; the player has ALL_ZERO")
            memory.clear(command.address, command.size)
        else:
            _write_records(memory, command.address, command.records)

    def _check(self, command: CheckCrc | CheckFile) -> None:
        self._only_memory(command.memory)
        self.flush()
        memory, window = self.played.memory, (command.address, command.size)
        computed, self.checked = memory.crc32(*window), True
        if isinstance(command, CheckCrc):
            self.played.checks.append(Check(*window, computed, command.crc))
        else:
            self.played.checks.append(Check(*window, computed, None, _differences(memory, command)))

    def _only_memory(self, name: str) -> None:
        if name != MEMORY:
            raise NotATraceError(self.source, f"memory {name}; the player has {MEMORY} only")


def _write_records(memory: Memory, address: int, records: tuple[Record, ...]) -> None:
    for offset, payload in records:
        memory.write(address + offset, np.frombuffer(payload, np.uint8))


def _differences(memory: Memory, command: CheckFile) -> tuple[int, ...]:
    golden = Memory()
    _write_records(golden, command.address, command.records)
    window = command.address, command.size
    places = np.flatnonzero(memory.read(*window) != golden.read(*window))
    return tuple((places + command.address).tolist())

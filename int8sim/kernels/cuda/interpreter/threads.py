"""The threads of some blocks: their registers, and who runs next.

Threads at one place run together, those furthest behind first, so that branches meet again where they can. What a block
or a warp executes as one waits until all of its threads are there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from int8sim.kernels.cuda.interpreter.memory import POISON, Global, Shared
from int8sim.kernels.cuda.interpreter.program import Instruction, Kind, Program
from int8sim.model.step import Array

WARP = 32
Lanes = Array
"""int64 [n], ascending: which of the threads execute an instruction."""
Action = Callable[["Threads", Lanes], None]
Sizes = tuple[int, int, int]


class Grid(NamedTuple):
    """Blocks of a launch, and threads of a block: x, y, z."""

    blocks: Sizes
    threads: Sizes


class Threads:
    """Of the blocks numbered first .. first + count - 1. at: where the threads that still run are, by instruction."""

    def __init__(
        self, program: Program, memory: Global, parameters: Mapping[str, Array], grid: Grid, first: int, count: int
    ) -> None:
        self.memory, self.parameters = memory, parameters
        self.constants: dict[str, int] = {}
        self.per_block = int(np.prod(grid.threads))
        self.count = count * self.per_block
        lanes = np.arange(self.count)
        self.block, self.inside = np.divmod(lanes, self.per_block)
        self.warp = self.block * -(-self.per_block // WARP) + self.inside // WARP
        self.numbers = (first * self.per_block + lanes + 1).astype(np.int32)
        self.special = _special(grid, self.block + first, self.inside)
        sizes = [each.place + each.size for each in program.variables.values() if each.space == "shared"]
        self.shared = Shared(count, max(sizes, default=0))
        self.registers: dict[str, Array] = {}
        self.copies: list[Copy] = []
        self.groups = np.zeros(self.count, np.int64)
        self.at: dict[int, Lanes] = {0: lanes}

    def read(self, name: str) -> Array:
        """A register of all threads, as its word."""
        return self.registers[name] if name in self.registers else self.special[name]

    def write(self, name: str, kind: Kind, lanes: Lanes, values: Array) -> None:
        """A register of some threads."""
        if name not in self.registers:
            size = self.count * kind.word.itemsize
            self.registers[name] = np.full(size, POISON if kind.letter != "p" else 0, np.uint8).view(kind.word)
        if lanes.size == self.count:
            self.registers[name][:] = values
        else:
            self.registers[name][lanes] = values

    def arrive(self, place: int, lanes: Lanes) -> None:
        """Threads that go on at an instruction."""
        if lanes.size:
            there = self.at.get(place)
            self.at[place] = lanes if there is None else np.union1d(there, lanes)

    def whole(self, lanes: Lanes, owners: Array) -> Lanes:
        """Those threads whose block, or warp (owners: of every thread), is here with all its threads."""
        sizes, here = np.bincount(owners), np.bincount(owners[lanes], minlength=owners[-1] + 1)
        found: Lanes = lanes[(sizes == here)[owners[lanes]]]
        return found


class Copy(NamedTuple):
    """An asynchronous copy that has begun: whose, in which group of each thread, and what does it."""

    lanes: Lanes
    groups: Array
    finish: Action


def _special(grid: Grid, blocks: Array, inside: Array) -> dict[str, Array]:
    """Special registers of every thread, as words of 32 bits."""
    found: dict[str, Any] = {"%laneid": inside % WARP, "%warpid": inside // WARP}
    for name, size, own, number in (
        ("tid", "ntid", grid.threads, inside),
        ("ctaid", "nctaid", grid.blocks, blocks),
    ):
        for axis, letter in enumerate("xyz"):
            found[f"%{name}.{letter}"] = number // int(np.prod(own[:axis])) % own[axis]
            found[f"%{size}.{letter}"] = np.full(inside.size, own[axis])
    return {name: values.astype(np.uint32) for name, values in found.items()}


class Run(NamedTuple):
    """Instructions that threads execute one behind the other: what each does, and what the last, a jump, does.

    together: threads that must be here all at once: "", "block" or "warp".
    """

    actions: tuple[tuple[Instruction, Action], ...]
    end: int
    together: str


def execute(threads: Threads, runs: Mapping[int, Run]) -> None:
    """Until every thread has ended. Raises PtxError."""
    while threads.at:
        place, lanes = _next(threads, runs)
        run = runs[place]
        for _, action in run.actions[:-1]:
            action(threads, lanes)
        before = len(run.actions)
        if before:
            instruction, action = run.actions[-1]
            action(threads, lanes)
            if instruction.opcode in {"bra", "ret", "exit"}:
                continue
        threads.arrive(run.end, lanes)


def _next(threads: Threads, runs: Mapping[int, Run]) -> tuple[int, Lanes]:
    """The furthest behind of those that can go on; they leave their place."""
    for place in sorted(threads.at):
        lanes, together = threads.at[place], runs[place].together
        if together:
            lanes = threads.whole(lanes, threads.block if together == "block" else threads.warp)
        if lanes.size:
            rest = np.setdiff1d(threads.at.pop(place), lanes, assume_unique=True)
            threads.arrive(place, rest)
            return place, lanes
    place = min(threads.at)
    instruction = runs[place].actions[0][0]
    raise instruction.problem(f"threads wait here for others of their {runs[place].together}, which never come")

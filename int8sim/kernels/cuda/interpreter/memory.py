"""Global and shared memory: bytes, which of them may be read, and who wrote or read each since the last barrier."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.kernels.cuda.interpreter.program import Instruction
from int8sim.model.step import Array

GUARD = 256
"""Bytes between arrays that belong to none; every array begins at a multiple of it."""
MANY, ATOMIC = -1, -2
"""Instead of a thread's number: several; whoever changed it by an atomic operation."""
POISON = 0xA5
"""What uninitialised bytes hold."""


class Space:
    """A state space. bytes: its contents. valid: whether each byte belongs to something.

    Who wrote and who read a byte is its number among all threads from 1 on, 0 for nobody, MANY or ATOMIC for others.
    """

    def __init__(self, size: int, base: int, name: str) -> None:
        self.base, self.name = base, name
        whole = -(-size // GUARD) * GUARD + GUARD
        self.bytes = np.full(whole, POISON, np.uint8)
        self.valid = np.zeros(whole, bool)
        self.writers = np.zeros(whole, np.int32)
        self.readers = np.zeros(whole, np.int32)

    def load(self, instruction: Instruction, places: Array, width: int, threads: Array) -> Array:
        """Words of `width` bytes at places, uint. Raises PtxError."""
        rows = self._rows(instruction, places, width)
        writers = self.writers.reshape(-1, width)[rows]
        self._exclusive(instruction, writers, threads, "reads what thread {} wrote")
        self._note_readers(rows, width, threads)
        return self.bytes.view(f"u{width}")[rows]

    def store(self, instruction: Instruction, places: Array, width: int, threads: Array, values: Array) -> None:
        """Words of `width` bytes to places. Raises PtxError."""
        rows = self._rows(instruction, places, width)
        for found, what in (
            (self.writers, "writes what thread {} wrote"),
            (self.readers, "writes what thread {} read"),
        ):
            self._exclusive(instruction, found.reshape(-1, width)[rows], threads, what)
        self.bytes.view(f"u{width}")[rows] = values
        table = self.writers.reshape(-1, width)
        table[rows] = threads[:, None]
        self._exclusive(instruction, table[rows], threads, "writes what thread {} writes at once")

    def words(self, instruction: Instruction, places: Array, width: int, threads: Array) -> Array:
        """All of it as words, for atomic operations at places: they exclude one another, but nothing else.

        Raises PtxError.
        """
        rows = self._rows(instruction, places, width)
        writers = self.writers.reshape(-1, width)
        plain = np.where(writers[rows] == ATOMIC, 0, writers[rows])
        self._exclusive(instruction, plain, threads, "changes what thread {} wrote")
        self._exclusive(instruction, self.readers.reshape(-1, width)[rows], threads, "changes what thread {} read")
        writers[rows] = ATOMIC
        return self.bytes.view(f"u{width}")

    def _rows(self, instruction: Instruction, places: Array, width: int) -> Array:
        """Numbers of aligned words."""
        offsets = places - self.base
        outside = (offsets < 0) | (offsets >= self.valid.size)
        if outside.any() or not self.valid[offsets].all() or not self.valid[offsets + (width - 1)].all():
            outside[~outside] |= ~self.valid[offsets[~outside]]
            place = int(offsets[np.argmax(outside)]) if outside.any() else int(offsets.max())
            raise instruction.problem(f"{self.name} address {place:#x}, of {width} bytes, is in no array")
        if (offsets & (width - 1)).any():
            raise instruction.problem(f"a {self.name} address is no multiple of {width}")
        rows: Array = offsets // width
        return rows

    def _note_readers(self, rows: Array, width: int, threads: Array) -> None:
        table, me = self.readers.reshape(-1, width), threads[:, None]
        before = table[rows]
        table[rows] = np.where((before == 0) | (before == me), me, MANY)
        after = table[rows]
        if (after != me).any():  # several at once, or earlier
            table[rows[(after != me).any(axis=1)]] = MANY

    @staticmethod
    def _exclusive(instruction: Instruction, found: Array, threads: Array, what: str) -> None:
        others = (found != 0) & (found != threads[:, None])
        if others.any():
            lane = int(np.argmax(others.any(axis=1)))
            other = int(found[lane][np.argmax(others[lane])])
            named = "another" if other < 0 else str(other - 1)
            text = f"thread {int(threads[lane]) - 1} {what.format(named)}, with no barrier between"
            raise instruction.problem(text)


class Global(Space):
    """What the arguments and the kernel's own constants hold, placed one behind the other."""

    BASE = 1 << 44

    def __init__(self, arrays: list[Array]) -> None:
        places, end = [], GUARD
        for array in arrays:
            places.append(end)
            end += -(-array.nbytes // GUARD) * GUARD + GUARD
        super().__init__(end, self.BASE, "global")
        self.arrays = list(zip(places, arrays, strict=True))
        for place, array in self.arrays:
            self.bytes[place : place + array.nbytes] = array.reshape(-1).view(np.uint8)
            self.valid[place : place + array.nbytes] = True

    def address(self, index: int) -> int:
        """Of an array."""
        return self.base + self.arrays[index][0]

    def give_back(self) -> None:
        """What the kernel wrote, into the arrays."""
        for place, array in self.arrays:
            if array.flags.writeable:
                array.reshape(-1).view(np.uint8)[:] = self.bytes[place : place + array.nbytes]


class Shared(Space):
    """Of several blocks, `stride` bytes each; a barrier forgets who wrote and read."""

    def __init__(self, blocks: int, size: int) -> None:
        self.stride = -(-size // GUARD) * GUARD + GUARD
        super().__init__(blocks * self.stride, 0, "shared")
        for block in range(blocks):
            self.valid[block * self.stride : block * self.stride + size] = True

    def barrier(self, blocks: Any) -> None:
        """Of these blocks: what was written is there for all."""
        for table in (self.writers, self.readers):
            table[: table.size // self.stride * self.stride].reshape(-1, self.stride)[blocks] = 0

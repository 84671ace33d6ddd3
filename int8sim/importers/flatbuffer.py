"""FlatBuffers, as far as the importers need them, read with every place checked against the file.

A table begins with the distance back to its vtable; the vtable holds its own size, the table's, and for each field the
place in the table, 0 where the field is left out. Strings and vectors are a distance to a count and what follows it.
Source: flatbuffers.dev/internals.
"""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

from int8sim.model.errors import ModelBytesError, NotAModelError

VTABLE_HEAD = 4
READ_AGAIN = 24
"""How many times over a file may be read: vectors of a damaged one can overlap, and then hold more than the file."""
READ_FREELY = 1 << 16


class Buffer:
    """path: for errors. data: the whole file; places in it are counted from its beginning. what: the file should be."""

    def __init__(self, path: str | os.PathLike[str], data: bytes, what: str) -> None:
        self.path, self.data, self.what = path, data, what
        self._left = READ_FREELY + READ_AGAIN * len(data)

    @classmethod
    def read(cls, path: str | os.PathLike[str], what: str) -> Buffer:
        """A file. Raises NotAModelError."""
        try:
            return cls(path, Path(path).read_bytes(), what)
        except OSError as problem:
            raise NotAModelError(path, problem.strerror or str(problem)) from None

    def problem(self, place: int, what: str) -> ModelBytesError:
        """The error for what stands at a place."""
        return ModelBytesError(self.path, place, f"{what}; is this {self.what}?")

    def span(self, place: int, size: int, what: str) -> bytes:
        """`size` bytes. Raises ModelBytesError where the file does not hold them."""
        self.require(place, size, what)
        self._left -= size
        if self._left < 0:
            raise self.problem(place, f"{what} lies over other parts of the file, as too many do")
        return self.data[place : place + size]

    def require(self, place: int, size: int, what: str) -> None:
        """Raise ModelBytesError unless the file holds `size` bytes at a place."""
        if not 0 <= place <= len(self.data) - size:
            raise self.problem(place, f"{what} needs {size} bytes here, and the file has {len(self.data)} in all")

    def numbers(self, place: int, kind: str, what: str) -> tuple[int | float, ...]:
        """Little-endian numbers of a struct format, for example "h" or "6h"."""
        found: tuple[int | float, ...] = struct.unpack(f"<{kind}", self.span(place, struct.calcsize(f"<{kind}"), what))
        return found

    def integer(self, place: int, kind: str, what: str) -> int:
        """One integer."""
        return int(self.numbers(place, kind, what)[0])

    def behind(self, place: int, what: str) -> int:
        """The place that the distance here leads to."""
        return place + self.integer(place, "I", what)


@dataclass(frozen=True, eq=False)
class FlatTable:
    """A table of a FlatBuffer. place: of the table; name: for errors. Fields are asked for by slot, from 0."""

    buffer: Buffer
    place: int
    name: str

    def field(self, slot: int, size: int) -> int | None:
        """The place of a field of `size` bytes; None if it is left out."""
        vtable = self.place - self.buffer.integer(self.place, "i", self.name)
        length, inside = self.buffer.numbers(vtable, "2H", f"{self.name}'s vtable")
        entry = VTABLE_HEAD + 2 * slot
        if entry + 2 > length:
            return None
        offset = self.buffer.integer(vtable + entry, "H", f"{self.name}'s vtable")
        if offset and not VTABLE_HEAD <= offset <= inside - size:
            raise self.buffer.problem(vtable + entry, f"field {slot} of {self.name} is outside its {inside} bytes")
        return self.place + offset if offset else None

    def number(self, slot: int, kind: str, default: float = 0) -> int | float:
        """A number of a struct format; the default if it is left out."""
        place = self.field(slot, struct.calcsize(f"<{kind}"))
        return default if place is None else self.buffer.numbers(place, kind, self.name)[0]

    def integer(self, slot: int, kind: str, default: int = 0) -> int:
        """An integer field; the default if it is left out."""
        return int(self.number(slot, kind, default))

    def _vector(self, slot: int) -> tuple[int, int]:
        """(place of the first element, count); an absent one is empty."""
        place = self.field(slot, 4)
        if place is None:
            return 0, 0
        start = self.buffer.behind(place, self.name)
        return start + 4, self.buffer.integer(start, "I", f"a vector of {self.name}")

    def numbers(self, slot: int, kind: str) -> list[int | float]:
        """A vector of numbers."""
        start, count = self._vector(slot)
        size = struct.calcsize(f"<{kind}")
        content = self.buffer.span(start, count * size, f"a vector of {self.name}")
        return [value for (value,) in struct.iter_unpack(f"<{kind}", content)]

    def integers(self, slot: int, kind: str) -> list[int]:
        """A vector of integers."""
        return [int(value) for value in self.numbers(slot, kind)]

    def bytes_at(self, slot: int) -> tuple[int, int]:
        """(place, size) of a vector of bytes."""
        start, count = self._vector(slot)
        self.buffer.require(start, count, f"the bytes of {self.name}")
        return start, count

    def text(self, slot: int) -> str:
        """A string."""
        return self._text(*self._vector(slot))

    def _text(self, start: int, count: int) -> str:
        try:
            return self.buffer.span(start, count, f"a string of {self.name}").decode("utf-8")
        except UnicodeDecodeError:
            raise self.buffer.problem(start, f"a string of {self.name} is not text") from None

    def _elements(self, slot: int) -> list[int]:
        """The places that a vector of distances leads to."""
        start, count = self._vector(slot)
        self.buffer.span(start, count * 4, f"a vector of {self.name}")
        return [self.buffer.behind(start + 4 * index, self.name) for index in range(count)]

    def texts(self, slot: int) -> list[str]:
        """A vector of strings."""
        what = f"a string of {self.name}"
        return [self._text(place + 4, self.buffer.integer(place, "I", what)) for place in self._elements(slot)]

    def tables(self, slot: int, name: str) -> list[FlatTable]:
        """A vector of tables. name: of one of them."""
        return [FlatTable(self.buffer, place, f"{name} {i}") for i, place in enumerate(self._elements(slot))]

    def table(self, slot: int, name: str) -> FlatTable | None:
        """A table; None if it is left out."""
        place = self.field(slot, 4)
        return None if place is None else FlatTable(self.buffer, self.buffer.behind(place, self.name), name)

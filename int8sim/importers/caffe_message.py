"""A message of protobuf's text format, and what a reader asks it for: every error names the file and the line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from int8sim.model.errors import ModelTextError
from int8sim.spec.float32 import float32

TRUTH = {"true": True, "True": True, "t": True, "1": True, "false": False, "False": False, "f": False, "0": False}
OCTAL = re.compile(r"-?0[0-7]+")
SUFFIXED = re.compile(r"(-?[\d.][^xX]*)[fF]")
UNBOUNDED = -(1 << 63)
MOST_SHOWN = 80
"""Characters of a value in an error."""

Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Scalar:
    """kind: "string", "number" or "word"; text: of a string its content, of a number with its sign; line: from 1."""

    kind: str
    text: str
    line: int

    def __str__(self) -> str:
        return repr(self.text[:MOST_SHOWN]) if self.kind == "string" else self.text[:MOST_SHOWN]


@dataclass(frozen=True, eq=False)
class Message:
    """path, line: where it begins. fields: the values of each, in the order of the file.

    A field that is asked for as one value may be there once; without a default it must be. Raises ModelTextError.
    """

    path: str
    line: int
    fields: Mapping[str, Sequence[Scalar | Message]]

    def __str__(self) -> str:
        return "a message"

    def texts(self, name: str) -> list[str]:
        """All strings of a field."""
        return self._each(name, "a string in quotes", lambda value: value.text if value.kind == "string" else None)

    def text(self, name: str, default: str | None = None) -> str:
        """A string."""
        return self._single(name, self.texts(name), default)

    def word(self, name: str) -> str:
        """A word without quotes, such as an enumeration's."""
        found = self._each(name, "a word without quotes", lambda value: value.text if value.kind == "word" else None)
        return self._single(name, found, None)

    def integers(self, name: str, low: int = UNBOUNDED) -> list[int]:
        """All integers of a field, none below `low`."""
        bounded = "" if low == UNBOUNDED else f" of {low} or more"

        def read(value: Scalar) -> int | None:
            number = _integer(value)
            return number if number is not None and number >= low else None

        return self._each(name, f"an integer{bounded}", read)

    def integer(self, name: str, default: int | None = None, low: int = UNBOUNDED) -> int:
        """An integer, not below `low`."""
        return self._single(name, self.integers(name, low), default)

    def reals(self, name: str) -> list[float]:
        """All numbers of a field, rounded to float32."""
        return self._each(name, "a number", _real)

    def real(self, name: str, default: float | None = None) -> float:
        """A number, rounded to float32."""
        return self._single(name, self.reals(name), None if default is None else float32(default))

    def boolean(self, name: str, default: bool) -> bool:
        """true or false."""
        found = self._each(name, "true or false", lambda value: TRUTH.get(value.text) if _is_bare(value) else None)
        return self._single(name, found, default)

    def choice(self, name: str, choices: Sequence[str], default: str) -> str:
        """One of an enumeration's words, which are numbered from 0 and may be given by their number."""
        words = {**{str(number): word for number, word in enumerate(choices)}, **{word: word for word in choices}}
        wanted = f"one of {', '.join(choices)}"
        found = self._each(name, wanted, lambda value: words.get(value.text) if _is_bare(value) else None)
        return self._single(name, found, default)

    def messages(self, name: str) -> list[Message]:
        """All messages of a field."""
        for value in self.fields.get(name, ()):
            if not isinstance(value, Message):
                raise self._misfit(name, value, "a message in braces")
        return [value for value in self.fields.get(name, ()) if isinstance(value, Message)]

    def message(self, name: str) -> Message:
        """A message; an empty one where there is none."""
        return self._single(name, self.messages(name), Message(self.path, self.line, {}))

    def line_of(self, name: str) -> int:
        """The line of a field; of the message itself where there is none."""
        return next((value.line for value in self.fields.get(name, ())), self.line)

    def _each(self, name: str, wanted: str, read: Callable[[Scalar], Kind | None]) -> list[Kind]:
        """Every value of a field, read; `read` gives None for what is not `wanted`."""
        found = []
        for value in self.fields.get(name, ()):
            content = read(value) if isinstance(value, Scalar) else None
            if content is None:
                raise self._misfit(name, value, wanted)
            found.append(content)
        return found

    def _single(self, name: str, found: Sequence[Kind], default: Kind | None) -> Kind:
        if len(found) > 1:
            second = self.fields[name][1].line
            raise ModelTextError(self.path, second, f"field {name} is given a second time; it may be there once")
        if found:
            return found[0]
        if default is None:
            raise ModelTextError(self.path, self.line, f"the message that begins here lacks the field {name}")
        return default

    def _misfit(self, name: str, value: Scalar | Message, wanted: str) -> ModelTextError:
        return ModelTextError(self.path, value.line, f"field {name} is {value}; {wanted} is needed")


def _is_bare(value: Scalar) -> bool:
    return value.kind != "string"


def _integer(value: Scalar) -> int | None:
    """The value of a decimal, octal or hexadecimal integer of 64 bits."""
    try:
        number = int(value.text, 8 if OCTAL.fullmatch(value.text) else 0) if value.kind == "number" else None
    except ValueError:
        return None
    return number if number is not None and UNBOUNDED <= number < 1 << 64 else None


def _real(value: Scalar) -> float | None:
    """float32 of a number, of inf and of nan."""
    whole, suffixed = _integer(value), SUFFIXED.fullmatch(value.text)
    digits = suffixed.group(1) if suffixed else value.text
    try:
        return None if value.kind == "string" else float32(float(digits if whole is None else whole))
    except (ValueError, OverflowError):
        return None

"""Protobuf's text format, as Caffe's .prototxt files use it: text to messages.

Source: protobuf.dev/reference/protobuf/textformat-spec. Extensions and Any, which Caffe has no use for, are not read.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from int8sim.importers.caffe_message import Message, Scalar
from int8sim.model.errors import ModelTextError, NotAModelError

TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*)
    |(?P<string>"(?:[^"\\\n]|\\[0-7xXabfnrtv\\'"?])*"|'(?:[^'\\\n]|\\[0-7xXabfnrtv\\'"?])*')
    |(?P<number>(?:0[xX][0-9a-fA-F]++|(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?[fF]?)(?![\w.]))
    |(?P<word>[A-Za-z_]\w*)
    |(?P<mark>[-{}<>\[\]:,;])""",
    re.VERBOSE | re.ASCII,
)
ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|[xX]([0-9a-fA-F]{1,2})|(.))", re.DOTALL)
CONTROLS = dict(zip(b"abfnrtv", b"\a\b\f\n\r\t\v", strict=True))
SIGNED_WORDS = frozenset({"inf", "infinity", "nan"})
CLOSING = {"{": "}", "<": ">"}
DEEPEST = 100
"""Messages within messages, as protobuf's own limit."""


class Token(NamedTuple):
    """kind: "string", "number", "word", "mark" or "end"; text: as written; line: from 1."""

    kind: str
    text: str
    line: int


def read_prototxt(path: str | os.PathLike[str]) -> Message:
    """The outermost message of a file.

    Raises NotAModelError for a file that is not there or cannot be read, ModelTextError for one that breaks the format.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise NotAModelError(path, problem.strerror or str(problem)) from None
    return parse(content.decode("utf-8-sig", "surrogateescape"), str(path))


def parse(text: str, path: str) -> Message:
    """The outermost message of a text; path: for errors, which are ModelTextError."""
    return _Parser(text, path).message("", 1, 0)


def _tokens(text: str, path: str) -> Iterator[Token]:
    place, line = 0, 1
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise ModelTextError(path, line, f"{text[place : place + 20].splitlines()[0]!r} is no field, value or mark")
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), line)
        line += match.group().count("\n")
        place = match.end()
    yield Token("end", "", line)


class _Parser:
    """Recursive descent over the tokens."""

    def __init__(self, text: str, path: str) -> None:
        self.path, self.tokens = path, list(_tokens(text, path))
        self.place = 0

    @property
    def ahead(self) -> Token:
        return self.tokens[self.place]

    def next(self) -> Token:
        token = self.ahead
        self.place += token.kind != "end"
        return token

    def accept(self, *marks: str) -> str:
        """The mark that comes next, if it is one of these; else ""."""
        return self.next().text if self.ahead.kind == "mark" and self.ahead.text in marks else ""

    def problem(self, wanted: str) -> ModelTextError:
        found = repr(self.ahead.text) if self.ahead.text else "the end of the file"
        return ModelTextError(self.path, self.ahead.line, f"{found} where {wanted} is needed")

    def message(self, closing: str, line: int, depth: int) -> Message:
        """Fields up to the closing mark, or to the end of the file."""
        if depth > DEEPEST:
            raise ModelTextError(self.path, line, f"messages are nested more than {DEEPEST} deep")
        fields: dict[str, list[Scalar | Message]] = {}
        while not (self.accept(closing) if closing else self.ahead.kind == "end"):
            if self.ahead.kind != "word":
                raise self.problem(f"a field, or the {closing} of line {line}," if closing else "a field")
            name = self.next().text
            fields.setdefault(name, []).extend(self.field(depth))
            self.accept(",", ";")
        return Message(self.path, line, fields)

    def field(self, depth: int) -> list[Scalar | Message]:
        """What follows a field's name: a value, or a list of them."""
        colon = self.accept(":")
        if not self.accept("["):
            return [self.value(bool(colon), depth)]
        values: list[Scalar | Message] = []
        while not self.accept("]"):
            if values and not self.accept(","):
                raise self.problem(", or ]")
            values.append(self.value(bool(colon), depth))
        return values

    def value(self, colon: bool, depth: int) -> Scalar | Message:
        """A message, which needs no colon before it, or a scalar."""
        line, opening = self.ahead.line, self.accept("{", "<")
        if opening:
            return self.message(CLOSING[opening], line, depth + 1)
        if not colon:
            raise self.problem(": or {")
        if self.ahead.kind == "string":
            return Scalar("string", self.string(), line)
        sign = self.accept("-")
        if self.ahead.kind != "number" and (self.ahead.text not in SIGNED_WORDS if sign else self.ahead.kind != "word"):
            raise self.problem("a number" if sign else "a value")
        return Scalar("number" if sign else self.ahead.kind, sign + self.next().text, line)

    def string(self) -> str:
        """Adjacent strings are one."""
        line, content = self.ahead.line, b""
        while self.ahead.kind == "string":
            content += ESCAPE.sub(_unescaped, self.next().text[1:-1].encode("utf-8", "surrogateescape"))
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError:
            raise ModelTextError(self.path, line, f"the string {content!r} is not UTF-8") from None


def _unescaped(match: re.Match[bytes]) -> bytes:
    octal, hexadecimal, plain = match.groups()
    if plain:
        return bytes([CONTROLS.get(plain[0], plain[0])])
    return bytes([int(octal, 8) & 0xFF if octal else int(hexadecimal, 16)])

"""Verilog's memory files: hexadecimal words for $readmemh, and what $writememh leaves. IEEE 1800-2017, 21.4.

A word a line is written, the most significant digit first. Read are words between white space, with underscores, //
and /* */ comments, and addresses @hex that count on from the last word.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from string import hexdigits

import numpy as np

from int8sim.model.errors import DumpTextError, NotADumpError
from int8sim.model.step import Array

DIGITS = np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint8).reshape(256, 2)
"""A byte's two digits."""
NO_DIGIT = 255
VALUES = np.array([int(chr(code), 16) if chr(code) in hexdigits else NO_DIGIT for code in range(256)], np.uint8)
"""A character's value as a digit."""
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
ADDRESS = re.compile(r"@([0-9a-fA-F]+)")
WORD = re.compile(r"[0-9a-fA-F]+")
UNKNOWN = re.compile(r"[0-9a-fA-FxXzZ?]+")


def words_text(words: Array) -> bytes:
    """A line for each word. words: uint8 [n, bytes], the most significant byte first."""
    count, size = words.shape
    lines = np.full((count, 2 * size + 1), ord("\n"), np.uint8)
    lines[:, :-1] = DIGITS[words].reshape(count, 2 * size)
    return lines.tobytes()


def read_words(path: str | os.PathLike[str], bits: int) -> Array:
    """uint8 [n, bits / 8], the most significant byte first. Raises NotADumpError; DumpTextError with the line."""
    try:
        content = Path(path).read_bytes()
    except OSError as problem:
        raise NotADumpError(path, problem.strerror or str(problem)) from None
    plain = _plain(content, bits // 8)
    return _parsed(content, path, bits) if plain is None else plain


def _plain(content: bytes, size: int) -> Array | None:
    """A file as `words_text` writes it, at once; None for another one."""
    if len(content) % (2 * size + 1):
        return None
    lines = np.frombuffer(content, np.uint8).reshape(-1, 2 * size + 1)
    digits = VALUES[lines[:, :-1]]
    if (lines[:, -1] != ord("\n")).any() or (digits == NO_DIGIT).any():
        return None
    return digits[:, ::2] << 4 | digits[:, 1::2]


def _parsed(content: bytes, path: str | os.PathLike[str], bits: int) -> Array:
    text = COMMENT.sub(lambda found: "\n" * found[0].count("\n"), content.decode("utf-8", "replace"))
    words = [word.to_bytes(bits // 8, "big") for word in _words(text, path, bits)]
    return np.frombuffer(b"".join(words), np.uint8).reshape(-1, bits // 8)


def _words(text: str, path: str | os.PathLike[str], bits: int) -> Iterator[int]:
    count = 0
    for number, line in enumerate(text.split("\n"), 1):
        for token in line.split():
            if address := ADDRESS.fullmatch(token):
                _check_address(int(address[1], 16), count, path, number, token)
            else:
                yield _word(token, path, number, bits, count)
                count += 1


def _check_address(address: int, count: int, path: str | os.PathLike[str], number: int, token: str) -> None:
    if address != count:
        words = f"words {count:#x} .. {address - 1:#x} are missing" if address > count else "it goes back"
        raise DumpTextError(path, number, token, f"{count} words stand before it, so {words}")


def _word(token: str, path: str | os.PathLike[str], number: int, bits: int, count: int) -> int:
    digits = token.replace("_", "")
    if WORD.fullmatch(digits):
        if int(digits, 16) >= 1 << bits:
            raise DumpTextError(path, number, token, f"word {count} has more than {bits} bits; give --word-bits")
        return int(digits, 16)
    if UNKNOWN.fullmatch(digits):
        reason = f"word {count} has X or Z digits: memory that was never written, or a bus that nothing drives"
        raise DumpTextError(path, number, token, reason)
    raise DumpTextError(path, number, token, f"word {count} is no hexadecimal number")

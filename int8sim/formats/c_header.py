"""A tensor as a C header: one static array of exact integers, its size and its dimensions, behind an include guard.

float32 values are written as their bits, in uint32_t. Written and read; what is read holds one array.
"""

from __future__ import annotations

import json
import os
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from int8sim.model.errors import DumpTextError, NotADumpError
from int8sim.model.step import Array

PER_LINE = 16
ARRAY = re.compile(r"const\s+(u?int(?:8|16|32|64))_t\s+\w+\s*\[\s*(\d+)\s*\]\s*=\s*\{(.*?)\}\s*;", re.DOTALL)
NUMBER = re.compile(r"-?\d+|0[xX][0-9a-fA-F]+")
LEAST = "INT64_MIN"
"""The number that C has no literal for."""
BYTES = np.frombuffer("".join(f"{value:>5}," for value in range(-128, 256)).encode(), np.uint8).reshape(-1, 6)
"""8-bit values as they are printed, from -128 on."""


def identifier(name: str) -> str:
    """A tensor's name in C; others may become the same.

    >>> identifier("block/conv.1")
    'golden_block_conv_1'
    """
    return "golden_" + re.sub(r"\W", "_", name, flags=re.ASCII)


def header_text(name: str, array: str, shape: tuple[int, ...], dtype: str, blocks: Iterable[Array]) -> Iterator[bytes]:
    """The file, in parts. name: in the comment; array: its identifier; blocks: values in C order."""
    kind, upper = "uint32" if dtype == "float32" else dtype, array.upper()
    comment = json.dumps(f"{name}: {dtype}{list(shape)}").replace("*/", "*\\/").strip('"')
    size = int(np.prod(shape, dtype=np.int64))
    dimensions = ", ".join(map(str, shape)) or "1"
    yield (
        f"/* {comment}. Written by int8sim. */\n#ifndef {upper}_H\n#define {upper}_H\n\n#include <stdint.h>\n\n"
        f"#define {upper}_SIZE {size}\n#define {upper}_DIMENSIONS {{ {dimensions} }}\n\n"
        f"static const {kind}_t {array}[{size}] = {{\n"
    ).encode()
    for block in blocks:
        yield _numbers(block.reshape(-1).view(np.uint32) if dtype == "float32" else block.reshape(-1))
    yield f"}};\n\n#endif /* {upper}_H */\n".encode()


def _numbers(flat: Array) -> bytes:
    """Lines of PER_LINE numbers, the last one as long as it is."""
    if flat.dtype.itemsize > 1:
        words = [LEAST if value == -(1 << 63) else str(value) for value in flat.tolist()]
        parts = (words[at : at + PER_LINE] for at in range(0, len(words), PER_LINE))
        return "".join(f"{', '.join(part)},\n" for part in parts).encode()
    printed = BYTES[flat.astype(np.int16) + 128]
    whole = len(printed) // PER_LINE * PER_LINE
    lines = np.full((whole // PER_LINE, PER_LINE * printed.shape[1] + 1), ord("\n"), np.uint8)
    lines[:, :-1] = printed[:whole].reshape(len(lines), lines.shape[1] - 1)
    rest = printed[whole:].tobytes()
    return bytes(lines.tobytes() + (rest + b"\n" if rest else b""))


def read_header(path: str | os.PathLike[str]) -> Array:
    """The array, flat. Raises NotADumpError; DumpTextError with the line of what is no number or does not fit."""
    try:
        text = Path(path).read_text("utf-8", "replace")
    except OSError as problem:
        raise NotADumpError(path, problem.strerror or str(problem)) from None
    found = ARRAY.search(text)
    if found is None:
        raise NotADumpError(path, "it holds no array `const int8_t name[size] = { ... };`")
    body = found[3].rstrip().removesuffix(",")
    flat = _decimals(body, np.dtype(found[1]))
    if flat is None:
        flat = _slowly(path, text, found, body)
    if len(flat) != int(found[2]):
        raise NotADumpError(path, f"its array has {len(flat)} numbers, and is said to have {found[2]}")
    return flat


def _decimals(body: str, dtype: np.dtype[Any]) -> Array | None:
    """Decimal numbers at once; None if there is anything else, or one that the type or 64 bits do not hold."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            flat = np.fromstring(body, np.int64, sep=",")
    except (ValueError, DeprecationWarning):
        return None
    ends = (int(flat.min()), int(flat.max())) if flat.size else (0, 0)
    wide = np.iinfo(np.int64)
    held = np.iinfo(dtype).min <= ends[0] and ends[1] <= np.iinfo(dtype).max
    return flat.astype(dtype) if held and wide.min < ends[0] and ends[1] < wide.max else None


def _slowly(path: str | os.PathLike[str], text: str, found: re.Match[str], body: str) -> Array:
    """Word by word. Raises DumpTextError."""
    words = [word.strip() for word in body.split(",")]
    try:
        return np.array(list(map(_value, words)), found[1])
    except (ValueError, OverflowError):
        raise _wrong(path, text, found, words) from None


def _value(word: str) -> int:
    return -(1 << 63) if word == LEAST else int(word, 0)


def _wrong(path: str | os.PathLike[str], text: str, found: re.Match[str], words: list[str]) -> DumpTextError:
    """The first number that the array's type does not hold."""
    limits, place = np.iinfo(found[1]), found.start(3)
    for word in words:
        place = text.index(word, place)
        known = NUMBER.fullmatch(word) or word == LEAST
        if not known or not limits.min <= _value(word) <= limits.max:
            break
        place += len(word)
    return DumpTextError(path, text.count("\n", 0, place) + 1, word, f"it is no {found[1]}")

"""Dynamic ranges that a person gives, in code or in a text file, checked.

The file is TensorRT's sampleINT8API's: `tensor: greatest |value|`, one a line. A line splits at its last colon, since
names hold colons; the sample itself splits at the first, so it cannot take such names. Source: NVIDIA/TensorRT:
samples/sampleINT8API/sampleINT8API.cpp, readPerTensorDynamicRangeValues.
"""

from __future__ import annotations

import os
import struct

from int8sim.model.errors import BadRangeError, BadTableLineError
from int8sim.model.files import read_text

Range = float | tuple[float, float]
"""The greatest |value|, or (low, high)."""


def checked_range(tensor: str, given: Range) -> tuple[float, float]:
    """(low, high), both exactly float32, low <= high; a number v is (-v, v). Raises BadRangeError."""
    try:
        low, high = given if isinstance(given, tuple | list) else (-given, given)
        low, high = struct.unpack("<2f", struct.pack("<2f", low, high))
    except (TypeError, ValueError, OverflowError, struct.error):
        raise BadRangeError(tensor, given) from None
    if not float("-inf") < low <= high < float("inf"):
        raise BadRangeError(tensor, given)
    return low, high


def read_ranges(path: str | os.PathLike[str], separator: str = ":") -> dict[str, float]:
    """Tensor -> greatest |value|, exactly float32, of a text file with `tensor<separator>value` lines, in its order.

    Blank lines are skipped, and spaces around a name where the separator is not one. Raises BadTableLineError (line
    number and text: malformed, negative, NaN, infinite, a tensor that stands twice), NotATableError.
    """
    found: dict[str, float] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(read_text(path).split("\n"), 1):
        if not line.strip():
            continue
        name, value = _split(path, number, line, separator)
        if name in found:
            raise BadTableLineError(path, number, line, f"{name!r} already stands on line {lines[name]}")
        lines[name] = number
        try:
            found[name] = checked_range(name, value)[1]
        except BadRangeError as problem:
            raise BadTableLineError(path, number, line, str(problem)) from None
    return found


def _split(path: str | os.PathLike[str], number: int, line: str, separator: str) -> tuple[str, float]:
    name, found, value = line.rstrip().rpartition(separator)
    try:
        if found:
            return name if separator.isspace() else name.strip(), float(value)
    except ValueError:
        pass
    raise BadTableLineError(path, number, line, f"`tensor{separator} greatest |value|` is needed")

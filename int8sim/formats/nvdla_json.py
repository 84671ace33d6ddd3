"""NVDLA's calibration table: what its calib_txt_to_json.py makes of a TensorRT cache, to the byte.

One object per tensor with scale (the float64 spelling of the float32), and min, max, offset, all 0. Indent 4, a space
behind each comma, as Python 2's json wrote it, no newline at the end. Source:
nvdla/sw:umd/utils/calibdata/calib_txt_to_json.py; the compiler's reader: umd/apps/compiler/ParseTest.cpp.
"""

from __future__ import annotations

import json
import os
from typing import Any

from int8sim.formats.text import read_text, write_text
from int8sim.model.errors import NotATableError
from int8sim.model.table import INT8_MAX, Provenance, Row, Table
from int8sim.spec.float32 import float32


def to_text(table: Table) -> str:
    """The file as a string."""
    rows = {name: {"scale": row.scale, "min": 0, "max": 0, "offset": 0} for name, row in table.items()}
    return json.dumps(rows, indent=4, separators=(", ", ": "))


def write(table: Table, path: str | os.PathLike[str], version: str = "") -> None:
    """Write the table; the format has no version. Raises OutputNotWritableError."""
    del version
    write_text(path, to_text(table))


def read(path: str | os.PathLike[str]) -> Table:
    """The rows. A row gives scale, or min and max where scale is absent. Raises NotATableError."""
    try:
        content = json.loads(read_text(path))
    except json.JSONDecodeError as problem:
        raise NotATableError(path, f"line {problem.lineno}: {problem.msg}") from None
    if not isinstance(content, dict) or not content:
        raise NotATableError(path, "a JSON object with one entry per tensor is needed")
    return Table({name: _row(path, name, entry) for name, entry in content.items()}, Provenance(producer="NVDLA JSON"))


def _row(path: str | os.PathLike[str], name: str, entry: Any) -> Row:
    if not isinstance(entry, dict):
        raise NotATableError(path, f"entry {name!r} is {entry!r}; an object with scale, min, max, offset is needed")
    numbers = {key: entry[key] for key in ("scale", "min", "max", "offset") if key in entry}
    wrong = [key for key, value in numbers.items() if isinstance(value, bool) or not isinstance(value, int | float)]
    if wrong:
        raise NotATableError(path, f"entry {name!r}: {wrong[0]} is {entry[wrong[0]]!r}, not a number")
    if numbers.get("offset", 0) != 0:
        raise NotATableError(path, f"entry {name!r}: offset is {numbers['offset']}; symmetric tables need 0")
    if "scale" in numbers:
        return Row(float32(numbers["scale"]))
    if "min" in numbers and "max" in numbers:
        low, high = float(numbers["min"]), float(numbers["max"])
        return Row(float32(max(abs(low), abs(high)) / INT8_MAX), low, high)
    raise NotATableError(path, f"entry {name!r} has neither scale nor both min and max")

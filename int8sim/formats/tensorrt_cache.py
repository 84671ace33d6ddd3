"""TensorRT's calibration cache: a header line, then `name: bits` rows, the float32 scale in hexadecimal.

Lower case, not padded with zeros (zero prints as `0`), LF, a newline at the end; names are written as they are and may
hold anything, so a row splits at its last `: `. Source: 24 real files, TensorRT 5.1 to 10.3; the reader in
NVIDIA/TensorRT:samples/common/sampleEngines.cpp.
"""

from __future__ import annotations

import os
import re

from int8sim.formats.text import read_text, write_text
from int8sim.model.errors import NotATableError, UnknownNameError
from int8sim.model.table import Provenance, Row, Table
from int8sim.spec.float32 import float32_bits, float32_from_bits

ALGORITHMS = {"entropy2": "EntropyCalibration2", "minmax": "MinMaxCalibration"}
HEADER = re.compile(r"TRT-(?P<version>\d+)-(?P<algorithm>\w+)")
OLD_HEADER = re.compile(r"1|0[0-9a-f]{32}")  # the algorithm's number alone; legacy adds cutoff and quantile as doubles
VALUE = re.compile(r"[0-9a-f]{1,8}", re.IGNORECASE)


def to_text(table: Table, version: str = "8601") -> str:
    """The file as a string. version: the number in the header, 8601 for TensorRT 8.6.1, 100300 for 10.3."""
    if not version.isdigit():
        raise UnknownNameError("TensorRT version number", version, ("7202", "8601", "100300"))
    algorithm = ALGORITHMS.get(table.provenance.method or "entropy2", table.provenance.method)
    rows = [f"{name}: {float32_bits(row.scale):x}" for name, row in table.items()]
    return "\n".join([f"TRT-{version}-{algorithm}", *rows, ""])


def write(table: Table, path: str | os.PathLike[str], version: str = "8601") -> None:
    """Write the cache. Raises OutputNotWritableError."""
    write_text(path, to_text(table, version))


def read(path: str | os.PathLike[str]) -> Table:
    """The rows, as scales. Raises NotATableError, which names the file, the line and its text."""
    lines = read_text(path).splitlines()
    header = lines[0].strip() if lines else ""
    match = HEADER.fullmatch(header)
    if not match and not OLD_HEADER.fullmatch(header):
        needed = "a header such as TRT-8601-EntropyCalibration2 is needed"
        raise NotATableError(path, f"line 1 is {header[:60]!r}; {needed}")
    rows = dict(_row(path, number, line) for number, line in enumerate(lines[1:], 2) if line.strip())
    names = {long: short for short, long in ALGORITHMS.items()}
    algorithm = match["algorithm"] if match else header
    return Table(rows, Provenance(names.get(algorithm, algorithm), header))


def _row(path: str | os.PathLike[str], number: int, line: str) -> tuple[str, Row]:
    name, separator, bits = line.rstrip().rpartition(": ")
    if not separator or not VALUE.fullmatch(bits):
        raise NotATableError(path, f"line {number} is {line[:80]!r}; `name: scale as up to 8 hex digits` is needed")
    return name, Row(float32_from_bits(int(bits, 16)))

"""TensorRT's calibration cache: a header line, then `name: bits` rows, the float32 scale in hexadecimal.

Lower case, not padded with zeros (zero prints as `0`), LF, a newline at the end; names are written as they are and may
hold anything but a line break, so a row splits at its last `: `. The order of rows means nothing and is kept. Source:
24 real files, TensorRT 5.1 to 10.3 and older; the reader in NVIDIA/TensorRT:samples/common/sampleEngines.cpp.

Read as well: CRLF, blank lines, a missing newline at the end, upper case, padding. They are not TensorRT's form, and
written back they are gone; the table's cautions say so. A NaN, infinite or negative scale is read too (real files hold
7f800000) and named in the cautions; only lowering refuses it. A signalling NaN becomes a quiet one.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from int8sim.formats.tensorrt_header import ALGORITHMS, EXAMPLES, Header, checked_version, method_named
from int8sim.formats.text import check_names, read_text
from int8sim.formats.written import Written
from int8sim.model.errors import BadTableLineError, UnknownNameError
from int8sim.model.table import Caution, Provenance, Row, Table
from int8sim.spec.float32 import float32_bits, float32_from_bits

OPTIONS = ("version", "algorithm", "header", "padded")
"""What write_table may be asked beside the table: the keywords of `to_text`."""

VALUE = re.compile(r"[0-9a-f]{1,8}", re.ASCII | re.IGNORECASE)


def to_text(table: Table, version: str = "8601", algorithm: str = "", header: str = "", padded: bool = False) -> str:
    """The file as a string.

    version: the number in the header, 8601 for TensorRT 8.6.1, 100300 for 10.3; "" for the oldest form, the algorithm's
    number alone. algorithm: entropy2, entropy, minmax, legacy, or TensorRT's name; "" for the table's own calibrator,
    or entropy2 where TensorRT has none of that kind. header: the whole line in place of both; a cache that was read is
    written back unchanged with its `provenance.header`. padded: eight hex digits a row, `00000000` for zero, which
    readers need that take `0` for an error (nvidia-modelopt, NVDLA's calib_txt_to_json.py).
    Raises UnknownNameError, RowNotWritableError.
    """
    check_names(table, "a TensorRT cache")
    form = "08x" if padded else "x"
    rows = [f"{name}: {float32_bits(row.scale):{form}}" for name, row in table.items()]
    return "\n".join([_header(table, version, algorithm, header), *rows, ""])


def written(table: Table, **options: Any) -> Written:
    """`to_text` with its options. Raises UnknownNameError, RowNotWritableError."""
    return Written(to_text(table, **options), table)


def read(path: str | os.PathLike[str]) -> Table:
    """The rows, as scales. Raises BadTableLineError (file, line number, its text) and NotATableError."""
    return parse(read_text(path), path)


def parse(text: str, path: str | os.PathLike[str]) -> Table:
    """The rows of a cache's text. path: what errors call it. Raises BadTableLineError."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    header = Header.parse(lines[0])
    if header is None:
        raise BadTableLineError(path, 1, lines[0], f"a header such as {', '.join(EXAMPLES)} is needed")
    provenance = Provenance(header.method, header=lines[0], parameters=header.parameters)
    table = Table(_rows(path, lines), provenance)
    return replace(table, cautions=(*_form(table, text), *_unusable(table)))


def _header(table: Table, version: str, algorithm: str, header: str) -> str:
    if header:
        if "\n" in header or Header.parse(header) is None:
            raise UnknownNameError("TensorRT cache header", header, EXAMPLES)
        return header
    own = table.provenance.method if table.provenance.method in ALGORITHMS else "entropy2"
    method = method_named(algorithm or own)
    parameters = table.provenance.parameters if method == "legacy" else {}
    numbers = parameters.get("cutoff"), parameters.get("quantile")
    return Header(method, checked_version(version), *numbers).text()


def _rows(path: str | os.PathLike[str], lines: list[str]) -> dict[str, Row]:
    rows: dict[str, Row] = {}
    places: dict[str, int] = {}
    for number, line in enumerate(lines[1:], 2):
        if not line.strip():
            continue
        name, separator, bits = line.rstrip().rpartition(": ")
        if not separator or not VALUE.fullmatch(bits):
            raise BadTableLineError(path, number, line, "`name: scale as up to 8 hex digits` is needed")
        if name in rows:
            raise BadTableLineError(path, number, line, f"{name!r} already stands on line {places[name]}")
        rows[name], places[name] = Row(float32_from_bits(int(bits, 16))), number
    return rows


def _form(table: Table, text: str) -> Iterator[Caution]:
    """A caution if the text is not, byte for byte, what TensorRT or `padded` writes."""
    header = table.provenance.header
    if text in (to_text(table, header=header), to_text(table, header=header, padded=True)):
        return
    differences = {
        "CRLF line ends": "\r\n" in text,
        "blank lines": any(not line.strip() for line in text.split("\n")[:-1]),
        "no newline at the end": not text.endswith("\n"),
    }
    found = ", ".join(name for name, here in differences.items() if here) or "spaces, padding or case of the digits"
    yield Caution("form", "", f"not the form that TensorRT writes ({found}); written back, it is in that form")


def _unusable(table: Table) -> Iterator[Caution]:
    for name, row in table.items():
        if not math.isfinite(row.scale) or row.scale < 0:
            yield Caution("scale", name, f"scale {row.scale!r} ({float32_bits(row.scale):08x}) cannot be used")

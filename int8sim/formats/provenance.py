"""What a table was made from, kept beside its file: `<file>.provenance.json`.

No table format has room for it. The JSON holds its schema, the SHA-256 of the table file's bytes, the calibrator with
its parameters, hashes of network and data, batches, and for each row what the file leaves out: low, high, amax,
chosen_bin, shared_with. It counts only as long as the hash fits: a table edited by hand, or written over the old one by
TensorRT, has none.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from int8sim.model.errors import NotATableError
from int8sim.model.files import read_text, replacing, write_bytes
from int8sim.model.table import Caution, Provenance, Row, Table

SCHEMA = "int8sim table provenance 1"
OF_THE_FILE = frozenset({"form", "provenance", "scale"})
"""Kinds of caution that reading a file finds again; they are not kept."""


def beside(path: str | os.PathLike[str]) -> Path:
    """The file that belongs to a table's file."""
    return Path(f"{os.fspath(path)}.provenance.json")


def known(table: Table) -> bool:
    """Whether there is anything to keep; a table read from a bare cache has nothing."""
    made = table.provenance
    seen = any(value is not None for row in table.values() for value in _rest(row).values())
    return seen or bool(made.network or made.data or made.batches or made.samples or made.statistics)


def write(path: str | os.PathLike[str], text: str, table: Table) -> None:
    """The table's file and, where anything is known, the one beside it: both or none. An old one beside it goes.

    text: the file. table: its rows, by the file's names. Raises OutputNotWritableError.
    """
    content = text.encode("utf-8")
    if known(table):
        with replacing(path) as partial:
            partial.write_bytes(content)
            write_bytes(beside(path), _text(table, content))
    else:
        write_bytes(path, content)
        with suppress(OSError):  # one that stays does not fit, and reading says so
            beside(path).unlink()


def attach(table: Table, path: str | os.PathLike[str]) -> Table:
    """The table just read from `path` with what stands beside it; or a caution "provenance" if that does not fit."""
    if not beside(path).exists():
        return table
    try:
        kept = json.loads(read_text(beside(path)))
        reason = _misfit(kept, read_text(path).encode("utf-8"))
        if not reason:
            return _attached(table, kept)
    except NotATableError as problem:
        reason = problem.reason
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        reason = "it is damaged, or no file of int8sim's"
    caution = Caution("provenance", "", f"{beside(path)} is not used: {reason}")
    return replace(table, cautions=(*table.cautions, caution))


def _rest(row: Row) -> dict[str, Any]:
    """What a table file does not say of a row."""
    return {name: value for name, value in vars(row).items() if name != "scale"}


def _text(table: Table, content: bytes) -> bytes:
    made = {name: value for name, value in asdict(table.provenance).items() if name != "header"}
    kept = [asdict(caution) for caution in table.cautions if caution.kind not in OF_THE_FILE]
    rows = {name: _rest(row) for name, row in table.items()}
    whole = {"schema": SCHEMA, "sha256": hashlib.sha256(content).hexdigest(), **made, "cautions": kept, "rows": rows}
    return (json.dumps(whole, indent=1) + "\n").encode()


def _misfit(kept: Mapping[str, Any], content: bytes) -> str:
    """Why a file beside a table does not count for this content; "" if it does."""
    if kept["schema"] != SCHEMA:
        return f"its schema is {kept['schema']!r}, this int8sim reads {SCHEMA!r}"
    if kept["sha256"] != hashlib.sha256(content).hexdigest():
        return "the table has changed since, so what it was made from is not known"
    return ""


def _attached(table: Table, kept: Mapping[str, Any]) -> Table:
    rows = {name: _row(row, kept["rows"][name]) for name, row in table.items()}
    cautions = [Caution(str(each["kind"]), str(each["tensor"]), str(each["message"])) for each in kept["cautions"]]
    return Table(rows, _provenance(kept, table.provenance.header), (*cautions, *table.cautions))


def _provenance(kept: Mapping[str, Any], header: str) -> Provenance:
    return Provenance(
        str(kept["method"]),
        str(kept["producer"]),
        str(kept["network"]),
        str(kept["data"]),
        int(kept["batches"]),
        int(kept["batch_size"]),
        str(kept["statistics"]),
        header,
        {str(name): float(value) for name, value in kept["parameters"].items()},
        tuple(str(each) for each in kept["samples"]),
    )


def _row(row: Row, kept: Mapping[str, Any]) -> Row:
    return Row(
        row.scale,
        _optional(float, kept["low"]),
        _optional(float, kept["high"]),
        _optional(float, kept["amax"]),
        _optional(int, kept["chosen_bin"]),
        _optional(str, kept["shared_with"]),
    )


def _optional(kind: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else kind(value)

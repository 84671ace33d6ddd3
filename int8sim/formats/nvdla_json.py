"""NVDLA's calibration table, a JSON object with an entry for every tensor or layer: scale, or min and max; offset 0.

Plain: what NVDLA's calib_txt_to_json.py makes of the table's TensorRT cache, to the byte. One object per tensor with
scale (the float64 spelling of the float32), and min, max, offset, all 0; indent 4, a space behind each comma, as Python
2's json wrote it, no newline at the end. The script skips, silently, each line with another colon in it; those rows are
left out here too, and named. It stops on the `0` that TensorRT writes for a zero scale; here that becomes 0.0, which is
what it makes of a padded cache.

Checked, with a graph: what the compiler looks up. Keys are the network's inputs and its layers by name, never tensors
by name, and every one of them must be there or the compiler aborts. Names come from the Caffe layers: an in-place layer
has a name of its own where its tensor is `(Unnamed Layer* n) [...]_output`. The way back, to rows by tensor, is
lowering/layer_names.py.

The compiler lower-cases the path of the file that it is given. Sources: nvdla/sw:umd/utils/calibdata/
calib_txt_to_json.py, umd/apps/compiler/ParseTest.cpp, umd/core/src/compiler/caffe/CaffeParser.cpp, LowPrecision.md.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from int8sim.formats.dynamic_range import changed, usable_range
from int8sim.formats.text import check_names, read_text
from int8sim.formats.written import Written
from int8sim.graph.ir import Graph
from int8sim.lowering.layer_names import PRODUCER, row_places
from int8sim.model.errors import BadRangeError, BadScaleError, LayerError, MissingLayersError, NotATableError
from int8sim.model.table import Caution, Provenance, Row, Table
from int8sim.spec.float32 import float32

OPTIONS = ("graph",)
"""What write_table may be asked beside the table."""

COMPILER = "NVDLA's compiler"
PYTHON2_SPACE = " \t\n\r\x0b\x0c"
"""What str.strip() strips in Python 2."""


def to_text(table: Table, graph: Graph | None = None) -> str:
    """The file as a string: plain, or with the float graph of the network checked.

    Raises RowNotWritableError; checked MissingLayersError, BadScaleError, LayerError.
    """
    return written(table, graph).text


def written(table: Table, graph: Graph | None = None) -> Written:
    """`to_text`, with the rows that the file holds and cautions: rows left out, scales that the compiler changes."""
    check_names(table, "an NVDLA table")
    held = script_table(table) if graph is None else layer_table(table, graph)
    entries = {name: {"scale": row.scale, "min": 0, "max": 0, "offset": 0} for name, row in held.items()}
    text = json.dumps(entries, indent=4, separators=(", " if graph is None else ",", ": "))
    left_out = tuple(_left_out(table)) if graph is None else ()
    return Written(text, held, (*left_out, *_unreadable(held), *changed(held, COMPILER)))


def script_table(table: Table) -> Table:
    """The rows that calib_txt_to_json.py keeps: names without a colon, stripped; a later one of the same name wins."""
    return replace(table, rows={name.strip(PYTHON2_SPACE): row for name, row in table.items() if ":" not in name})


def layer_table(table: Table, graph: Graph) -> Table:
    """The table by the names that the compiler looks up: inputs, and layers that TensorRT's table has a row for.

    Raises MissingLayersError, BadScaleError (zero too, since the compiler divides by it), LayerError for one name with
    two scales.
    """
    places = row_places(graph)
    missing = {name: tensor for name, tensor in places if tensor not in table}
    if missing:
        raise MissingLayersError(missing, graph.name)
    rows: dict[str, Row] = {}
    names = {tensor: name for name, tensor in places}
    for name, tensor in places:
        if not usable_range(tensor, table[tensor].scale):
            raise BadScaleError(tensor, table[tensor].scale, "greater than 0: the compiler divides by it")
        if name in rows and rows[name].scale != table[tensor].scale:
            raise LayerError(name, "it names two layers or inputs with different scales; an NVDLA table has one row")
        origin = table[tensor].shared_with
        rows[name] = replace(table[tensor], shared_with=names.get(origin, origin) if origin else None)
    return replace(table, rows=rows)


def read(path: str | os.PathLike[str]) -> Table:
    """The rows, by the file's own names. A row gives scale with min and max absent or 0, or min and max without scale.

    Raises NotATableError, which names the entry: both, neither, an offset that is not 0, a key that stands twice.
    """
    try:
        content = json.loads(read_text(path), object_pairs_hook=lambda pairs: _once(path, pairs))
    except json.JSONDecodeError as problem:
        raise NotATableError(path, f"line {problem.lineno}: {problem.msg}") from None
    except (ValueError, RecursionError) as problem:
        raise NotATableError(path, f"not a table: {problem}") from None
    if not isinstance(content, dict) or not content:
        raise NotATableError(path, "a JSON object with one entry per tensor is needed")
    table = Table({name: _row(path, name, entry) for name, entry in content.items()}, Provenance(producer=PRODUCER))
    return replace(table, cautions=tuple(_unreadable(table)))


def _left_out(table: Table) -> Iterator[Caution]:
    names = [name for name in table if ":" not in name]
    last = {name.strip(PYTHON2_SPACE): name for name in names}
    for name in table:
        if ":" in name:
            yield Caution("left out", name, "calib_txt_to_json.py skips a name with a colon; there is no row for it")
        elif last[name.strip(PYTHON2_SPACE)] != name:
            yield Caution("left out", name, "calib_txt_to_json.py strips names, and a later one takes this one's place")


def _unreadable(table: Table) -> Iterator[Caution]:
    for name, row in table.items():
        if not math.isfinite(row.scale):
            yield Caution("scale", name, f"{COMPILER} cannot read the file: JSON has no number for {row.scale!r}")


def _once(path: str | os.PathLike[str], pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NotATableError(path, f"key {name!r} stands twice; {COMPILER} reads the first, other readers the last")
        found[name] = value
    return found


def _row(path: str | os.PathLike[str], name: str, entry: Any) -> Row:
    if not isinstance(entry, dict):
        raise NotATableError(path, f"entry {name!r} is {entry!r}; an object with scale, min, max, offset is needed")
    numbers = {key: _number(path, name, key, entry[key]) for key in ("scale", "min", "max", "offset") if key in entry}
    if numbers.get("offset", 0) != 0:
        raise NotATableError(path, f"entry {name!r}: offset is {numbers['offset']}; symmetric tables need 0")
    if "scale" in numbers:
        if numbers.get("min") or numbers.get("max"):
            raise NotATableError(path, f"entry {name!r} has both scale and min, max; {COMPILER} would read scale only")
        return Row(float32(numbers["scale"]))
    if "min" not in numbers or "max" not in numbers:
        raise NotATableError(path, f"entry {name!r} has neither scale nor both min and max")
    try:
        return Row.from_range(name, (numbers["min"], numbers["max"]))
    except BadRangeError as problem:
        raise NotATableError(path, str(problem)) from None


def _number(path: str | os.PathLike[str], name: str, key: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotATableError(path, f"entry {name!r}: {key} is {value!r}, not a number")
    try:
        return float(value)
    except OverflowError:
        raise NotATableError(path, f"entry {name!r}: {key} is beyond every float") from None

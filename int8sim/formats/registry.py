"""Table formats by name, which one a file is, and a table with what it was made from, to a file and back."""

from __future__ import annotations

import os
from types import ModuleType

from int8sim.formats import nvdla_json, onnxruntime_table, provenance, ranges_text, tensorrt_cache
from int8sim.formats.text import read_text
from int8sim.graph.ir import Graph
from int8sim.model.errors import UnknownNameError
from int8sim.model.table import Caution, Table

FORMATS: dict[str, ModuleType] = {
    "tensorrt": tensorrt_cache,
    "nvdla": nvdla_json,
    "onnxruntime": onnxruntime_table,
    "ranges": ranges_text,
}
"""Name -> module with `read(path)`, `written(table, **options)` and OPTIONS, their names."""


def read_table(path: str | os.PathLike[str], format: str = "") -> Table:  # noqa: A002 (the public name)
    """A table from a file, and what it was made from where that stands beside it.

    format: "tensorrt", "nvdla", "onnxruntime" or "ranges"; "" tells a TensorRT cache from an NVDLA table by itself, the
    others have no mark to know them by. Raises NotATableError, BadTableLineError, UnknownNameError.
    """
    own = "nvdla" if not format and read_text(path).lstrip().startswith("{") else "tensorrt"
    table: Table = _module(format or own).read(path)
    return provenance.attach(table, path)


def write_table(
    table: Table,
    path: str | os.PathLike[str],
    format: str = "tensorrt",  # noqa: A002 (the public name)
    version: str = "8601",
    *,
    algorithm: str = "",
    header: str = "",
    padded: bool = False,
    graph: Graph | None = None,
) -> tuple[Caution, ...]:
    """Write a table, and beside it `<path>.provenance.json` if more is known of it than the file holds.

    format: "tensorrt", "nvdla", "onnxruntime" or "ranges". version: TensorRT's number in the header of a cache, "" for
    the oldest form. For a cache also algorithm, header (the whole line: `table.provenance.header` writes a cache back
    as it was read) and padded (eight digits a row); for an NVDLA table the float network, whose layers it then names
    and must hold. Returns what the file's reader will miss: rows left out, scales that change on the way.
    Raises UnknownNameError, OutputNotWritableError, RowNotWritableError, MissingLayersError, BadScaleError, LayerError.
    """
    module = _module(format)
    given = {"algorithm": algorithm, "header": header, "padded": padded, "graph": graph}
    options = {name: value for name, value in given.items() if value}
    for name in options:
        if name not in module.OPTIONS:
            raise UnknownNameError(f"option of table format {format}", name, module.OPTIONS)
    if "version" in module.OPTIONS:
        options["version"] = version
    made = module.written(table, **options)
    provenance.write(path, made.text, made.table)
    cautions: tuple[Caution, ...] = made.cautions
    return cautions


def _module(name: str) -> ModuleType:
    if name not in FORMATS:
        raise UnknownNameError("table format", name, FORMATS)
    return FORMATS[name]

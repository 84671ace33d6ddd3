"""Table formats by name, and which one a file is."""

from __future__ import annotations

import os
from types import ModuleType

from int8sim.formats import nvdla_json, tensorrt_cache
from int8sim.formats.text import read_text
from int8sim.model.errors import UnknownNameError
from int8sim.model.table import Table

FORMATS: dict[str, ModuleType] = {"tensorrt": tensorrt_cache, "nvdla": nvdla_json}


def read_table(path: str | os.PathLike[str]) -> Table:
    """A table from a TensorRT calibration cache or an NVDLA JSON file. Raises NotATableError."""
    if read_text(path).lstrip().startswith("{"):
        return nvdla_json.read(path)
    return tensorrt_cache.read(path)


def write_table(
    table: Table,
    path: str | os.PathLike[str],
    format: str = "tensorrt",  # noqa: A002 (the public name)
    version: str = "8601",
) -> None:
    """Write a table; format: "tensorrt" or "nvdla"; version: TensorRT's number in the header of a cache.

    Raises UnknownNameError, OutputNotWritableError.
    """
    if format not in FORMATS:
        raise UnknownNameError("table format", format, FORMATS)
    FORMATS[format].write(table, path, version)

"""Dynamic ranges as text, `tensor: greatest |value|` a line, for TensorRT's sampleINT8API --ranges.

The sample splits a line at its first colon and keeps the spaces of a name, so a name with a colon is lost on it.
Source: NVIDIA/TensorRT:samples/sampleINT8API/sampleINT8API.cpp; the reader is int8sim/model/ranges.py.
"""

from __future__ import annotations

import os

import numpy as np

from int8sim.formats.dynamic_range import changed, usable_range
from int8sim.formats.text import check_names
from int8sim.formats.written import Written
from int8sim.model.errors import RowNotWritableError
from int8sim.model.table import Caution, Table

OPTIONS = ()
"""What write_table may be asked beside the table."""


def to_text(table: Table) -> str:
    """The file as a string: each range in its shortest form as float32. Raises RowNotWritableError, BadScaleError."""
    check_names(table, "a range file")
    for name in table:
        if name != name.strip():
            raise RowNotWritableError(name, "a range file", "spaces around a name are not part of it there")
    return "".join(f"{name}: {np.float32(usable_range(name, row.scale))!s}\n" for name, row in table.items())


def written(table: Table) -> Written:
    """`to_text`, with cautions: names that sampleINT8API cuts, scales that no range gives. Raises what it raises."""
    cut = (Caution("cut", name, "sampleINT8API ends a name at its first colon") for name in table if ":" in name)
    return Written(to_text(table), table, (*cut, *changed(table, "TensorRT")))


def read(path: str | os.PathLike[str]) -> Table:
    """The rows, scale = float32(range / 127). Raises BadTableLineError, NotATableError."""
    return Table.from_ranges(path)

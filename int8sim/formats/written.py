"""What a format makes of a table: the text, the rows under the file's own names, what the file's reader will miss."""

from __future__ import annotations

from dataclasses import dataclass

from int8sim.model.table import Caution, Table


@dataclass(frozen=True)
class Written:
    """text: the file. table: the rows that it holds, by its own names. cautions: what its reader drops or changes."""

    text: str
    table: Table
    cautions: tuple[Caution, ...] = ()

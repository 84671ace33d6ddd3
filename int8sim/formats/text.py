"""Reading and writing whole text files with the errors that users see; a stopped write leaves the old file."""

from __future__ import annotations

import os
from collections.abc import Iterable

from int8sim.model.errors import RowNotWritableError
from int8sim.model.files import read_text as read_text
from int8sim.model.files import write_bytes


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write to a temporary name and rename. Raises OutputNotWritableError."""
    write_bytes(path, text.encode("utf-8"))


def check_names(names: Iterable[str], target: str) -> None:
    """Raise RowNotWritableError for a name that a text file with one row a line cannot hold."""
    for name in names:
        if "\n" in name:
            raise RowNotWritableError(name, target, "the name holds a line break")
        if not name.isascii() and any("\ud800" <= letter <= "\udfff" for letter in name):
            raise RowNotWritableError(name, target, "the name is not Unicode text: it holds half a surrogate pair")

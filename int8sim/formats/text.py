"""Reading and writing whole text files with the errors that users see; a stopped write leaves the old file."""

from __future__ import annotations

import os
from pathlib import Path

from int8sim.model.errors import NotATableError
from int8sim.model.files import write_bytes


def read_text(path: str | os.PathLike[str]) -> str:
    """The file's text (UTF-8). Raises NotATableError."""
    try:
        return Path(path).read_bytes().decode("utf-8")
    except OSError as problem:
        raise NotATableError(path, problem.strerror or str(problem)) from None
    except UnicodeDecodeError:
        raise NotATableError(path, "it is not text") from None


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write to a temporary name and rename. Raises OutputNotWritableError."""
    write_bytes(path, text.encode("utf-8"))

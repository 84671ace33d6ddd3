"""Writing a whole file: a stopped write leaves the old one."""

from __future__ import annotations

import os
from pathlib import Path

from int8sim.model.errors import OutputNotWritableError


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """Write to a temporary name and rename. Raises OutputNotWritableError."""
    target = Path(path)
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise OutputNotWritableError(path, problem.strerror or str(problem)) from None

"""Where generated modules and Numba's machine code are kept between processes."""

from __future__ import annotations

import functools
import os
import stat
import tempfile
from pathlib import Path

VARIABLE = "INT8SIM_CACHE"


@functools.cache
def cache_directory() -> Path:
    """$INT8SIM_CACHE, or the user's cache folder if that is not set; if it cannot be used, a private temporary folder.

    Never the package's own folder: an installed package or a checkout may be read-only.
    """
    for candidate in _candidates():
        if _usable(candidate):
            return candidate
    return Path(tempfile.mkdtemp(prefix="int8sim-"))


def _candidates() -> list[Path]:
    named = os.environ.get(VARIABLE)
    if named:
        return [Path(named).expanduser()]
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return [Path(base).expanduser() / "int8sim"]


def _usable(folder: Path) -> bool:
    """Whether the folder is ours to write: generated code is executed, so it must not be open to other users."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            status = folder.stat()
    except OSError:
        return False
    return not hasattr(os, "getuid") or (status.st_uid == os.getuid() and not status.st_mode & stat.S_IWOTH)

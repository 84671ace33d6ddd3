"""Reading a table's text; writing a file whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from int8sim.model.errors import NotATableError, OutputNotWritableError


def read_text(path: str | os.PathLike[str]) -> str:
    """The text of a table file (UTF-8). Raises NotATableError."""
    try:
        return Path(path).read_bytes().decode("utf-8")
    except OSError as problem:
        raise NotATableError(path, problem.strerror or str(problem)) from None
    except UnicodeDecodeError:
        raise NotATableError(path, "it is not text") from None


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it at the end: a stopped write leaves the old file, or none.

    Raises OutputNotWritableError for whatever the file system refuses.
    """
    target, partial = Path(path), _beside(path)
    try:
        yield partial
        partial.replace(target)
    except OSError as problem:
        raise OutputNotWritableError(path, problem.strerror or str(problem)) from None
    finally:
        with suppress(OSError):
            partial.unlink()


@contextmanager
def replacing_folder(path: str | os.PathLike[str], mark: str) -> Iterator[Path]:
    """A temporary folder beside `path`, renamed to it at the end: a stopped write leaves the old one, or none.

    mark: a file's name; a folder that is there is replaced only if it is empty or holds that file.
    Raises OutputNotWritableError.
    """
    target = Path(path).absolute()
    partial, old = (target.with_name(f".{target.name}.{os.getpid()}.{word}") for word in ("partial", "old"))
    try:
        if target.exists() and any(target.iterdir()) and not (target / mark).is_file():
            raise OutputNotWritableError(path, f"the folder is there and has no {mark}; name another one, or empty it")
        partial.mkdir()
        yield partial
        if target.exists():
            target.replace(old)
        partial.replace(target)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as problem:
        raise OutputNotWritableError(path, problem.strerror or str(problem)) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Raise OutputNotWritableError now for a path that could not be written behind minutes of work either."""
    partial = _beside(path)
    try:
        partial.touch()
        partial.unlink()
    except OSError as problem:
        raise OutputNotWritableError(path, problem.strerror or str(problem)) from None


def _beside(path: str | os.PathLike[str]) -> Path:
    """Where a file lies until it is whole."""
    target = Path(path)
    if target.is_dir():
        raise OutputNotWritableError(path, os.strerror(errno.EISDIR))
    return target.with_name(f".{target.name}.{os.getpid()}.partial")


def write_bytes(path: str | os.PathLike[str], content: bytes) -> None:
    """A whole file of `content`. Raises OutputNotWritableError."""
    with replacing(path) as partial:
        partial.write_bytes(content)

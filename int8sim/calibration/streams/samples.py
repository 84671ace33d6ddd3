"""What every source of samples offers, and the checks that they share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np

from int8sim.model.errors import EmptyDataSetError, Int8SimError, NotADataSetError
from int8sim.model.step import Array


class Samples(Protocol):
    """A data set by number, read in memory that does not grow with it; len() is how many samples it has.

    source: what messages call it. shape: of one sample, () for labels. layout: "NHWC" or "NCHW" where the format says
    what the axes of [N, *shape] are, else "".
    """

    source: str
    shape: tuple[int, ...]
    layout: str

    def __len__(self) -> int: ...

    def read(self, start: int, stop: int) -> Array:
        """Samples start .. stop - 1: an array [stop - start, *shape] of their own. Raises NotADataSetError."""


@contextmanager
def reading(path: object) -> Iterator[None]:
    """Whatever a reader raises inside, as NotADataSetError of this path."""
    try:
        yield
    except Int8SimError:
        raise
    except Exception as problem:  # zlib, zipfile, h5py, NumPy and Pillow raise many types, some of them their own
        reason = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
        reason = "truncated" if isinstance(problem, EOFError) else reason
        raise NotADataSetError(path, f"cannot be read: {' '.join(reason.split())}") from None


def check_array(path: object, dtype: np.dtype[Any], shape: Sequence[int] | None) -> None:
    """Raise NotADataSetError unless this is [N, ...] of numbers, and EmptyDataSetError where it has no value."""
    if dtype.kind not in "biuf":
        raise NotADataSetError(path, f"holds values of type {dtype}; integers, floats or booleans are needed")
    if not shape:
        raise NotADataSetError(path, "holds no array [N, ...] but a single value")
    if 0 in shape:
        raise EmptyDataSetError(path, f"the data set is empty, {list(shape)}; at least one sample is needed")


def choose(path: object, name: str, names: Sequence[str]) -> str:
    """The array asked for, or the only one there is. Raises NotADataSetError."""
    if not name and len(names) == 1:
        return names[0]
    if name not in names:
        wrong = f", not {name!r}" if name else ""
        held = ", ".join(names) or "none"
        raise NotADataSetError(path, f"name one of its arrays as FILE:NAME{wrong}; it holds {held}")
    return name

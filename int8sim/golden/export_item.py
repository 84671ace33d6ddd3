"""What is written to one file of an export, or to one member of its archive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from int8sim.model.step import Array


@dataclass(frozen=True, eq=False)
class Item:
    """key: the file's path without its ending. about: for the index. shape, dtype, layout: of the values.

    blocks: called, it gives the values, some rows of axis 0 at a time.
    """

    key: str
    about: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: str
    blocks: Callable[[], Iterator[Array]]

"""Wrong operands of a matrix product: extension, zero points, rows and columns, the accumulator's width."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from int8sim.golden.mutations.accumulators import Change, of_accumulator
from int8sim.golden.mutations.matrices import Matrices
from int8sim.golden.mutations.products import Read, extension
from int8sim.golden.mutations.subject import Subject


def of_matrices(subject: Subject, matrices: Matrices) -> Iterator[Change]:
    """Every entry of the catalogue: the fields of Matrices that are wrong."""
    for side in range(2):
        yield from _of_codes(matrices, side)
    yield from _of_order(matrices)
    yield from of_accumulator(subject)


def _of_codes(matrices: Matrices, side: int) -> Iterator[Change]:
    name, zero = "ab"[side], matrices.zeros[side]
    key, words, read = extension(matrices.types[side])
    yield f"{name}_{key}", f"{name}: {words}", {"reads": _with(matrices.reads, side, read)}
    if matrices.share and not side:
        yield "a_zero_point_missing", "the zero point's share not subtracted", {"share": 0}
    elif zero:
        missing, added = (_with(matrices.zeros, side, wrong) for wrong in (0, -zero))
        yield f"{name}_zero_point_missing", f"zero point of {name} not subtracted", {"zeros": missing}
        yield f"{name}_zero_point_added", f"zero point of {name} added instead of subtracted", {"zeros": added}


def _with(pair: tuple[Any, Any], side: int, value: Any) -> tuple[Any, Any]:
    return (pair[0], value) if side else (value, pair[1])


def _of_order(matrices: Matrices) -> Iterator[Change]:
    """Elements of b that reach the wrong product, and products that are left out."""
    rows, columns = matrices.types[1].shape[-2:]
    if rows == columns:
        yield "b_transposed", "b: rows and columns exchanged", {"moved": lambda b: np.swapaxes(b, -1, -2)}
    for key, words, moved in ROWS if rows > 1 else ():
        yield f"b_{key}", f"b: {words}", {"moved": moved}
    for key, words, moved in COLUMNS if columns > 1 else ():
        yield f"b_{key}", f"b: {words}", {"moved": moved}
    yield "first_missing", "the first product of every sum missing", {"kept": (1, None)}
    yield "last_missing", "the last product of every sum missing", {"kept": (0, rows - 1)}


Moved = tuple[str, str, Read]
ROWS: tuple[Moved, ...] = (
    ("rows_reversed", "rows reversed", lambda b: np.flip(b, -2)),
    ("rows_of_next", "the row after", lambda b: np.roll(b, -1, -2)),
)
COLUMNS: tuple[Moved, ...] = (
    ("columns_reversed", "columns reversed", lambda b: np.flip(b, -1)),
    ("of_previous", "the column before", lambda b: np.roll(b, 1, -1)),
    ("of_next", "the column after", lambda b: np.roll(b, -1, -1)),
    ("of_first", "column 0 for every column", lambda b: np.repeat(b[..., :1], b.shape[-1], -1)),
)

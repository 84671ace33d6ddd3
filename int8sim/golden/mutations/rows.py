"""A softmax at chosen places: every different exponential and quotient once."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from int8sim.model.step import Arithmetic, Array


def row_values(arithmetic: Arithmetic, axis: int, x: Array, places: Array) -> Array:
    """[n] of places: flat indices in the output's own layout. x: codes, as they are read. axis: of the rows."""
    length = x.shape[axis]
    cells = np.moveaxis(np.arange(x.size).reshape(x.shape), axis, -1).reshape(-1, length)
    where = np.empty(x.size, np.int64)
    where[cells.reshape(-1)] = np.arange(x.size)
    rows, positions = np.divmod(where[places], length)
    judged, quotient = Shares(arithmetic), functools.cache(called(arithmetic, "quotient"))
    sums = {row: judged.row(x.reshape(-1)[cells[row]].tolist()) for row in np.unique(rows).tolist()}
    pairs = zip(rows.tolist(), positions.tolist(), strict=True)
    return np.array([quotient(sums[row][0][at], sums[row][1]) for row, at in pairs])


class Shares:
    """The exponentials of rows and their sums."""

    def __init__(self, arithmetic: Arithmetic) -> None:
        self.share = functools.cache(called(arithmetic, "exponential"))
        self._total = functools.cache(called(arithmetic, "total"))

    def row(self, codes: Sequence[int]) -> tuple[list[Any], Any]:
        """Of a whole row."""
        greatest = max(codes)
        shares = [self.share(code - greatest) for code in codes]
        return shares, self.sum(shares)

    def sum(self, shares: Iterable[Any], start: Any = 0) -> Any:
        """From a running sum on."""
        return functools.reduce(self._total, shares, start)


def called(arithmetic: Arithmetic, role: str) -> Callable[..., Any]:
    """A role's step as a function of its operands alone."""
    step = arithmetic[role]
    parameters = step.at(0)
    return lambda *operands: step.function(*operands, *parameters)

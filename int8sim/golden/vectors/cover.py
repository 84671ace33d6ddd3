"""Choosing few of many candidates: so that every mutation that can be killed is, and that mutations are told apart."""

from __future__ import annotations

import numpy as np

from int8sim.model.step import Array


def cover(kills: Array, most: int) -> list[int]:
    """Columns of bool [mutations, candidates], the one that kills most of what is left first; at most so many."""
    alive, chosen = kills.any(axis=1), list[int]()
    while alive.any() and len(chosen) < most:
        best = int(kills[alive].sum(axis=0).argmax())
        chosen.append(best)
        alive &= ~kills[:, best]
    return chosen


def apart(values: Array, chosen: list[int], most: int) -> list[int]:
    """The chosen columns of int64 [rows, candidates] and more of them, at most so many in all.

    Each one more leaves fewer rows with the same values in all chosen columns; until none does.
    """
    found, groups = list(chosen), np.zeros(len(values), np.int64)
    for column in found:
        groups = _split(groups, values[:, column])
    while len(found) < most:
        parts = [int(_split(groups, column).max()) for column in values.T]
        best = int(np.argmax(parts))
        if parts[best] == groups.max():
            break
        found.append(best)
        groups = _split(groups, values[:, best])
    return found


def _split(groups: Array, column: Array) -> Array:
    """Numbers of the groups, 0 .., of rows that were in one group and have one value."""
    pairs = np.stack([groups, column])
    numbers: Array = np.unique(pairs, axis=1, return_inverse=True)[1].reshape(-1)
    return numbers

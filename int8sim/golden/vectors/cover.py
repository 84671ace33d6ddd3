"""Choosing few of many: rows of a table of kills, so that everything that can be killed is."""

from __future__ import annotations

from int8sim.model.step import Array


def cover(kills: Array, most: int) -> list[int]:
    """Columns of bool [mutations, candidates], the one that kills most of what is left first; at most so many."""
    alive, chosen = kills.any(axis=1), list[int]()
    while alive.any() and len(chosen) < most:
        best = int(kills[alive].sum(axis=0).argmax())
        chosen.append(best)
        alive &= ~kills[:, best]
    return chosen

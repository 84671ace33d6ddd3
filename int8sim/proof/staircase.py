"""The breakpoints of a definition: where its code steps, found by bisecting every monotone piece."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from int8sim.model.step import Array
from int8sim.proof.definitions import Definition
from int8sim.proof.search import changes

NEIGHBOURS = range(-2, 3)


@dataclass(frozen=True, eq=False)
class Staircase:
    """A converter as runs of equal codes.

    starts: int64 [n + 1], where each run of one period begins, counted from the domain's first operand; the period at
    the end. codes: int64 [n]. definition: what they were computed from.
    """

    starts: Array
    codes: Array
    definition: Definition

    @property
    def periods(self) -> int:
        """How often the runs repeat themselves over the domain."""
        first, last = self.definition.domain
        return (last - first + 1) // self.definition.period

    @property
    def breakpoints(self) -> int:
        """How many operands of the domain have another code than the one before."""
        seams = (self.periods - 1) * int(self.codes[0] != self.codes[-1])
        return (len(self.codes) - 1) * self.periods + seams

    def run(self, operand: int) -> tuple[int, int]:
        """The place of an operand in its period, and the number of its run."""
        place = (operand - self.definition.domain[0]) % self.definition.period
        return place, int(np.searchsorted(self.starts, place, "right")) - 1

    def at(self, operands: Array) -> Array:
        """The codes of int64 operands, int64."""
        places = (operands - self.definition.domain[0]) % self.definition.period
        found: Array = self.codes[np.searchsorted(self.starts, places, "right") - 1]
        return found

    def segments(self, first: int, last: int) -> Iterator[tuple[int, int, bool]]:
        """first .. last cut where definedness changes: (first, last, whether the hardware defines them)."""
        edges = {edge for low, high in self.definition.defined for edge in (low, high + 1) if first < edge <= last}
        for start, stop in pairwise([first, *sorted(edges), last + 1]):
            yield start, stop - 1, bool(self.defined_at(np.array([start]))[0])

    def defined_at(self, operands: Array) -> Array:
        """Whether the hardware defines the codes of int64 operands, bool."""
        found = np.zeros(operands.shape, bool)
        for low, high in self.definition.defined:
            found |= (operands >= low) & (operands <= high)
        return found

    def undefined(self, first: int, last: int) -> int:
        """How many of first .. last the hardware leaves undefined."""
        return sum(stop - start + 1 for start, stop, defined in self.segments(first, last) if not defined)

    def corners(self, first: int, last: int) -> Array:
        """Every breakpoint and every end of what is defined, with two neighbours on each side; int64, ascending.

        Where runs repeat themselves: those of the first two, the middle two and the last two periods.
        """
        low = self.definition.domain[0]
        chosen = {period % self.periods for period in (0, 1, -2, -1, self.periods // 2 - 1, self.periods // 2)}
        edges = np.array([edge for ends in self.definition.defined for edge in ends], np.int64)
        steps = [self.starts + (low + period * self.definition.period) for period in sorted(chosen)]
        near = np.unique(np.concatenate([edges, *steps])[:, None] + np.array(NEIGHBOURS))
        return near[(near >= first) & (near <= last)]


def staircase(definition: Definition) -> Staircase:
    """The runs of one period: every piece between two cuts is bisected, then equal neighbours are joined."""
    low = definition.domain[0]
    starts, codes = [low], [definition.code(low)]
    for first, last in definition.pieces:
        for place in (first, *changes(definition.code, first, last)):
            code = definition.code(place)
            if code != codes[-1]:
                starts.append(place)
                codes.append(code)
    ends = np.array([*starts, low + definition.period], np.int64) - low
    return Staircase(ends, np.array(codes, np.int64), definition)

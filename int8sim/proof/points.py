"""The interpreted function beside the kernel: at every breakpoint, its neighbours, and random operands."""

from __future__ import annotations

import numpy as np

from int8sim.model.step import Array
from int8sim.proof.case import Case
from int8sim.proof.report import Counterexample
from int8sim.proof.search import Interval
from int8sim.proof.staircase import Staircase

SEED = 0


def chosen(expected: Staircase, operands: Interval, count: int) -> Array:
    """Corners, then random operands of the range, int64; the same ones every time.

    One half of the random ones is uniform; in the other every run of codes is equally likely. They are no more than
    the range holds.
    """
    first, last = operands
    count = min(count, last - first + 1)
    source = np.random.default_rng(SEED)
    uniform = source.integers(first, last + 1, count - count // 2)
    spread = _each_code_alike(expected, source, count // 2)
    spread = spread[(spread >= first) & (spread <= last)]
    return np.concatenate([expected.corners(first, last), uniform, spread])


def _each_code_alike(expected: Staircase, source: np.random.Generator, count: int) -> Array:
    runs = source.integers(len(expected.codes), size=count)
    starts, stops = expected.starts[runs], expected.starts[runs + 1]
    periods = source.integers(expected.periods, size=count) * expected.definition.period
    return source.integers(starts, stops) + periods + expected.definition.domain[0]


def disagreements(case: Case, places: Array) -> list[Counterexample]:
    """Where definition, interpreted function and kernel do not agree, or definition and predicate."""
    expected, listed = case.expected, places.tolist()
    exact, defined = expected.at(places).tolist(), expected.defined_at(places).tolist()
    interpreted = [case.interpreted(place) for place in listed]
    compiled = case.codes(places.astype(expected.definition.dtype)).tolist()
    said = [case.predicate(place) for place in listed] if case.predicate else defined
    rows = zip(listed, exact, interpreted, compiled, defined, said, strict=True)
    return [Counterexample(*row) for row in rows if not (row[1] == row[2] == row[3] and row[4] == row[5])]

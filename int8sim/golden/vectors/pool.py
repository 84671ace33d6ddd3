"""Candidates for the vectors of a layer whose outputs mix many inputs, and what each of them tells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from int8sim.golden.mutations.catalogue import Mutant
from int8sim.golden.mutations.functions import FAILURES
from int8sim.golden.mutations.subject import Subject
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType

PLACES = 1 << 12
"""Products behind the output elements of one candidate that are looked at."""


class Pool:
    """Candidates for one layer, one sample each."""

    def __init__(self, subject: Subject, rng: np.random.Generator) -> None:
        self.subject, self.rng = subject, rng
        self.kinds = subject.free
        self.samples: list[list[Array]] = []
        self.aims: list[int] = []

    def add(self, sample: list[Array], aim: int = 0) -> None:
        """One candidate: an array [1, ...] for each free tensor. aim: the flat index of the output it was made for."""
        self.samples.append(sample)
        self.aims.append(aim)

    def prints(self, mutants: Sequence[Mutant], first: int = 0) -> Array:
        """`prints` of the candidates from one on, at some of their places and at the one that each was made for."""
        return prints(self.subject, mutants, self.batch(first), self.aims[first:])

    def keep(self, mutants: Sequence[Mutant], first: int) -> list[Mutant]:
        """Of the candidates from one on only those that kill one of the mutations; the mutations that are left."""
        found = killing(self.prints(mutants, first))
        useful = (first + np.flatnonzero(found.any(axis=0))).tolist()
        self.samples[first:], self.aims[first:] = [self.samples[i] for i in useful], [self.aims[i] for i in useful]
        return [mutant for mutant, row in zip(mutants, found, strict=True) if not row.any()]

    def draw(self, count: int) -> None:
        """Random codes: over the whole type, and near the zero point."""
        for place in range(count):
            self.add([drawn(kind, self.rng, near=place % 4 == 3) for kind in self.kinds])

    def levels(self) -> None:
        """Every code everywhere: the lowest, the highest, the zero point and some between."""
        ends = [(kind.quantized.low, kind.quantized.high, kind.quantized.tensor_zero_point) for kind in self.kinds]
        for which in range(3):
            self.add(
                [
                    np.full((1, *kind.shape[1:]), end[which], kind.dtype)
                    for kind, end in zip(self.kinds, ends, strict=True)
                ]
            )

    def batch(self, first: int = 0) -> list[Array]:
        """The candidates from one on, [n, ...] for each free tensor."""
        return [np.concatenate(each) for each in zip(*self.samples[first:], strict=True)]


def drawn(kind: TensorType, rng: np.random.Generator, near: bool = False) -> Array:
    """One random sample of a tensor, [1, ...]."""
    quant = kind.quantized
    low, high = quant.low, quant.high
    if near:
        low, high = max(low, quant.tensor_zero_point - 4), min(high, quant.tensor_zero_point + 4)
    return rng.integers(low, high + 1, (1, *kind.shape[1:])).astype(kind.dtype)


def kills(right: Subject, mutants: Sequence[Mutant], batch: list[Array], aims: Sequence[int] = ()) -> Array:
    """bool [mutations, samples]: whether a mutation gives another value somewhere in a sample; as `prints` looks."""
    return killing(prints(right, mutants, batch, aims))


def killing(table: Array) -> Array:
    """The same of a table of `prints`."""
    found: Array = table[1:] != table[0]
    return found


def prints(right: Subject, mutants: Sequence[Mutant], batch: list[Array], aims: Sequence[int] = ()) -> Array:
    """int64 [1 + mutations, samples]: the values of each sample as one number, the right layer's first.

    Equal values have equal numbers; a mutation whose arithmetic stops has numbers of its own. aims: with them a place
    of each sample's output, that one is looked at, beside some others; without, every place is.
    """
    count = len(batch[0])
    size = int(np.prod(right.shape(1)))
    grid = np.arange(0, size, max(1, -(-size // _places(right))) if aims else 1)
    every = [np.append(grid, aim) for aim in aims] or [grid] * count
    places = np.concatenate([sample * size + each for sample, each in enumerate(every)])
    known: dict[object, int] = {}
    subjects = [right, *(mutant.subject for mutant in mutants)]
    rows = [_values(subject, batch, places, count) for subject in subjects]
    return np.array([[known.setdefault(each, len(known)) for each in row] for row in rows], np.int64)


def _places(subject: Subject) -> int:
    """Of one candidate's output, how many are looked at."""
    return max(1, PLACES // (subject.sums.depth if subject.sums is not None else 1))


def _values(subject: Subject, batch: list[Array], places: Array, count: int) -> list[object]:
    try:
        found = subject.values(subject.activations(batch), places)
    except FAILURES:
        return [object() for _ in range(count)]
    return [sample.tobytes() for sample in found.reshape(count, -1)]

"""Vectors of a softmax: three codes of a row take every value, the others are drawn; rows of three are all tried."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from int8sim.golden.mutations.catalogue import Mutant, same_step
from int8sim.golden.mutations.functions import FAILURES
from int8sim.golden.mutations.rows import Shares, called
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.pairs import remembered
from int8sim.golden.vectors.pool import Pool, drawn
from int8sim.golden.vectors.score import Judged
from int8sim.model.step import Arithmetic, LookupTable
from int8sim.model.tensor import BITS

MANY = 8
"""Bits of a code above which not all are tried."""
FREE = 3
"""Codes of a row that take every value."""
TRIES = 4
"""Draws of the others."""
SOME = 1 << 13
"""Rows of each draw: they prove nothing."""
BEYOND = 1 << 32
"""No code: the arithmetic fails."""


class Row(NamedTuple):
    """shares: of the codes that vary; acc: the sum of all."""

    shares: tuple[Any, ...]
    acc: Any


def rows_for(pool: Pool, axis: int, alive: list[Mutant]) -> list[Judged]:
    """Rows that tell each mutation that is left, into the pool; the proofs of those that none tells."""
    (kind,), length = pool.kinds, pool.subject.types[0].shape[axis]
    if BITS[kind.dtype] > MANY:
        return []
    proved = [each for mutant in alive for each in _same_exponentials(pool.subject, mutant)]
    left = [mutant for mutant in alive if mutant.key not in {each.key for each in proved}]
    for _ in range(1 if length <= FREE else TRIES):
        first = drawn(kind, pool.rng).reshape(-1)[: max(0, length - FREE)].tolist()
        rows = Rows(pool.subject, first, min(length, FREE), pool.rng)
        left = [mutant for mutant in left if not _found(pool, axis, rows, mutant)]
    if length > FREE:
        return proved
    return [*proved, *(Judged(each.key, str(each), f"all {len(rows.codes):,} rows tried") for each in left)]


def _same_exponentials(subject: Subject, mutant: Mutant) -> Iterator[Judged]:
    """The proof that a wrong exponential is the right one for each difference of two codes."""
    (right, wrong), quant = (each.arithmetic for each in (subject, mutant.subject)), subject.types[0].quantized
    count = quant.high - quant.low + 1
    same = all(same_step(right[role], wrong[role]) for role in ("total", "quotient"))
    if not mutant.subject.reads and same and _shares(right, count) == _shares(wrong, count):
        yield Judged(mutant.key, str(mutant), f"all {count} differences tried")


def _shares(arithmetic: Arithmetic, count: int) -> list[Any]:
    share = _safe(called(arithmetic, "exponential"))
    return [share(-difference) for difference in range(count)]


def _found(pool: Pool, axis: int, rows: Rows, mutant: Mutant) -> bool:
    """Whether a row tells the mutation; one that does goes into the pool."""
    found = None if mutant.subject.reads else rows.telling(mutant.subject.arithmetic)
    if found is None:
        return False
    codes, at = found
    (kind,) = pool.kinds
    sample = drawn(kind, pool.rng)
    moved = np.moveaxis(sample, axis, -1)
    moved[(0,) * (moved.ndim - 1)] = codes
    index = [0] * sample.ndim
    index[axis] = at
    pool.add([sample], int(np.ravel_multi_index(index, sample.shape)))
    return True


class Rows:
    """Rows whose greatest code is the highest, for differences are all that counts; all of them where none is first."""

    def __init__(self, subject: Subject, first: list[int], free: int, rng: np.random.Generator) -> None:
        quant = subject.types[0].quantized
        self.first, self.high, self.right = first, quant.high, subject.arithmetic
        self.bits = (1 << BITS[subject.output.dtype]) - 1
        below, every = range(quant.low, self.high), range(quant.low, self.high + 1)
        sides = [[below] * at + [[self.high]] + [every] * (free - at - 1) for at in range(free)]
        self.codes = [row for side in sides for row in product(*side)]
        if first:
            self.codes = [self.codes[place] for place in rng.integers(0, len(self.codes), SOME)]
        self.sums = self._sums(self.right)
        self.quotient = functools.cache(self._quotient(self.right))

    @functools.cached_property
    def pairs(self) -> dict[tuple[Any, Any], tuple[int, int]]:
        """Each share with each sum that it meets, and one row and position where it does."""
        return {(share, row.acc): (n, at) for n, row in enumerate(self.sums) for at, share in enumerate(row.shares)}

    def telling(self, wrong: Arithmetic) -> tuple[list[int], int] | None:
        """A row on which other steps give another code, and where in it; None if there is none."""
        same = same_step(self.right["quotient"], wrong["quotient"])
        quotient = self.quotient if same else functools.cache(self._quotient(wrong))
        if all(same_step(self.right[role], wrong[role]) for role in ("exponential", "total")):
            found = next((at for pair, at in self.pairs.items() if quotient(*pair) != self.quotient(*pair)), None)
        else:
            found = self._other(wrong, quotient)
        return None if found is None else ([*self.first, *self.codes[found[0]]], len(self.first) + found[1])

    def _other(self, wrong: Arithmetic, quotient: Callable[..., int]) -> tuple[int, int] | None:
        """The same of steps that give other sums."""
        try:
            sums = self._sums(wrong)
        except FAILURES:
            return 0, 0
        for n, (row, other) in enumerate(zip(self.sums, sums, strict=True)):
            for at, share in enumerate(other.shares):
                if row != other and quotient(share, other.acc) != self.quotient(row.shares[at], row.acc):
                    return n, at
        return None

    def _sums(self, arithmetic: Arithmetic) -> list[Row]:
        judged = Shares(arithmetic)
        start = judged.sum(judged.share(code - self.high) for code in self.first)
        shares = [tuple(judged.share(code - self.high) for code in row) for row in self.codes]
        return [Row(each, judged.sum(each, start)) for each in shares]

    def _quotient(self, arithmetic: Arithmetic) -> Callable[..., int]:
        step = arithmetic["quotient"]
        plain = not any(isinstance(each, LookupTable) for each in step.parameters.values())
        function, parameters = remembered(step.function) if plain else step.function, step.at(0)
        return _safe(lambda share, acc: int(function(share, acc, *parameters)) & self.bits)


def _safe(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function; BEYOND where it fails."""

    def call(*operands: Any) -> Any:
        try:
            return function(*operands)
        except FAILURES:
            return BEYOND

    return call

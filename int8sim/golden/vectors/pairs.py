"""Vectors of a layer that computes each element alone: sets of operands, chosen and packed into tensors.

The input space is small (256 codes, or 65,536 pairs), so what a few hundred draws do not tell apart is tried on all of
it. A step that is told its element's place has two: within the vector loop and behind it.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from int8sim.golden.mutations.catalogue import Mutant
from int8sim.golden.mutations.functions import FAILURES
from int8sim.golden.mutations.sites import Function, callees, copied
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.cover import apart, cover
from int8sim.golden.vectors.score import Judged
from int8sim.model.step import VECTOR, Array
from int8sim.model.tensor import BITS
from int8sim.ops.base import from_channels_last

Operands = tuple[int, ...]
DRAWN = 400
STOPPED = -1
"""For a code, where the arithmetic fails."""
EXHAUSTED = "all {:,} inputs tried"


class Cells:
    """A layer's operands one by one. kinds: of its free tensors, all of one shape and 8 bits."""

    def __init__(self, subject: Subject, rng: np.random.Generator) -> None:
        self.subject, self.rng = subject, rng
        (self.step,) = subject.arithmetic.values()
        self.kinds = subject.free
        self.bits = (1 << BITS[subject.output.dtype]) - 1 if subject.output.quant else 0
        self.where: list[Operands] = [(0, VECTOR + 1), (VECTOR, VECTOR + 1)] if self.step.placed else [()]

    def every(self) -> list[Operands]:
        """All operands, in random order."""
        codes = [range(kind.quantized.low, kind.quantized.high + 1) for kind in self.kinds]
        found = [(*each, *place) for each in product(*codes) for place in self.where]
        self.rng.shuffle(found)
        return found

    def _word(self, value: float) -> int:
        """The bits of a code, or of a float32."""
        return int(value) & self.bits if self.bits else int(np.float32(value).view(np.uint32))

    def codes(self, subject: Subject) -> Callable[[Operands], int | None]:
        """What a layer gives for one set of operands, low bits; None where its arithmetic fails."""
        (step,) = subject.arithmetic.values()
        function, row, reads = remembered(step.function), step.at(0), subject.reads
        order = *subject.sources, *range(len(self.kinds), len(self.kinds) + len(self.where[0]))

        def code(each: Operands) -> int | None:
            operands = [each[number] for number in order]
            read = [int(reads[i](np.array(operand))) if i in reads else operand for i, operand in enumerate(operands)]
            try:
                return self._word(function(*read, *row))
            except FAILURES:
                return None

        return code


def chosen_cells(cells: Cells, mutants: Sequence[Mutant], told_apart: bool) -> tuple[list[Operands], list[Judged]]:
    """Few operands that kill every mutation that any operands kill; the others are proved equivalent by trying all.

    told_apart: and more, on which mutations differ from each other.
    """
    every = cells.every()
    tried, judged, right = every[:DRAWN], list[Judged](), functools.cache(cells.codes(cells.subject))
    for mutant in mutants:
        wrong = cells.codes(mutant.subject)
        if all(wrong(each) == right(each) for each in tried):
            found = next((each for each in every[DRAWN:] if wrong(each) != right(each)), None)
            if found is None:
                judged.append(Judged(mutant.key, str(mutant), EXHAUSTED.format(len(every))))
            else:
                tried.append(found)
    made = [cells.codes(each) for each in (cells.subject, *(mutant.subject for mutant in mutants))]
    rows = [[STOPPED if (code := each(given)) is None else code for given in tried] for each in made]
    table = np.array(rows, np.int64)
    chosen = cover(table[1:] != table[0], len(tried))
    return [tried[place] for place in (apart(table, chosen, len(tried)) if told_apart else chosen)], judged


def remembered(function: Function, depth: int = 2) -> Function:
    """The function with what it calls computed once for the same arguments: most operands share a part."""
    if not depth or not callees(function):
        return function
    known = {name: functools.cache(remembered(callee, depth - 1)) for name, callee in callees(function).items()}
    return copied(function, known)


def packed(cells: Cells, chosen: Sequence[Operands]) -> list[Array]:
    """Tensors [batch, ...], one for each free tensor, that hold the operands; random codes where they end.

    Those of the vector loop fill whole turns of it; those behind it stand at the very end of the batch, which is as
    long as leaves most there.
    """
    kind = cells.kinds[0]
    size = math.prod(kind.shape[1:])
    early = [each for each in chosen if each[len(cells.kinds) :] != cells.where[-1] or not cells.step.placed]
    late = [each for each in chosen if each not in early]
    early_size = -(-len(early) // LANES) * LANES if cells.step.placed else len(chosen)
    batch = max(1, -(-max(early_size, len(chosen)) // size))
    if late:
        batch = max(range(batch, batch + VECTOR), key=lambda count: (count * size % LANES >= len(late), -count))
    return [_filled(cells, place, early, late, batch * size, batch) for place in range(len(cells.kinds))]


LANES = 16
"""Elements of the longest vector loop (spec/litert.py): fewer than these are left behind it."""


def _filled(cells: Cells, place: int, early: list[Operands], late: list[Operands], size: int, batch: int) -> Array:
    kind = cells.kinds[place]
    flat = cells.rng.integers(kind.quantized.low, kind.quantized.high + 1, size)
    flat[: len(early)] = [each[place] for each in early]
    flat[size - len(late) :] = [each[place] for each in late]
    n, *rest = batch, *kind.shape[1:]
    shape = (n, *rest[1:], rest[0]) if kind.layout == "NCHW" else (n, *rest)
    return np.ascontiguousarray(from_channels_last(flat.reshape(shape), kind.layout).astype(kind.dtype))

"""Vectors of a layer whose outputs mix many inputs: drawn, and made for the mutations that are left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from int8sim.golden.mutations.catalogue import Mutant
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.averages import finished
from int8sim.golden.vectors.cover import apart, cover
from int8sim.golden.vectors.pool import Pool, killing
from int8sim.golden.vectors.rows import rows_for
from int8sim.golden.vectors.score import Judged
from int8sim.golden.vectors.weighted import AnySolver, extremes, solver_of, weighted
from int8sim.model.step import Array
from int8sim.ops.softmax import Softmax

DRAWN = 64
ROUNDS = 40


def chosen_samples(
    subject: Subject, mutants: Sequence[Mutant], rng: np.random.Generator, most: int, told_apart: bool
) -> tuple[list[Array], list[int], list[Judged]]:
    """Few samples that kill what can be killed, a place of each, and the mutations proved equivalent for every input.

    told_apart: and more of them, on which mutations differ from each other, as far as candidates do.
    """
    pool = Pool(subject, rng)
    pool.levels()
    pool.draw(DRAWN)
    solver = solver_of(subject, rng)
    if solver is not None:
        extremes(pool, solver)
    table, first = pool.prints(mutants), len(pool.samples)
    alive = np.flatnonzero(~killing(table).any(axis=1)).tolist()
    proved = _of_the_rest(pool, solver, [mutants[place] for place in alive])
    if len(pool.samples) > first:
        table = np.concatenate([table, pool.prints(mutants, first)], axis=1)
    chosen = cover(killing(table), most) or [0]
    if told_apart:
        chosen = apart(table, chosen, most)
    samples = [pool.samples[place] for place in chosen]
    batch = [np.concatenate(each) for each in zip(*samples, strict=True)]
    return batch, [pool.aims[place] for place in chosen], proved


def _of_the_rest(pool: Pool, solver: AnySolver | None, alive: list[Mutant]) -> list[Judged]:
    """Targets for each mutation that is left, solved for, into the pool; or the proof that there are none."""
    if solver is not None:
        return weighted(pool, solver, alive)
    if isinstance(pool.subject.op, Softmax):
        return rows_for(pool, pool.subject.op.axis, alive)
    proved = finished(pool, alive) if "finish" in pool.subject.arithmetic else []
    done = {each.key for each in proved}
    _drawn_on(pool, [each for each in alive if each.key not in done])
    return proved


def _drawn_on(pool: Pool, alive: list[Mutant]) -> None:
    """More random candidates, those that kill something, while some mutation is left and for so many rounds."""
    for _ in range(ROUNDS):
        if not alive:
            return
        first = len(pool.samples)
        pool.draw(DRAWN)
        alive = pool.keep(alive, first)

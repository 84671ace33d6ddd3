"""Vectors of a weighted layer: extreme, and solved for the accumulators that tell most; proofs that none can."""

from __future__ import annotations

import re

import numpy as np

from int8sim.golden.mutations.catalogue import Mutant
from int8sim.golden.mutations.functions import FAILURES
from int8sim.golden.mutations.products import exact_sum
from int8sim.golden.mutations.subject import Subject, Sums
from int8sim.golden.vectors.matrices import MatrixSolver
from int8sim.golden.vectors.pool import Pool
from int8sim.golden.vectors.registers import UNSEEN, never_seen
from int8sim.golden.vectors.score import Judged
from int8sim.golden.vectors.solve import Solver
from int8sim.golden.vectors.targets import FEW, Reach, alike, corners, cuts_nothing, differing, reach, swept
from int8sim.model.step import Step
from int8sim.model.tensor import BITS

ATTEMPTS = 12
"""Accumulators that are solved for, of one mutation."""
SHARES = (1.0, 0.5, 0.67, 0.75, 0.9)
TURNS = 64
CHANNELS = 8
"""That get vectors of their own."""
AnySolver = Solver | MatrixSolver


def solver_of(subject: Subject, rng: np.random.Generator) -> AnySolver | None:
    """None for a layer that is no sum of products."""
    if subject.products is not None:
        return Solver(subject.products, rng)
    return MatrixSolver(subject, subject.matrices, rng) if subject.matrices is not None else None


def extremes(pool: Pool, solver: AnySolver) -> None:
    """Into the pool: extreme accumulators, sums that grow and come back, and the greatest pair alone."""
    for channel in solver.sums.telling(CHANNELS):
        for sign in (1, -1):
            for share in SHARES:
                pool.add(solver.extreme(channel, share, sign), solver.places[channel])
            pool.add(solver.pair(channel, sign), solver.places[channel])


def weighted(pool: Pool, solver: AnySolver, alive: list[Mutant]) -> list[Judged]:
    """Targets for each mutation that is left, solved for, into the pool; the proofs of those that have none."""
    subject, sums = pool.subject, solver.sums
    bounds = reach(sums)
    step, proved = subject.arithmetic["output"], list[Judged]()
    points = _points(step, bounds) if alive else {}
    for mutant in alive:
        if mutant.fits and sums.total is exact_sum and _within(sums, bounds, mutant.fits):
            proved.append(Judged(mutant.key, str(mutant), f"no {mutant.fits[0]} has more than {mutant.fits[1]} bits"))
        elif mutant.fits and _lost_behind(subject, mutant, bounds):
            proved.append(Judged(mutant.key, str(mutant), BEHIND))
        elif found := EACH.fullmatch(mutant.key):
            if never_seen(subject, bounds, int(found[1])):
                proved.append(Judged(mutant.key, str(mutant), UNSEEN))
            else:
                _turning(pool, solver, mutant)
        elif mutant.key.startswith("output."):
            targets = _targets(subject, mutant, points, bounds)
            if targets is None:
                continue
            if not targets:
                total = int((bounds.high - bounds.low + 1).sum())
                proved.append(Judged(mutant.key, str(mutant), f"all {total:,} accumulators tried"))
            _solved(pool, solver, targets)
    done = {each.key for each in proved}
    _at_corners(pool, solver, bounds, [m for m in alive if m.key not in done and not m.key.startswith("output.")])
    return proved


def _at_corners(pool: Pool, solver: AnySolver, bounds: Reach, alive: list[Mutant]) -> None:
    """Sums on both sides of the bounds between codes, in each channel: a sum that is wrong by little shows there."""
    first, step = len(pool.samples), pool.subject.arithmetic["output"]
    for channel in solver.sums.telling(CHANNELS) if alive else ():
        points = corners(step, channel, int(bounds.low[channel]), int(bounds.high[channel]))
        for acc in points[:: max(1, len(points) // FEW) | 1]:  # an odd step: both sides of a bound
            pairs = [solver.pair_within(channel, sign, acc) for sign in (1, -1)]
            for found in (solver.vector(channel, acc), *pairs):
                if found is not None:
                    pool.add(found, solver.places[channel])
    if len(pool.samples) > first:
        pool.keep(alive, first)


def _turning(pool: Pool, solver: AnySolver, mutant: Mutant) -> None:
    """Sums that grow as far as they can and come back from there, turning behind any product."""
    first, size = len(pool.samples), solver.sums.depth
    for channel in solver.sums.telling(CHANNELS):
        for sign in (1, -1):
            for cut in range(1, size, -(-size // TURNS)):
                pool.add(solver.extreme(channel, cut / size, sign), solver.places[channel])
    pool.keep([mutant], first)


def _points(step: Step, bounds: Reach) -> dict[int, list[int]]:
    """By channel, where a wrong step shows first: of the channels whose numbers differ, some."""
    some = [channels[0] for channels in alike((step,), len(bounds.low))][:CHANNELS]
    return {channel: corners(step, channel, int(bounds.low[channel]), int(bounds.high[channel])) for channel in some}


def _targets(
    subject: Subject, mutant: Mutant, points: dict[int, list[int]], bounds: Reach
) -> list[tuple[int, int]] | None:
    """(channel, accumulator) pairs at which a step differs; [] where there are none; None where that is not known."""
    step, wrong = subject.arithmetic["output"], mutant.subject.arithmetic["output"]
    try:
        bits = BITS[subject.output.dtype]
        found = [(at, acc) for at in points for acc in differing(step, wrong, at, points[at], bits)]
    except FAILURES:
        found = []
    if found:
        return found
    every = swept(step, wrong, subject.output, bounds)
    return None if every is None else [*every]


def _solved(pool: Pool, solver: AnySolver, targets: list[tuple[int, int]]) -> None:
    """One sample for one of the targets, near the middle of what is reached, where most inputs are."""
    middle = sorted(targets, key=lambda each: abs(each[1]))
    for channel, acc in middle[:ATTEMPTS]:
        found = solver.vector(channel, acc)
        if found is not None:
            pool.add(found, solver.places[channel])
            return


def _within(sums: Sums, bounds: Reach, fits: tuple[str, int]) -> bool:
    """Whether no sum, or no product, leaves a register of so many bits."""
    what, bits = fits
    top = 1 << (bits - 1)
    if what == "sum":
        bare = Reach(bounds.low - sums.added, bounds.high - sums.added)
        return all(bool(each.low.min() >= -top and each.high.max() < top) for each in (bounds, bare))
    great, small = sums.ends()
    if what == "pair of products":
        starts = np.arange(0, great.shape[1], 2)
        great, small = (np.add.reduceat(each, starts, axis=1) for each in (great, small))
    return bool(small.min() >= -top and great.max() < top)


EACH = re.compile(r"accumulator_saturates_(\d+)")
"""After each product."""
BEHIND = "the output saturates wherever the accumulator does: all accumulators tried"


def _lost_behind(subject: Subject, mutant: Mutant, bounds: Reach) -> bool:
    """Whether a register that cuts the finished sum alone is never seen behind the output step."""
    right, wrong = subject.sums, mutant.subject.sums
    if right is None or wrong is None or wrong.total is not exact_sum or right.total is not exact_sum:
        return False
    return cuts_nothing(subject.arithmetic["output"], subject.output, bounds, right.final, wrong.final)

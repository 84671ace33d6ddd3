"""Vectors of a weighted layer: extreme, and solved for the accumulators that tell most; proofs that none can."""

from __future__ import annotations

import re

import numpy as np

from int8sim.golden.mutations.catalogue import Mutant
from int8sim.golden.mutations.functions import FAILURES
from int8sim.golden.mutations.products import Products, exact_sum
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.pool import Pool
from int8sim.golden.vectors.registers import UNSEEN, greatest_and_least, never_seen
from int8sim.golden.vectors.score import Judged
from int8sim.golden.vectors.solve import Solver
from int8sim.golden.vectors.targets import FEW, Reach, alike, corners, cuts_nothing, differing, reach, swept
from int8sim.model.step import Step
from int8sim.model.tensor import BITS, TensorType

ATTEMPTS = 12
"""Accumulators that are solved for, of one mutation."""
SHARES = (1.0, 0.5, 0.67, 0.75, 0.9)
TURNS = 64
CHANNELS = 8
"""That get vectors of their own."""


def extremes(pool: Pool, products: Products) -> None:
    """Into the pool: extreme accumulators, sums that grow and come back, and the greatest pair alone."""
    solver = Solver(products, pool.kinds[0], pool.rng)
    for channel in _telling(products):
        for sign in (1, -1):
            for share in SHARES:
                pool.add([solver.extreme(channel, share, sign)], solver.places[channel])
            pool.add([solver.pair(channel, sign)], solver.places[channel])


def _telling(products: Products) -> list[int]:
    """Some channels: those of the greatest weights and of the greatest biases."""
    weights, half = np.abs(products.weights).reshape(len(products.weights), -1).max(axis=1), CHANNELS // 2
    ranked = [np.argsort(-each, kind="stable")[:half].tolist() for each in (weights, np.abs(products.bias))]
    return sorted({*ranked[0], *ranked[1]})


def weighted(pool: Pool, products: Products, alive: list[Mutant]) -> list[Judged]:
    """Targets for each mutation that is left, solved for, into the pool; the proofs of those that have none."""
    subject, kind = pool.subject, pool.kinds[0]
    bounds, solver = reach(products, kind), Solver(products, kind, pool.rng)
    step, proved = subject.arithmetic["output"], list[Judged]()
    points = _points(step, bounds) if alive else {}
    for mutant in alive:
        if mutant.fits and products.total is exact_sum and _within(products, kind, bounds, mutant.fits):
            proved.append(Judged(mutant.key, str(mutant), f"no {mutant.fits[0]} has more than {mutant.fits[1]} bits"))
        elif mutant.fits and _lost_behind(subject, mutant, bounds):
            proved.append(Judged(mutant.key, str(mutant), BEHIND))
        elif found := EACH.fullmatch(mutant.key):
            if never_seen(subject, kind, bounds, int(found[1])):
                proved.append(Judged(mutant.key, str(mutant), UNSEEN))
            else:
                _turning(pool, products, solver, mutant)
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


def _at_corners(pool: Pool, solver: Solver, bounds: Reach, alive: list[Mutant]) -> None:
    """Sums on both sides of the bounds between codes, in each channel: a sum that is wrong by little shows there."""
    first, step = len(pool.samples), pool.subject.arithmetic["output"]
    for channel in _telling(solver.products) if alive else ():
        points = corners(step, channel, int(bounds.low[channel]), int(bounds.high[channel]))
        for acc in points[:: max(1, len(points) // FEW) | 1]:  # an odd step: both sides of a bound
            pairs = [solver.pair_within(channel, sign, acc) for sign in (1, -1)]
            for found in (solver.vector(channel, acc), *pairs):
                if found is not None:
                    pool.add([found], solver.places[channel])
    if len(pool.samples) > first:
        pool.keep(alive, first)


def _turning(pool: Pool, products: Products, solver: Solver, mutant: Mutant) -> None:
    """Sums that grow as far as they can and come back from there, turning behind any product."""
    first, size = len(pool.samples), products.weights[0].size
    for channel in _telling(products):
        for sign in (1, -1):
            for cut in range(1, size, -(-size // TURNS)):
                pool.add([solver.extreme(channel, cut / size, sign)], solver.places[channel])
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


def _solved(pool: Pool, solver: Solver, targets: list[tuple[int, int]]) -> None:
    """One sample for one of the targets, near the middle of what is reached, where most inputs are."""
    middle = sorted(targets, key=lambda each: abs(each[1]))
    for channel, acc in middle[:ATTEMPTS]:
        found = solver.vector(channel, acc)
        if found is not None:
            pool.add([found], solver.places[channel])
            return


def _within(products: Products, kind: TensorType, bounds: Reach, fits: tuple[str, int]) -> bool:
    """Whether no sum, or no product, leaves a register of so many bits."""
    what, bits = fits
    top = 1 << (bits - 1)
    if what == "sum":
        added = products.bias - products.share
        bare = Reach(bounds.low - added, bounds.high - added)
        return all(bool(each.low.min() >= -top and each.high.max() < top) for each in (bounds, bare))
    great, small = greatest_and_least(products, kind)
    if what == "pair of products":
        starts = np.arange(0, great.shape[1], 2)
        great, small = (np.add.reduceat(each, starts, axis=1) for each in (great, small))
    return bool(small.min() >= -top and great.max() < top)


EACH = re.compile(r"accumulator_saturates_(\d+)")
"""After each product."""
BEHIND = "the output saturates wherever the accumulator does: all accumulators tried"


def _lost_behind(subject: Subject, mutant: Mutant, bounds: Reach) -> bool:
    """Whether a register that cuts the finished sum alone is never seen behind the output step."""
    right, wrong = subject.products, mutant.subject.products
    if right is None or wrong is None or wrong.total is not exact_sum or right.total is not exact_sum:
        return False
    return cuts_nothing(subject.arithmetic["output"], subject.output, bounds, right.final, wrong.final)

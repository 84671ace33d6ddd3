"""Vectors of a layer whose outputs mix many inputs: drawn, extreme, and solved for the accumulators that tell most."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from int8sim.golden.mutations.arguments import UNBOUNDED
from int8sim.golden.mutations.catalogue import Mutant, same_step
from int8sim.golden.mutations.functions import FAILURES
from int8sim.golden.mutations.products import Products, exact_sum
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.cover import apart, cover
from int8sim.golden.vectors.registers import UNSEEN, greatest_and_least, never_seen
from int8sim.golden.vectors.score import Judged
from int8sim.golden.vectors.solve import Solver
from int8sim.golden.vectors.targets import FEW, Reach, alike, corners, cuts_nothing, differing, reach, swept
from int8sim.model.step import Array, Step
from int8sim.model.tensor import BITS, TensorType

DRAWN = 64
ROUNDS = 40
PLACES = 1 << 12
"""Products behind the output elements of one candidate that are looked at."""
ATTEMPTS = 12
"""Accumulators that are solved for, of one mutation."""
SHARES = (1.0, 0.5, 0.67, 0.75, 0.9)
TURNS = 64
CHANNELS = 8
"""That get vectors of their own."""


class Pool:
    """Candidates for one layer, one sample each."""

    def __init__(self, subject: Subject, rng: np.random.Generator) -> None:
        self.subject, self.rng = subject, rng
        self.kinds = [kind for i, kind in enumerate(subject.types) if i not in subject.constants]
        self.samples: list[list[Array]] = []
        self.aims: list[int] = []

    def add(self, sample: list[Array], aim: int = 0) -> None:
        """One candidate: an array [1, ...] for each activation. aim: the flat index of the output it was made for."""
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
        """The candidates from one on, [n, ...] for each activation."""
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
    return max(1, PLACES // (subject.products.weights[0].size if subject.products is not None else 1))


def _values(subject: Subject, batch: list[Array], places: Array, count: int) -> list[object]:
    try:
        found = subject.values(batch, places)
    except FAILURES:
        return [object() for _ in range(count)]
    return [sample.tobytes() for sample in found.reshape(count, -1)]


def chosen_samples(
    subject: Subject, mutants: Sequence[Mutant], rng: np.random.Generator, most: int, told_apart: bool
) -> tuple[list[Array], list[int], list[Judged]]:
    """Few samples that kill what can be killed, a place of each, and the mutations proved equivalent for every input.

    told_apart: and more of them, on which mutations differ from each other, as far as candidates do.
    """
    pool = Pool(subject, rng)
    pool.levels()
    pool.draw(DRAWN)
    if subject.products is not None:
        _extremes(pool, subject.products)
    table, first = pool.prints(mutants), len(pool.samples)
    alive = np.flatnonzero(~killing(table).any(axis=1)).tolist()
    proved = _of_the_rest(pool, [mutants[place] for place in alive])
    if len(pool.samples) > first:
        table = np.concatenate([table, pool.prints(mutants, first)], axis=1)
    chosen = cover(killing(table), most) or [0]
    if told_apart:
        chosen = apart(table, chosen, most)
    samples = [pool.samples[place] for place in chosen]
    batch = [np.concatenate(each) for each in zip(*samples, strict=True)]
    return batch, [pool.aims[place] for place in chosen], proved


def _of_the_rest(pool: Pool, alive: list[Mutant]) -> list[Judged]:
    """Targets for each mutation that is left, solved for, into the pool; or the proof that there are none."""
    if pool.subject.products is not None:
        return _weighted(pool, pool.subject.products, alive)
    proved = _finished(pool, alive) if "finish" in pool.subject.arithmetic else []
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


def _extremes(pool: Pool, products: Products) -> None:
    """The greatest and the least accumulators, sums that grow and come back, and the greatest pair alone."""
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


def _weighted(pool: Pool, products: Products, alive: list[Mutant]) -> list[Judged]:
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


def _finished(pool: Pool, alive: list[Mutant]) -> list[Judged]:
    """Every sum of a window, by every count that the layer divides by."""
    windows = _windows(pool)
    domain, step, proved = _sums(windows), pool.subject.arithmetic["finish"], list[Judged]()
    for mutant in alive:
        wrong = mutant.subject.arithmetic["finish"]
        if not mutant.key.startswith("finish."):
            continue
        if domain and _same(step, wrong, domain, BITS[pool.subject.output.dtype]):
            proved.append(Judged(mutant.key, str(mutant), f"all {len(domain):,} sums tried"))
        elif _never_bounds(step, wrong, windows):
            proved.append(Judged(mutant.key, str(mutant), "no average reaches the bounds"))
    return proved


def _never_bounds(step: Step, wrong: Step, windows: Sequence[Window]) -> bool:
    """Whether steps differ in their bounds alone, and these cut neither the least nor the greatest average.

    Every sum lies between those of the lowest and the highest codes, and so does its average, each rounding being
    monotone.
    """
    unbounded = {"low": -UNBOUNDED, "high": UNBOUNDED}
    wide, other = (replace(each, parameters={**each.parameters, **unbounded}) for each in (step, wrong))
    if not {*unbounded} <= {*step.parameters} or not same_step(wide, other):
        return False
    codes = [wide(total, count) for *totals, count in windows for total in totals]
    bounds: list[Any] = [each.parameters[name] for each in (step, wrong) for name in unbounded]
    return bool(max(bounds[::2]) <= min(codes) and max(codes) <= min(bounds[1::2]))


def _same(step: Step, wrong: Step, domain: Sequence[tuple[int, int]], bits: int) -> bool:
    low_bits = (1 << bits) - 1
    try:
        return all((step(*each) ^ wrong(*each)) & low_bits == 0 for each in domain)
    except FAILURES:
        return False


Window = tuple[Any, Any, int]
"""The least and the greatest sum of a window, and by what it is divided."""


def _windows(pool: Pool) -> list[Window]:
    """Every different one."""
    (kind,), subject = pool.kinds, pool.subject
    ends = [np.full((1, *kind.shape[1:]), end, kind.dtype) for end in (kind.quantized.low, kind.quantized.high)]
    shape = subject.shape(1)
    return sorted({_window(subject, ends, index) for index in np.ndindex(*shape)})


def _window(subject: Subject, ends: list[Array], index: tuple[int, ...]) -> Window:
    given: Any = [subject.op.operands_at(subject.types, subject.arithmetic, [end], index) for end in ends]
    totals = sorted(operands[0] for _, operands in given)
    return totals[0], totals[1], int(given[0][1][1])


def _sums(windows: Sequence[Window]) -> list[tuple[int, int]]:
    """(total, count) of every window over all inputs; [] where totals are real."""
    if any(isinstance(each, float) for window in windows for each in window):
        return []
    return [(total, count) for low, high, count in windows for total in range(low, high + 1)]

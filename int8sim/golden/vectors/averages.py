"""Proofs for an average: every sum of a window tried, or bounds that no average reaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from int8sim.golden.mutations.arguments import UNBOUNDED
from int8sim.golden.mutations.catalogue import Mutant, same_step
from int8sim.golden.mutations.functions import FAILURES
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.vectors.pool import Pool
from int8sim.golden.vectors.score import Judged
from int8sim.model.step import Array, Step
from int8sim.model.tensor import BITS


def finished(pool: Pool, alive: list[Mutant]) -> list[Judged]:
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

"""What is measured, and how: every contender once per round, medians over the rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import numpy as np

from int8sim.bench.calibration import calibration_jobs
from int8sim.bench.floats import float_jobs
from int8sim.bench.integers import convolution_jobs, network_jobs, product_jobs
from int8sim.bench.job import CEILING, Contender, Job, Setting
from int8sim.model.errors import BitsDifferError, UnknownNameError

GROUPS: dict[str, Callable[[Setting], Iterator[Job]]] = {
    "products": product_jobs,
    "convolutions": convolution_jobs,
    "networks": network_jobs,
    "float32": float_jobs,
    "calibration": calibration_jobs,
}
"""By name on the command line: its jobs."""


TURN = 0.02
"""Seconds, at least, that a contender has before it is the next one's turn."""


@dataclass(frozen=True)
class Line:
    """One contender on one job of a group. seconds: of one run; value: in `unit`; turns: the same for every turn.

    ratio: of its speed to int8sim's on the same job, and in the same arithmetic. of_ceiling: to the machine's. All are
    medians over the turns, the ratios of turns in the same round.
    """

    group: str
    job: str
    who: str
    unit: str
    seconds: float
    value: float
    ratio: float
    of_ceiling: float | None
    turns: list[float]

    def row(self) -> list[str]:
        """For the screen."""
        of_ceiling = "" if self.of_ceiling is None else f"{self.of_ceiling:.3g}"
        return [self.who, f"{self.value:,.4g}", f"{self.ratio:.3g}", of_ceiling]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def measure(setting: Setting, groups: Sequence[str] = (), seconds: float = 1.0) -> Iterator[Line]:
    """Every job of the groups, or of all, each contender for about `seconds` in all.

    Raises UnknownNameError, before anything is measured; BitsDifferError where two contenders of one arithmetic do not
    give the same array.
    """
    for group in groups:
        if group not in GROUPS:
            raise UnknownNameError("group of the bench", group, tuple(GROUPS))
    for group in groups or GROUPS:
        for job in GROUPS[group](setting):
            yield from lines_of(job, seconds, group)


def lines_of(job: Job, seconds: float, group: str = "") -> list[Line]:
    """The contenders of one job, each for about `seconds`. Raises BitsDifferError."""
    _check(job)
    speeds = _speeds(job, seconds)
    own = {each.arithmetic: speeds[each] for each in reversed(job.contenders) if each.who.startswith("int8sim")}
    first = speeds[job.contenders[0]]
    ceiling = next((turns for each, turns in speeds.items() if each.who == CEILING), None)
    return [_line(group, job, each, speeds[each], own.get(each.arithmetic, first), ceiling) for each in speeds]


def _line(
    group: str, job: Job, contender: Contender, turns: list[float], own: list[float], ceiling: list[float] | None
) -> Line:
    value = median(turns)
    time, of_ceiling = job.done(contender) / value, ratio(turns, ceiling) if ceiling else None
    return Line(group, job.name, contender.who, job.unit, time, value, ratio(turns, own), of_ceiling, turns)


def ratio(turns: Sequence[float], base: Sequence[float]) -> float:
    """The median of one contender's speed over another's, in each round."""
    return median(one / other for one, other in zip(turns, base, strict=True))


def _speeds(job: Job, seconds: float) -> dict[Contender, list[float]]:
    """Units per second in every turn: round by round, so that whatever slows the machine slows all."""
    speeds: dict[Contender, list[float]] = {each: [] for each in job.contenders}
    deadline, rounds = time.perf_counter() + seconds * len(speeds), 0
    while time.perf_counter() < deadline or rounds < job.rounds:
        for each, turns in speeds.items():
            turns.append(job.done(each) / _turn(each.call))
        rounds += 1
    return speeds


def _check(job: Job) -> None:
    """Every contender once; those of one arithmetic against each other."""
    found: dict[str, tuple[str, Any]] = {}
    for each in job.contenders:
        result = each.call()
        if each.arithmetic:
            who, expected = found.setdefault(each.arithmetic, (each.who, result))
            wrong = int(np.count_nonzero(np.asarray(result) != np.asarray(expected)))
            if wrong:
                raise BitsDifferError(job.name, each.who, who, wrong, np.size(expected))


def _turn(call: Callable[[], object]) -> float:
    """The median of a turn's runs, in seconds; not of its first, which finds caches and clock as others left them."""
    end, times = time.perf_counter() + TURN, list[float]()
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return median(times[1:] or times)

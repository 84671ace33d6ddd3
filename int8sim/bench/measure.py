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
from int8sim.bench.job import Job
from int8sim.model.errors import BitsDifferError, UnknownNameError

GROUPS: dict[str, Callable[[int], Iterator[Job]]] = {
    "products": product_jobs,
    "convolutions": convolution_jobs,
    "networks": network_jobs,
    "float32": float_jobs,
    "calibration": calibration_jobs,
}
"""By name on the command line: jobs for so many threads."""


@dataclass(frozen=True)
class Line:
    """One contender on one job. value: in `unit`; ratio: to int8sim's on the same job, and in the same arithmetic."""

    job: str
    who: str
    unit: str
    value: float
    ratio: float

    def row(self) -> list[str]:
        """For the screen."""
        return [f"{self.job}: {self.who}", self.unit, f"{self.value:,.4g}", f"{self.ratio:.3g}"]

    def as_dict(self) -> dict[str, Any]:
        """For --json."""
        return asdict(self)


def measure(seconds: float = 1.0, groups: Sequence[str] = (), threads: int = 1) -> Iterator[Line]:
    """Every job of the groups, or of all, each contender for about `seconds` in all.

    Raises UnknownNameError; BitsDifferError where two contenders of one arithmetic do not give the same array.
    """
    for group in groups or GROUPS:
        if group not in GROUPS:
            raise UnknownNameError("group of the bench", group, tuple(GROUPS))
        for job in GROUPS[group](threads):
            yield from lines_of(job, seconds)


def lines_of(job: Job, seconds: float) -> list[Line]:
    """The contenders of one job, each for about `seconds`. Raises BitsDifferError."""
    _check(job)
    times: dict[str, list[float]] = {each.who: [] for each in job.contenders}
    deadline = time.perf_counter() + seconds * len(job.contenders)
    while time.perf_counter() < deadline or len(next(iter(times.values()))) < job.rounds:
        for each in job.contenders:
            times[each.who].append(_timed(each.call))
    rates = {each.who: (each.work or job.work) / median(times[each.who]) for each in job.contenders}
    own = {each.arithmetic: rates[each.who] for each in reversed(job.contenders) if each.who.startswith("int8sim")}
    first = rates[job.contenders[0].who]
    bases = {each.who: own.get(each.arithmetic, first) for each in job.contenders}
    return [Line(job.name, who, job.unit, rate, rate / bases[who]) for who, rate in rates.items()]


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


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

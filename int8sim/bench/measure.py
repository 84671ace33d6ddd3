"""What is measured, and how: every contender once per round, medians over the rounds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from int8sim.bench.calibration import calibration_jobs
from int8sim.bench.convolution import convolution_jobs
from int8sim.bench.job import Job


@dataclass(frozen=True)
class Line:
    """One contender on one job. value: in `unit`; ratio: to int8sim's on the same job."""

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


def measure(seconds: float = 1.0) -> list[Line]:
    """Every job, each contender for about `seconds` in all."""
    return [line for job in jobs() for line in _lines(job, seconds)]


def jobs() -> Iterator[Job]:
    """Convolutions, then calibration."""
    yield from convolution_jobs()
    yield from calibration_jobs()


def _lines(job: Job, seconds: float) -> list[Line]:
    times: dict[str, list[float]] = {who: [] for who in job.contenders}
    for call in job.contenders.values():
        call()
    deadline = time.perf_counter() + seconds * len(job.contenders)
    while time.perf_counter() < deadline or len(next(iter(times.values()))) < job.rounds:
        for who, call in job.contenders.items():
            times[who].append(_timed(call))
    rates = {who: job.work / median(values) for who, values in times.items()}
    first = next(iter(rates.values()))
    return [Line(job.name, who, job.unit, rate, rate / first) for who, rate in rates.items()]


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start

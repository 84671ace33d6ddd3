"""One thing to measure, who takes part, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from int8sim.model.errors import ThreadsError

CEILING = "ceiling"
"""The contender that others are a fraction of."""


@dataclass(frozen=True)
class Setting:
    """threads: of int8sim and of its peers; peers: whether those that are installed take part. Raises ThreadsError."""

    threads: int = 1
    peers: bool = True

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ThreadsError(self.threads)

    def has(self, package: str) -> bool:
        """Whether the peer of that package takes part."""
        return self.peers and find_spec(package) is not None


@dataclass(frozen=True)
class Contender:
    """who, and one run. arithmetic: those of one name must give equal arrays; "" is compared with nobody.

    work: units done by one call, if others than the job's.
    """

    who: str
    call: Callable[[], Any]
    arithmetic: str = ""
    work: float = 0.0


@dataclass(frozen=True)
class Job:
    """name, unit; work: units done by one call; contenders: int8sim first; rounds: at least."""

    name: str
    unit: str
    work: float
    contenders: tuple[Contender, ...]
    rounds: int = 5

    def done(self, contender: Contender) -> float:
        """Units of one of its runs."""
        return contender.work or self.work


def named(calls: Mapping[str, Callable[[], Any]]) -> tuple[Contender, ...]:
    """Contenders whose results are compared with nobody's."""
    return tuple(Contender(who, call) for who, call in calls.items())

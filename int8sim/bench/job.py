"""One thing to measure, and who takes part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


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
    rounds: int = 9


def named(calls: Mapping[str, Callable[[], Any]]) -> tuple[Contender, ...]:
    """Contenders whose results are compared with nobody's."""
    return tuple(Contender(who, call) for who, call in calls.items())

"""One thing to measure, and who takes part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Job:
    """name, unit; work: units done by one call; contenders: who -> call, int8sim first; rounds: at least."""

    name: str
    unit: str
    work: float
    contenders: dict[str, Callable[[], object]]
    rounds: int = 9

"""What a section of tools/gpu_check.py tells, and how it is gathered: by a process that asks no device."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from int8sim.model.step import Array

SHOWN = 3
"""Differing values that are shown."""


class SkippedError(Exception):
    """The section cannot run here; the message says why."""


@dataclass(frozen=True)
class Compared:
    """A line of the report: how many values were compared, how many differ, and whatever else is to be known."""

    name: str
    compared: int = 0
    different: int = 0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def arrays(cls, name: str, found: Array, expected: Array, **facts: Any) -> Compared:
        """Bit for bit; the first of those that differ are shown."""
        if found.shape != expected.shape or (expected.dtype.kind == "f") != (found.dtype.kind == "f"):
            raise ValueError(f"{name}: {found.dtype} {found.shape}, expected {expected.dtype} {expected.shape}")
        both = [each.view(np.uint32) if each.dtype == np.float32 else each for each in map(_whole, (found, expected))]
        wrong = np.flatnonzero(both[0] != both[1])
        first = [[int(i), found.reshape(-1)[i].item(), expected.reshape(-1)[i].item()] for i in wrong[:SHOWN]]
        return cls(name, found.size, wrong.size, {**facts, "first [place, found, expected]": first} if first else facts)


def _whole(array: Array) -> Array:
    return np.ascontiguousarray(array).reshape(-1)


def tell(path: Path, section: str, what: str, content: Any) -> None:
    """One line more: "begun", "line", or the section's end: "done", "failed" or "skipped" with the reason."""
    with path.open("a") as file:
        file.write(json.dumps([section, what, asdict(content) if isinstance(content, Compared) else content]) + "\n")


def gathered(path: Path, names: Sequence[str], reason: str) -> dict[str, Any]:
    """The sections of a child, by what it told. reason: of those that it did not end."""
    found = {name: {"status": "failed", "reason": reason, "seconds": 0.0, "lines": []} for name in names}
    for section, what, content in map(json.loads, path.read_text().splitlines() if path.exists() else ()):
        if what == "line":
            found[section]["lines"].append(content)
        elif what != "begun":
            status, explained, seconds = content
            found[section].update(status=status, reason=explained, seconds=round(seconds, 2))
    for each in found.values():
        each["compared"] = sum(line["compared"] for line in each["lines"])
        each["different"] = sum(line["different"] for line in each["lines"])
        if each["status"] == "ok" and each["different"]:
            each.update(status="failed", reason=f"{each['different']:,} of {each['compared']:,} values differ")
    return found

"""One thing that is wrong with a table for a reader."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

ERROR, WARNING, NOTE = "error", "warning", "note"
"""The reader loses rows or the file; a number is not what it seems; harmless."""


@dataclass(frozen=True)
class Finding:
    """line: from 1, 0 where the whole file is meant; text: what stands there. kind: a stable short name.

    tensor: the row, "" for none. what: what happens; remedy: what to do.
    """

    line: int
    text: str
    severity: str
    kind: str
    tensor: str
    what: str
    remedy: str


def by_line(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Sorted by line, those of the whole file last."""
    return tuple(sorted(findings, key=lambda each: (each.line == 0, each.line)))


def scale_problem(line: int, text: str, tensor: str, scale: float) -> Iterator[Finding]:
    """The finding of a number that is no scale, whoever reads it."""
    if scale == 0.0:
        what = "scale 0: the tensor was always 0 in calibration, and every other value has no code"
        yield Finding(line, text, WARNING, "zero", tensor, what, "check the data; leave the row out if 0 is right")
    elif not 0.0 < scale < math.inf:
        kind = "negative" if scale < 0.0 else "not finite"
        what = f"{scale!r} is no scale: TensorRT writes such bits where the calibration data are not finite"
        yield Finding(line, text, ERROR, kind, tensor, what, "mend the data and calibrate again")

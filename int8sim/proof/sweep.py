"""Every operand of a range through the compiled kernel, on all cores: counted differences, first mismatches, a hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from int8sim.kernels.compile import build
from int8sim.model.step import Array
from int8sim.proof.kernels import Codes, differences
from int8sim.proof.search import Interval
from int8sim.proof.staircase import Staircase

PART = 1 << 24
"""Operands of one thread's turn, and of one SHA-256."""
BLOCK = 1 << 18
"""Operands of one call: accumulators and codes stay in the second-level cache."""
FIRST_FEW = 5


@dataclass
class Part:
    """What came of some operands. different: among those that the hardware defines; unpredicted: among the others.

    mismatches: the first few operands whose codes are not the definition's. digest: SHA-256 of the codes.
    """

    different: int = 0
    unpredicted: int = 0
    mismatches: list[int] = field(default_factory=list)
    digest: bytes = b""


def sweep(codes: Codes, expected: Staircase, operands: Interval, progress: Callable[[int], None]) -> Part:
    """The whole range. progress: called with the number of operands done.

    digest: SHA-256 over the digests of the parts of 2**24 codes each, from the first operand on.
    """
    first, last = operands
    starts = range(first, last + 1, PART)
    found, digest = Part(), hashlib.sha256()
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None) as pool:
        parts = pool.map(lambda start: _part(codes, expected, start, min(start + PART - 1, last)), starts)
        for start, part in zip(starts, parts, strict=True):
            found.different += part.different
            found.unpredicted += part.unpredicted
            found.mismatches += part.mismatches[: FIRST_FEW - len(found.mismatches)]
            digest.update(part.digest)
            progress(min(start + PART, last + 1) - first)
    found.digest = digest.digest()
    return found


def _part(codes: Codes, expected: Staircase, first: int, last: int) -> Part:
    part, digest = Part(), hashlib.sha256()
    for start in range(first, last + 1, BLOCK):
        stop = min(start + BLOCK - 1, last)
        found = codes(np.arange(start, stop + 1, dtype=expected.definition.dtype))
        digest.update(found.astype(found.dtype.newbyteorder("<"), copy=False).data)
        _count(part, found, expected, start, stop)
    part.digest = digest.digest()
    return part


def _count(part: Part, found: Array, expected: Staircase, first: int, last: int) -> None:
    kernel = build(differences)
    codes = expected.codes.astype(found.dtype)
    for start, stop, defined in expected.segments(first, last):
        some = found[start - first : stop + 1 - first]
        count = kernel(some, *expected.run(start), expected.starts, codes)
        part.different += count if defined else 0
        part.unpredicted += 0 if defined else count
        if count and len(part.mismatches) < FIRST_FEW:
            part.mismatches += islice(_mismatches(some, expected, start), FIRST_FEW - len(part.mismatches))


def _mismatches(found: Array, expected: Staircase, first: int) -> Iterator[int]:
    wanted = expected.at(np.arange(first, first + len(found)))
    yield from (first + np.flatnonzero(found != wanted)).tolist()

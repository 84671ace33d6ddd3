"""What a single row proves: readings of its scale as a bin, and a range that means something.

A scale alone has a range for almost every bin. It says something where one of them is a number that data give: the
greatest pixel under one of the usual scalings, a probability of 1, a short constant.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from int8sim.calibration.explanation.candidates import bin_of, limits_between, pairs
from int8sim.calibration.explanation.scalings import SCALINGS, Scaling
from int8sim.spec.calibration import BINS, INT8_MAX, minmax_scale
from int8sim.spec.float32 import float32, float32_bits

ENTROPY, MAXIMUM = "entropy", "maximum"
"""The two rules: EntropyCalibration2's range and bin; max |x| / 127 of MinMax, and of Legacy with a quantile near 1."""
ALMOST_ONE = 1.0 - 2.0**-15
"""A probability from here on is taken for one that nearly reached 1."""
SIGNIFICAND = 256
"""A short constant has at most 8 significant bits."""

Place = tuple[int | None, int]
"""A bin (None by the rule "maximum"), and by how many units of the last place the scale is off."""


@dataclass(frozen=True)
class Reading:
    """One way in which a scale can have come about.

    meaning: in words. limit: the range at the end; bin: the one chosen, None by the rule "maximum". first: the greatest
    |x| of the first batch, doubled `doublings` times since. off: by how many units of the last place (-1, 0, 1) the
    scale differs. whole: the first batch held the scaling's own extreme, black or white.
    """

    meaning: str
    limit: float
    bin: int | None
    first: float
    doublings: int = 0
    off: int = 0
    whole: bool = True

    def place(self) -> str:
        """The range and the bin, and the first batch where it is not what anybody would expect."""
        chosen = "" if self.bin is None else f", bin {self.bin}"
        grown = f", doubled {self.doublings}x" if self.doublings else ""
        return f"R {self.limit:.9g}{chosen}" + ("" if self.whole else f", first batch up to {self.first:.9g}{grown}")

    def __str__(self) -> str:
        return f"{self.meaning}: {self.place()}{', 1 ulp off' if self.off else ''}"


@dataclass(frozen=True)
class InputReadings:
    """The readings of an input's row, the best first. chance: how many such readings a scale at random would have."""

    readings: tuple[Reading, ...]
    chance: float


def input_readings(scale: float, rule: str = ENTROPY) -> InputReadings:
    """The usual scalings of pixels that give this scale; scale: exactly float32, finite, above 0.

    First those whose first batch holds black and white: they are few, so chance hardly ever makes one. Only where none
    fits are other pixel values tried as the first batch's greatest, doubled while a later pixel can be greater.
    """
    for whole in (True, False):
        tried = [(scaling.title, *each) for scaling in SCALINGS for each in _firsts(scaling, rule, whole)]
        found = [
            Reading(title, limit, place[0], first, doublings, place[1], whole)
            for title, limit, first, doublings in tried
            if (place := _place(scale, rule, limit))
        ]
        if found:
            found.sort(key=lambda each: (abs(each.off), each.doublings))
            chance = _chance(scale, rule, {limit for _, limit, _, _ in tried}, found[0].off)
            return InputReadings(tuple(found), chance)
    return InputReadings((), 0.0)


def _firsts(scaling: Scaling, rule: str, whole: bool) -> Iterator[tuple[float, float, int]]:
    """(range, first batch's greatest |x|, doublings), each range once, with the fewest doublings."""
    if whole or rule == MAXIMUM:
        yield from ((first, first, 0) for first in (scaling.extremes if whole else scaling.values))
        return
    seen: set[float] = set()
    for doublings in range(9):
        for first in scaling.values:
            limit = first * 2.0**doublings
            if limit < 2.0 * scaling.extremes[-1] and limit not in seen:
                seen.add(limit)
                yield limit, first, doublings


def _place(scale: float, rule: str, limit: float) -> Place | None:
    """Where a range gives the scale; None if it does not."""
    if rule == ENTROPY:
        return bin_of(scale, limit)
    off = float32_bits(minmax_scale(limit)) - float32_bits(scale)
    return (None, off) if abs(off) <= 1 else None


def _chance(scale: float, rule: str, limits: Iterable[float], off: int) -> float:
    """How many of these ranges would fit a scale of about this size by accident, as well as the best reading does.

    Over a range R the scales of neighbouring bins stand R / 2048 / 127 apart; a fit takes one unit of the last place of
    that, or three where the best reading is one off.
    """
    width = (3 if off else 1) * float(np.spacing(np.float32(scale)))
    least, most = limits_between(scale)
    if rule == MAXIMUM:
        return sum(width / scale for limit in limits if least / 2.0 < limit < least * 2.0)
    return sum(width * BINS * INT8_MAX / limit for limit in limits if least <= limit <= most)


def short_constant(scale: float, rule: str = ENTROPY) -> Reading | None:
    """The reading as a constant of at most 8 significant bits, which takes bin 2048; None if it is none.

    A scalar or constant tensor always takes the last bin; so does a tensor that piles up at its greatest value.
    """
    greatest = limits_between(scale)[0] if rule == ENTROPY else scale * INT8_MAX
    fraction, exponent = math.frexp(greatest)
    limit = math.ldexp(round(fraction * SIGNIFICAND) / SIGNIFICAND, exponent)
    place = _place(scale, rule, limit) if 0.0 < limit == float32(limit) < math.inf else None
    if place is None or place[0] not in (BINS, None):
        return None
    return Reading(f"constant, or up to, {limit:.9g}", limit, place[0], limit, off=place[1])


def probability_readings(scale: float, rule: str = ENTROPY) -> tuple[Reading, ...]:
    """Readings of a softmax: a range of 1; or a first batch whose greatest nearly reached 1, and one doubling since."""
    if rule == MAXIMUM:
        place = _place(scale, rule, 1.0)
        return (Reading("probability 1", 1.0, None, 1.0, off=place[1]),) if place else ()
    chosen, limits = (array.tolist() for array in pairs(scale))
    found = list(zip(limits, chosen, strict=True))
    whole = [Reading("probability 1", limit, at, limit) for limit, at in found if limit == 1.0]
    almost = [
        Reading(f"1 - {round((1.0 - limit / 2.0) * 2**24)} * 2^-24, doubled", limit, at, limit / 2.0, 1)
        for limit, at in sorted(found, reverse=True)
        if 2.0 * ALMOST_ONE <= limit < 2.0
    ]
    return (*whole, *almost)


def exceeds_one(scale: float, rule: str = ENTROPY) -> bool:
    """Whether no tensor of values 0 .. 1 has this scale: its range stays below 2, as it doubles only where exceeded."""
    greatest = 1.0 if rule == MAXIMUM else 2.0 * (BINS + 0.5) / BINS
    return scale > minmax_scale(greatest)

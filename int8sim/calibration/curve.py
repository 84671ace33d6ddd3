"""The curve that an entropy calibrator looks at, for people: divergence over threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from int8sim.calibration.gather import Statistics
from int8sim.kernels.cpu.entropy import divergences, entropy_search
from int8sim.model.errors import UnknownNameError
from int8sim.model.step import Array
from int8sim.spec.calibration import LEVELS


@dataclass(frozen=True, eq=False)
class Curve:
    """One tensor's candidates.

    bins: int64, 128 .. all; thresholds: real; divergences: float64, infinite where impossible; chosen: the index of the
    one that is taken. amax: the greatest |x| seen.
    """

    bins: Array
    thresholds: Array
    divergences: Array
    chosen: int
    amax: float

    def places(self, count: int) -> list[int]:
        """`count` indices or a few more, evenly spaced, the chosen one among them."""
        even = np.linspace(0, len(self.bins) - 1, max(count, 2)).round().astype(int).tolist()
        return sorted({*even, self.chosen})


def divergence_curve(statistics: Statistics, tensor: str) -> Curve:
    """The Kullback-Leibler divergence of every candidate of a tensor. Raises UnknownNameError.

    The divergences are by prefix sums, equal to the definition's but for rounding (kernels/cpu/entropy.py).
    """
    origin = statistics.shared.get(tensor, tensor)
    if origin not in statistics.tensors:
        raise UnknownNameError("tensor", tensor, statistics.rows)
    found = statistics.tensors[origin]
    bins = np.arange(LEVELS, len(found.counts) + 1)
    thresholds = (bins + 0.5) * (found.limit / len(found.counts))
    chosen = entropy_search(found.counts) - LEVELS
    return Curve(bins, thresholds, divergences(found.counts), chosen, found.amax)

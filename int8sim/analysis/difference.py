"""How far computed values are from real ones, summed over batches in float64."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from int8sim.model.step import Array


@dataclass
class Difference:
    """Sums over all values so far. signal: x * x; noise: (x - y) ** 2; power: y * y; product: x * y; values: how many.

    greatest: the largest |x - y|. x is real, y computed. Sums run sample by sample: no digit depends on the batches.
    """

    signal: float = 0.0
    noise: float = 0.0
    power: float = 0.0
    product: float = 0.0
    greatest: float = 0.0
    values: int = 0

    def take(self, x: Array, y: Array) -> None:
        """Some more samples, [N, ...] both."""
        real, found = (_rows(each) for each in (x, y))
        gap = real - found
        self.signal = _sum(self.signal, real * real)
        self.noise = _sum(self.noise, gap * gap)
        self.power = _sum(self.power, found * found)
        self.product = _sum(self.product, real * found)
        self.greatest = max(self.greatest, float(np.abs(gap).max()))
        self.values += real.size

    @property
    def sqnr(self) -> float:
        """10 * log10(signal / noise) in dB; infinite where nothing differs."""
        if self.noise == 0.0:
            return math.inf
        return 10.0 * (math.log10(self.signal) - math.log10(self.noise)) if self.signal else -math.inf

    @property
    def cosine(self) -> float:
        """Of the angle between x and y; 1 where both are 0, 0 where one is."""
        norms = math.sqrt(self.signal) * math.sqrt(self.power)
        return self.product / norms if norms else float(self.signal == self.power)


def _rows(array: Array) -> NDArray[np.float64]:
    return array.astype(np.float64).reshape(len(array), -1)


def _sum(start: float, terms: NDArray[np.float64]) -> float:
    each: Iterable[float] = terms.sum(1).tolist()
    return reduce(add, each, start)

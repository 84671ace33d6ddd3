"""What is gathered of one tensor: its extremes and a histogram of |x|, in one pass and constant memory.

Two ways, named as `calibrate(statistics=...)` takes them:

"tensorrt"   TensorRT's: 2,048 bins over 0 .. max |x| of the first batch; a later batch beyond it doubles the range and
             merges pairs of bins. Order and size of batches matter, exactly as they do there.
"mergeable"  4,096 bins over 0 .. 2**e, the least power of two above every |x|. Folding such histograms is exact, so the
             result is the same for any batch size, order, shard or worker. At least half of the bins are in use.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from int8sim.kernels.cpu.histogram import doubled
from int8sim.kernels.histogram import count, extremes
from int8sim.model.errors import UnmergeableError
from int8sim.model.step import Array
from int8sim.spec.calibration import BINS


@dataclass
class TensorStatistics:
    """One tensor's statistics as they grow.

    limit: the range of the histogram; 0.0 while every value was 0, all of them counted in bin 0. counts: int64.
    low, high: extremes of the values themselves. elements: how many. first_peak: max |x| of the first batch.
    """

    limit: float = 0.0
    counts: Array = field(default_factory=lambda: np.zeros(0, np.int64))
    low: float = math.inf
    high: float = -math.inf
    elements: int = 0
    first_peak: float | None = None

    kind: ClassVar[str]
    bins: ClassVar[int]

    def __post_init__(self) -> None:
        if not self.counts.size:
            self.counts = np.zeros(self.bins, np.int64)

    @property
    def amax(self) -> float:
        """The greatest |x| seen; 0.0 before any."""
        return max(-self.low, self.high, 0.0)

    def add(self, values: Any) -> bool:
        """One batch of float32 values, any shape and place. False, and nothing added, where one is NaN or infinite."""
        low, high = extremes(values)
        if math.isnan(low):
            return False
        peak = max(-low, high)
        self.low, self.high = min(low, self.low), max(high, self.high)
        self.first_peak = peak if self.first_peak is None else self.first_peak
        self.elements += values.size
        self._grow(peak)
        if self.limit == 0.0:
            self.counts[0] += values.size
        else:
            count(values, self.limit, self.counts)
        return True

    def _grow(self, peak: float) -> None:
        """Set or double the range so that it holds `peak`."""
        raise NotImplementedError

    def _double(self) -> None:
        self.limit, self.counts = 2.0 * self.limit, doubled(self.counts)


class TensorRTStatistics(TensorStatistics):
    """TensorRT's rule. The range never shrinks and never becomes the new maximum.

    A range of 0 cannot double: while every value so far is 0, zeros are only counted, and the first batch with another
    value sets the range. What TensorRT does then is not known; guards.py says so.
    """

    kind: ClassVar[str] = "tensorrt"
    bins: ClassVar[int] = BINS

    def _grow(self, peak: float) -> None:
        self.limit = self.limit or peak
        while self.limit < peak:
            self._double()


class MergeableStatistics(TensorStatistics):
    """Range a power of two, strictly above every |x|: no value is ever clipped into the last bin."""

    kind: ClassVar[str] = "mergeable"
    bins: ClassVar[int] = 2 * BINS

    def _grow(self, peak: float) -> None:
        if self.limit == 0.0 and peak > 0.0:
            self.limit = math.ldexp(1.0, math.frexp(peak)[1])
        while self.limit <= peak and peak > 0.0:
            self._double()


KINDS: Mapping[str, type[TensorStatistics]] = {each.kind: each for each in (TensorRTStatistics, MergeableStatistics)}


def merged(a: TensorStatistics, b: TensorStatistics) -> TensorStatistics:
    """The statistics of both sets of values, as if gathered in one pass. Raises UnmergeableError for "tensorrt"."""
    if not isinstance(a, MergeableStatistics) or not isinstance(b, MergeableStatistics):
        raise UnmergeableError("TensorRT's range depends on the order of batches; gather with statistics='mergeable'")
    limit = max(a.limit, b.limit)
    total = MergeableStatistics(limit, _folded(a, limit) + _folded(b, limit))
    total.low, total.high = min(a.low, b.low), max(a.high, b.high)
    total.elements = a.elements + b.elements
    return total


def _folded(statistics: MergeableStatistics, limit: float) -> Array:
    """The counts over a range that is a power of two times larger."""
    counts = statistics.counts
    for _ in range(int(math.log2(limit / statistics.limit)) if statistics.limit else 0):
        counts = doubled(counts)
    return counts

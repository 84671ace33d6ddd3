"""EntropyCalibration2's statistics: a histogram of |x| per tensor, its range set by the first batch, then doubling."""

from __future__ import annotations

import numpy as np

from int8sim.kernels.cpu.histogram import count, doubled, magnitude, search
from int8sim.model.step import Array
from int8sim.model.table import Row
from int8sim.spec.calibration import BINS, entropy_scale


class EntropyStatistics:
    """TensorRT's rule: order and size of batches matter, because the first batch fixes the range.

    limit: max |x| of the first batch; a later batch beyond it doubles it, and pairs of bins merge. It never shrinks and
    never becomes the new maximum. While every value so far is 0 there is no range to double: zeros are only counted,
    and the first batch with another value sets the range (what TensorRT does then is not known).
    """

    def __init__(self) -> None:
        self.limit = 0.0
        self.counts = np.zeros(BINS, np.int64)
        self.low = self.high = 0.0
        self.empty = True

    def add(self, values: Array) -> None:
        """One batch of a tensor's values, float32, any shape, finite."""
        low, high, peak = float(values.min()), float(values.max()), magnitude(values)
        self.low, self.high = (low, high) if self.empty else (min(low, self.low), max(high, self.high))
        self.empty = False
        if peak == 0.0 and self.limit == 0.0:
            self.counts[0] += values.size
            return
        self.limit = self.limit or peak
        while self.limit < peak:
            self.limit, self.counts = 2.0 * self.limit, doubled(self.counts)
        count(values, self.limit, self.counts)

    def row(self) -> Row:
        """The tensor's row; scale 0 for a tensor that was always 0."""
        if self.limit == 0.0:
            return Row(0.0, self.low, self.high, 0.0)
        chosen = search(self.counts)
        return Row(entropy_scale(chosen, self.limit), self.low, self.high, self.limit, chosen)

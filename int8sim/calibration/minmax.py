"""MinMaxCalibration's statistics: the greatest |x| over all batches."""

from __future__ import annotations

from int8sim.model.step import Array
from int8sim.model.table import Row
from int8sim.spec.calibration import minmax_scale


class MinMaxStatistics:
    """Running minimum and maximum; order and size of batches do not matter."""

    def __init__(self) -> None:
        self.low, self.high = float("inf"), float("-inf")

    def add(self, values: Array) -> None:
        """One batch of a tensor's values, float32, any shape, finite."""
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))

    def row(self) -> Row:
        """The tensor's row: float32(max |x| / 127), no half bin."""
        amax = max(-self.low, self.high)
        return Row(minmax_scale(amax), self.low, self.high, amax)

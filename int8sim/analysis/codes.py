"""Which codes of a tensor occur, and how many values lie beyond them."""

from __future__ import annotations

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import QuantParams


class Codes:
    """Counts over batches. below, above: values clipped at the lowest and at the highest code."""

    def __init__(self, quant: QuantParams) -> None:
        """quant: of the tensor, per tensor."""
        self.quant, self.values, self.below, self.above = quant, 0, 0, 0
        self._seen = np.zeros(quant.high - quant.low + 1, bool)

    def take(self, codes: Array, real: Array) -> None:
        """Some more codes, and the real values that they stand for.

        A value is clipped where it lies more than half a step beyond the code, the last one, that it became: a ReLU's
        zeros at the lowest code are not clipped.
        """
        quant = self.quant
        steps = real.astype(np.float64) / quant.tensor_scale + quant.tensor_zero_point
        self.below += int(((codes == quant.low) & (steps < quant.low - 0.5)).sum())
        self.above += int(((codes == quant.high) & (steps > quant.high + 0.5)).sum())
        self.values += codes.size
        self._seen[np.unique(codes).astype(np.int64) - quant.low] = True

    @property
    def unused(self) -> int:
        """How many of the tensor's codes never occurred."""
        return int(self._seen.size - self._seen.sum())

"""Local response normalization: y = x * (k + alpha / n * sum of x**2)**-beta, in float32. Caffe LRN, ONNX LRN.

The sum runs over n = size channels around x, or over n = size * size cells of its channel; what lies outside counts as
zeros. It is a chain of FMAs in raster order; then fma(sum, float32(alpha / n), k), the spec's power, one product.
No engine here has an integer form. Source: BVLC/caffe:src/caffe/layers/lrn_layer.cpp.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, FloatOnly, channels_last, expect, from_channels_last, spatial
from int8sim.spec.float32 import float32, fma, power


@dataclass(frozen=True)
class Lrn(FloatOnly):
    """Input: x, 4-D. size: odd. alpha, beta, k: exactly float32. within_channel: cells around x, not channels."""

    size: int
    alpha: float
    beta: float
    k: float
    within_channel: bool = False

    name: ClassVar[str] = "lrn"
    kind: ClassVar[str] = "lrn"

    @property
    def reach(self) -> tuple[int, int, int]:
        """How far the sum reaches to each side in height, width and channels."""
        half = self.size // 2
        return (half, half, 0) if self.within_channel else (0, 0, half)

    @property
    def factor(self) -> float:
        """float32(alpha / n)."""
        return float32(self.alpha / (self.size * self.size if self.within_channel else self.size))

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        spatial(inputs[0])
        expect(self.size > 0 and self.size % 2 == 1, f"size {self.size} must be odd and positive")
        return TensorType(inputs[0].shape, "float32", inputs[0].layout)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x = channels_last(inputs[0], types[0].layout)
        out = np.empty(x.shape, np.float32)
        for index in np.ndindex(*x.shape):
            base = fma(self._squares(x, index), self.factor, self.k)
            out[index] = float32(x[index].item() * power(base, -self.beta))
        return from_channels_last(out, types[0].layout)

    def _squares(self, x: Array, index: tuple[int, ...]) -> float:
        places = zip(index[1:], self.reach, strict=True)
        around = tuple(slice(max(place - reach, 0), place + reach + 1) for place, reach in places)
        total = 0.0
        for value in x[index[0]][around].ravel().tolist():
            total = fma(value, value, total)
        return total

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 3, 1, 1), "float32", "NCHW")
        # 1 + 9 / 3 * (1 + 4), the same, and of (4 + 0): 16, 16 and 13; x times the reciprocal of the square root
        expected = [[[0.25]], [[0.5]], [[0.0]]]
        yield Case("channels", cls(3, 9.0, 0.5, 1.0), (kind,), ([1.0, 2.0, 0.0],), kind, expected)
        row = TensorType((1, 1, 1, 2), "float32", "NCHW")
        # 1 + 27 / 9 * (1 + 4) = 16
        yield Case("cells", cls(3, 27.0, 0.5, 1.0, within_channel=True), (row,), ([1.0, 2.0],), row, [0.25, 0.5])

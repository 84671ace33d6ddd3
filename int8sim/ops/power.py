"""y = (shift + scale * x)**exponent, in float32: fma(x, scale, shift), then the spec's power. Caffe Power.

An exponent of 1 leaves the first step's result. No engine here has an integer form of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Pointwise
from int8sim.spec.float32 import fma, power


@dataclass(frozen=True)
class Power(Pointwise):
    """Input: x, any shape. exponent, scale, shift: exactly float32."""

    exponent: float = 1.0
    scale: float = 1.0
    shift: float = 0.0

    name: ClassVar[str] = "power"
    kind: ClassVar[str] = "power"

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        values = [fma(x, self.scale, self.shift) for x in inputs[0].ravel().tolist()]
        if self.exponent != 1.0:
            values = [power(value, self.exponent) for value in values]
        return np.array(values, np.float32).reshape(inputs[0].shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 3))
        # 5**2, 1**2, (-3)**2
        yield Case("a square", cls(2.0, 2.0, 1.0), (kind,), ([2.0, 0.0, -2.0],), kind, [[25.0, 1.0, 9.0]])
        yield Case("a half, minus one", cls(1.0, 0.5, -1.0), (kind,), ([2.0, 0.0, -3.0],), kind, [[0.0, -1.0, -2.5]])

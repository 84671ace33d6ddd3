"""y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, mean and variance over some axes of each sample.

In float32, d = x - mean; the variance is a chain of FMAs of d * d, divided by the count; y = fma(d * r, gamma, beta)
with r the spec's power of variance + epsilon to -1/2. No engine here has an integer form of it. ONNX
LayerNormalization, InstanceNormalization.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, FloatOnly, expect
from int8sim.ops.prelu import broadcasts
from int8sim.ops.reduce_mean import mean, rows
from int8sim.spec.float32 import float32, fma, power


@dataclass(frozen=True)
class Normalize(FloatOnly):
    """Inputs: x; gamma and beta, which broadcast to x. axes: ascending, not 0. epsilon: exactly float32."""

    axes: tuple[int, ...]
    epsilon: float

    name: ClassVar[str] = "normalize"
    kind: ClassVar[str] = "normalize"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x = inputs[0]
        inside = list(self.axes) == sorted({axis for axis in self.axes if 0 < axis < len(x.shape)})
        expect(self.axes and inside, f"axes {self.axes} are not ascending axes of {x} other than 0")
        for what, kind in zip(("gamma", "beta"), inputs[1:], strict=True):
            expect(broadcasts(kind.shape, x.shape), f"{what} is {kind}; a shape that broadcasts to {x} is needed")
        return TensorType(x.shape, "float32", x.layout)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        x = inputs[0]
        parts = [rows(np.broadcast_to(each, x.shape), self.axes).tolist() for each in inputs]
        found = [self._row(*columns) for columns in zip(*parts, strict=True)]
        others = [axis for axis in range(x.ndim) if axis not in self.axes]
        order = [*others, *self.axes]
        moved = np.array(found, np.float32).reshape([x.shape[axis] for axis in order])
        return moved.transpose(np.argsort(order))

    def _row(self, x: Sequence[float], gamma: Sequence[float], beta: Sequence[float]) -> list[float]:
        middle, total = mean(x), 0.0
        apart = [float32(value - middle) for value in x]
        for value in apart:
            total = fma(value, value, total)
        r = power(float32(float32(total / float32(len(x))) + self.epsilon), -0.5)
        return [fma(float32(d * r), g, b) for d, g, b in zip(apart, gamma, beta, strict=True)]

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind, one = TensorType((1, 4)), TensorType((4,))
        given = [1.0, 5.0, 1.0, 5.0], [1.0, 2.0, 1.0, 1.0], [0.0, 0.5, 0.0, 0.0]
        # the mean is 3, the variance 4
        yield Case("a row", cls((1,), 0.0), (kind, one, one), given, kind, [[-1.0, 2.5, -1.0, 1.0]], constants=(1, 2))

"""y = the mean over some axes: a sequential float32 sum in raster order, divided by the count. ONNX ReduceMean."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, FloatOnly, expect
from int8sim.spec.float32 import float32


@dataclass(frozen=True)
class ReduceMean(FloatOnly):
    """Input: x. axes: ascending, not 0. keepdims: whether they stay, with size 1."""

    axes: tuple[int, ...]
    keepdims: bool = True

    name: ClassVar[str] = "reduce_mean"
    kind: ClassVar[str] = "reduce_mean"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x = inputs[0]
        inside = list(self.axes) == sorted({axis for axis in self.axes if 0 < axis < len(x.shape)})
        expect(self.axes and inside, f"axes {self.axes} are not ascending axes of {x} other than 0")
        sizes = [1 if axis in self.axes else size for axis, size in enumerate(x.shape)]
        if self.keepdims:
            return TensorType(tuple(sizes), "float32", x.layout)
        return TensorType(tuple(size for axis, size in enumerate(sizes) if axis not in self.axes))

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        x = inputs[0]
        shape = [1 if axis in self.axes else size for axis, size in enumerate(x.shape)]
        means = [mean(row) for row in rows(x, self.axes).tolist()]
        found = np.array(means, np.float32).reshape(shape)
        return found if self.keepdims else found.reshape(np.delete(shape, self.axes))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = TensorType((1, 2, 3)), TensorType((1, 3))
        given = ([[1.0, 2.0, 3.0], [5.0, 4.0, 3.0]],)
        yield Case("columns", cls((1,), keepdims=False), kinds[:1], given, kinds[1], [[3.0, 3.0, 3.0]])
        yield Case("rows", cls((2,)), kinds[:1], given, TensorType((1, 2, 1)), [[[2.0], [4.0]]])


def rows(x: Array, axes: tuple[int, ...]) -> Array:
    """x as [values of the other axes, values of these axes], both in raster order."""
    others = [axis for axis in range(x.ndim) if axis not in axes]
    return x.transpose(*others, *axes).reshape(-1, math.prod(x.shape[axis] for axis in axes))


def mean(values: Sequence[float]) -> float:
    """A sequential sum, divided by the count."""
    total = 0.0
    for value in values:
        total = float32(total + value)
    return float32(total / float32(len(values)))

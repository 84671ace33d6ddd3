"""y = the mean over some axes: a sequential float32 sum in raster order, divided by the count. ONNX ReduceMean.

Of codes as an average pool: `step(total, x)` over a row, then `finish(total, count)`. TensorFlow Lite's MEAN.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.average_pool import running_total
from int8sim.ops.base import Case, Op, Operands, Scales, codes, expect
from int8sim.profiles.base import Scheme
from int8sim.spec.float32 import float32
from int8sim.spec.pooling import average_half_away, sum_codes


@dataclass(frozen=True)
class ReduceMean(Op):
    """Input: x. axes: ascending, not 0. keepdims: whether they stay, with size 1."""

    axes: tuple[int, ...]
    keepdims: bool = True

    name: ClassVar[str] = "reduce_mean"
    kind: ClassVar[str] = "reduce_mean"
    only_imported: ClassVar[bool] = True

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x = inputs[0]
        inside = list(self.axes) == sorted({axis for axis in self.axes if 0 < axis < len(x.shape)})
        expect(self.axes and inside, f"axes {self.axes} are not ascending axes of {x} other than 0")
        sizes = [1 if axis in self.axes else size for axis, size in enumerate(x.shape)]
        if self.keepdims:
            return TensorType(tuple(sizes), "float32", x.layout)
        return TensorType(tuple(size for axis, size in enumerate(sizes) if axis not in self.axes))

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        means = [mean(row) for row in rows(inputs[0], self.axes).tolist()]
        return np.array(means, np.float32).reshape(self._shape(types[0], inputs[0]))

    def _shape(self, kind: TensorType, x: Array) -> tuple[int, ...]:
        return (len(x), *self.infer([kind]).shape[1:])

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        window = math.prod(scales.types[0].shape[axis] for axis in self.axes), 1
        return scheme.steps(x=scales.inputs[0], y=scales.output, window=window, low=scales.low, high=scales.high)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        finish = arithmetic["finish"]
        means = [
            finish(running_total(arithmetic["step"], row), len(row)) for row in rows(inputs[0], self.axes).tolist()
        ]
        return np.array(means, output.dtype).reshape(self._shape(types[0], inputs[0]))

    def operands_at(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> Operands:
        place = np.ravel_multi_index(index, self._shape(types[0], inputs[0]))
        row = rows(inputs[0], self.axes)[place].tolist()
        return "finish", (running_total(arithmetic["step"], row), len(row))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = TensorType((1, 2, 3)), TensorType((1, 3))
        given = ([[1.0, 2.0, 3.0], [5.0, 4.0, 3.0]],)
        yield Case("columns", cls((1,), keepdims=False), kinds[:1], given, kinds[1], [[3.0, 3.0, 3.0]])
        yield Case("rows", cls((2,)), kinds[:1], given, TensorType((1, 2, 1)), [[[2.0], [4.0]]])
        yield Case(
            "rows of codes, ties away from zero",
            cls((2,), keepdims=False),
            (codes((1, 2, 2)),),
            ([[1, 2], [-3, -4]],),
            codes((1, 2)),
            [[2, -4]],
            {"step": Step(sum_codes, {}), "finish": Step(average_half_away, {"low": -128, "high": 127})},
        )


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

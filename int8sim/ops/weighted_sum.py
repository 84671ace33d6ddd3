"""y = c0 * a + c1 * b + ..., tensors that broadcast, each product and sum rounded to float32. Caffe Eltwise SUM."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, expect
from int8sim.ops.elementwise import Elementwise
from int8sim.spec.float32 import float32


@dataclass(frozen=True)
class WeightedSum(Elementwise):
    """Inputs: two or more tensors, as Elementwise says. coefficients: one per input, exactly float32."""

    coefficients: tuple[float, ...]

    name: ClassVar[str] = "weighted_sum"
    kind: ClassVar[str] = "weighted_sum"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        count = len(self.coefficients)
        expect(count == len(inputs), f"it has {len(inputs)} inputs and {count} coefficients; one each is needed")
        return super().infer(inputs)

    def combine(self, values: Sequence[float]) -> float:
        products = [float32(c * value) for c, value in zip(self.coefficients, values, strict=True)]
        return reduce(lambda total, product: float32(total + product), products)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 2))
        inputs = [2.0, -3.0], [0.5, 4.0], [1.0, 1.0]
        # 2 - 0.25 + 2; -3 - 2 + 2
        yield Case("of three tensors", cls((1.0, -0.5, 2.0)), (kind,) * 3, inputs, kind, [[3.75, -3.0]])

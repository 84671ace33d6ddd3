"""y = a * b * ..., tensors that broadcast, rounded to float32 after each product; two codes: `combine(a, b)`.

Caffe Eltwise PROD, ONNX Mul, com.microsoft QLinearMul, TensorFlow Lite's MUL.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import ClassVar

from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.elementwise import Elementwise
from int8sim.spec.float32 import float32


@dataclass(frozen=True)
class Multiply(Elementwise):
    """Inputs: two or more tensors, as Elementwise says. No attributes."""

    name: ClassVar[str] = "multiply"
    kind: ClassVar[str] = "multiply"

    def combine(self, values: Sequence[float]) -> float:
        return reduce(lambda product, value: float32(product * value), values)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 2))
        yield Case("three tensors", cls(), (kind,) * 3, ([2.0, -3.0], [0.5, 4.0], [3.0, 2.0]), kind, [[3.0, -24.0]])

"""y = a - b, two tensors that broadcast: `combine(a, b)` of the codes. ONNX Sub, TensorFlow Lite's SUB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, expect
from int8sim.ops.elementwise import Elementwise
from int8sim.spec.float32 import float32


@dataclass(frozen=True)
class Subtract(Elementwise):
    """Inputs: a and b, as Elementwise says. No attributes."""

    name: ClassVar[str] = "subtract"
    kind: ClassVar[str] = "subtract"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        expect(len(inputs) == 2, f"it has {len(inputs)} inputs; two are needed")
        return super().infer(inputs)

    def combine(self, values: Sequence[float]) -> float:
        a, b = values
        return float32(a - b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = TensorType((1, 2)), TensorType((2,))
        given, expected = ([2.0, -3.0], [0.5, 4.0]), [[1.5, -7.0]]
        yield Case("a constant", cls(), kinds, given, kinds[0], expected, constants=(1,))

"""y = a / b, two tensors that broadcast, in float32; NaN has one pattern. No integer form. ONNX Div."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, expect
from int8sim.ops.elementwise import Elementwise
from int8sim.spec.float32 import NAN_BITS, float32, float32_from_bits


@dataclass(frozen=True)
class Divide(Elementwise):
    """Inputs: a and b, as Elementwise says. No attributes."""

    name: ClassVar[str] = "divide"
    kind: ClassVar[str] = "divide"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        expect(len(inputs) == 2, f"it has {len(inputs)} inputs; two are needed")
        return super().infer(inputs)

    def combine(self, values: Sequence[float]) -> float:
        a, b = values
        if a != a or b != b or (a == 0.0 and b == 0.0) or (math.isinf(a) and math.isinf(b)):
            return float32_from_bits(NAN_BITS)
        return float32(a / b) if b != 0.0 else math.copysign(math.inf, a) * math.copysign(1.0, b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = TensorType((1, 3)), TensorType((1, 1))
        given, expected = ([2.0, -3.0, 0.0], [0.5]), [[4.0, -6.0, 0.0]]
        yield Case("by a constant", cls(), kinds, given, kinds[0], expected, constants=(1,))

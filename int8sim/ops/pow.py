"""y = a**b, two tensors that broadcast, in float32: the spec's power. No engine here has an integer form. ONNX Pow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, expect
from int8sim.ops.elementwise import Elementwise
from int8sim.spec.float32 import power


@dataclass(frozen=True)
class Pow(Elementwise):
    """Inputs: a and b, as Elementwise says. No attributes."""

    name: ClassVar[str] = "pow"
    kind: ClassVar[str] = "pow"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        expect(len(inputs) == 2, f"it has {len(inputs)} inputs; two are needed")
        return super().infer(inputs)

    def combine(self, values: Sequence[float]) -> float:
        a, b = values
        return power(a, b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = TensorType((1, 3)), TensorType((3,))
        given, expected = ([2.0, -3.0, 4.0], [3.0, 2.0, -0.5]), [[8.0, 9.0, 0.5]]
        yield Case("a constant", cls(), kinds, given, kinds[0], expected, constants=(1,))

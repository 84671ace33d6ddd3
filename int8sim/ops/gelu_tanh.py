"""y = x * (1 + tanh(u)) / 2, u = sqrt(2 / pi) * (x + 0.044715 * x**3). ONNX Gelu with the approximation tanh."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import gelu_tanh


@dataclass(frozen=True)
class GeluTanh(Activation):
    """Input: x, any shape. No attributes."""

    name: ClassVar[str] = "gelu_tanh"
    kind: ClassVar[str] = "gelu_tanh"

    @property
    def real(self) -> Step:
        return Step(gelu_tanh, {})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 3))
        yield Case("the middle and the ends", cls(), (kind,), ([0.0, 20.0, -20.0],), kind, [[0.0, 20.0, -0.0]])

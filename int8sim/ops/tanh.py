"""y = the hyperbolic tangent of x. ONNX Tanh, TensorFlow Lite's TANH."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import tanh


@dataclass(frozen=True)
class Tanh(Activation):
    """Input: x, any shape. No attributes."""

    name: ClassVar[str] = "tanh"
    kind: ClassVar[str] = "tanh"

    @property
    def real(self) -> Step:
        return Step(tanh, {})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 3))
        yield Case("the middle and the ends", cls(), (kind,), ([0.0, 50.0, -50.0],), kind, [[0.0, 1.0, -1.0]])

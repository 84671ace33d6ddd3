"""y = 1 / (1 + e**-x). ONNX Sigmoid, TensorFlow Lite's LOGISTIC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import sigmoid


@dataclass(frozen=True)
class Sigmoid(Activation):
    """Input: x, any shape. No attributes."""

    name: ClassVar[str] = "sigmoid"
    kind: ClassVar[str] = "sigmoid"

    @property
    def real(self) -> Step:
        return Step(sigmoid, {})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 3))
        yield Case("the middle and the ends", cls(), (kind,), ([0.0, 200.0, -200.0],), kind, [[0.5, 1.0, 0.0]])

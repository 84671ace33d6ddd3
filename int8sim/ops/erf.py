"""y = the error function of x, in float32. ONNX Erf."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import erf


@dataclass(frozen=True)
class Erf(Activation):
    """Input: x, any shape. No attributes."""

    name: ClassVar[str] = "erf"
    kind: ClassVar[str] = "erf"

    @property
    def real(self) -> Step:
        return Step(erf, {})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 3))
        yield Case("the middle and the ends", cls(), (kind,), ([0.0, 5.0, -5.0],), kind, [[0.0, 1.0, -1.0]])

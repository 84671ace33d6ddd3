"""y = x * (1 + erf(x / sqrt(2))) / 2, in float32. ONNX Gelu."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import gelu


@dataclass(frozen=True)
class Gelu(Activation):
    """Input: x, any shape. No attributes."""

    name: ClassVar[str] = "gelu"
    kind: ClassVar[str] = "gelu"

    @property
    def real(self) -> Step:
        return Step(gelu, {})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 3))
        yield Case("the middle and the ends", cls(), (kind,), ([0.0, 20.0, -20.0],), kind, [[0.0, 20.0, -0.0]])

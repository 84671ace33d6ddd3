"""The same real values at another scale and zero point: codes to codes. TensorFlow Lite's QUANTIZE of integers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import identity


@dataclass(frozen=True)
class Requantize(Activation):
    """Input: x, any shape; in float32 the identity. No attributes."""

    name: ClassVar[str] = "requantize"
    kind: ClassVar[str] = "requantize"

    @property
    def real(self) -> Step:
        return Step(identity, {})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 2))
        yield Case("real values stay", cls(), (kind,), ([-4.0, 1.5],), kind, [[-4.0, 1.5]])

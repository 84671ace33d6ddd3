"""y = min(max(slope * x + shift, 0), 1), in float32. ONNX HardSigmoid."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import hard_sigmoid


@dataclass(frozen=True)
class HardSigmoid(Activation):
    """Input: x, any shape. slope, shift: exactly float32."""

    slope: float
    shift: float

    name: ClassVar[str] = "hard_sigmoid"
    kind: ClassVar[str] = "hard_sigmoid"

    @property
    def real(self) -> Step:
        return Step(hard_sigmoid, {"slope": np.float32(self.slope), "shift": np.float32(self.shift)})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 3))
        yield Case("its three parts", cls(0.25, 0.5), (kind,), ([-4.0, 1.0, 4.0],), kind, [[0.0, 0.75, 1.0]])

"""y = x where x > 0, else slope * (e**x - 1), in float32. ONNX Elu."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import elu


@dataclass(frozen=True)
class Elu(Activation):
    """Input: x, any shape. slope: exactly float32."""

    slope: float

    name: ClassVar[str] = "elu"
    kind: ClassVar[str] = "elu"

    @property
    def real(self) -> Step:
        return Step(elu, {"slope": np.float32(self.slope)})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 4))
        yield Case("a half", cls(0.5), (kind,), ([-200.0, 0.0, 3.0, -1e-10],), kind, [[-0.5, 0.0, 3.0, -5e-11]])

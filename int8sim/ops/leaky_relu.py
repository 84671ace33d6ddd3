"""y = x where x > 0, else x * slope. Caffe ReLU, ONNX LeakyRelu, TensorFlow Lite's LEAKY_RELU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import leaky_relu


@dataclass(frozen=True)
class LeakyRelu(Activation):
    """Input: x, any shape. slope: exactly float32."""

    slope: float

    name: ClassVar[str] = "leaky_relu"
    kind: ClassVar[str] = "leaky_relu"

    @property
    def real(self) -> Step:
        return Step(leaky_relu, {"slope": np.float32(self.slope)})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 4))
        yield Case("a quarter", cls(0.25), (kind,), ([-4.0, -1.0, 0.0, 3.0],), kind, [[-1.0, -0.25, 0.0, 3.0]])

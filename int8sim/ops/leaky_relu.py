"""y = x where x > 0, else x * slope, in float32; no engine here has an integer form. Caffe ReLU, ONNX LeakyRelu."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Pointwise
from int8sim.spec.float32 import float32


@dataclass(frozen=True)
class LeakyRelu(Pointwise):
    """Input: x, any shape. slope: exactly float32."""

    slope: float

    name: ClassVar[str] = "leaky_relu"
    kind: ClassVar[str] = "leaky_relu"

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        values = [x if x > 0.0 else float32(x * self.slope) for x in inputs[0].ravel().tolist()]
        return np.array(values, np.float32).reshape(inputs[0].shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 4))
        yield Case("a quarter", cls(0.25), (kind,), ([-4.0, -1.0, 0.0, 3.0],), kind, [[-1.0, -0.25, 0.0, 3.0]])

"""y = max(x, 0): on codes, a clamp at the zero point. Fused into the layer before it where that one ends in a clamp."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, codes
from int8sim.ops.pointwise import Pointwise
from int8sim.spec.affine import clamp_code


@dataclass(frozen=True)
class Relu(Pointwise):
    """Input: x, any shape. No attributes."""

    name: ClassVar[str] = "relu"
    kind: ClassVar[str] = "clamp"

    @property
    def real_bounds(self) -> tuple[float, float]:
        """The real values that remain."""
        return 0.0, float("inf")

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        values = [0.0 if value <= 0.0 else value for value in inputs[0].ravel().tolist()]
        return np.array(values, np.float32).reshape(inputs[0].shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        clamp = {"convert": Step(clamp_code, {"low": 3, "high": 127})}
        kind = codes((1, 4), zero_point=3)
        yield Case("zero point 3", cls(), (kind,), ([-9, 2, 3, 4],), kind, [[3, 3, 3, 4]], clamp)

"""y = min(max(x, minimum), maximum): on codes, a clamp at the codes of both bounds. ONNX Clip, ReLU6."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, codes, expect
from int8sim.ops.pointwise import Pointwise
from int8sim.spec.affine import clamp_code


@dataclass(frozen=True)
class Clip(Pointwise):
    """Input: x, any shape. minimum, maximum: real bounds, exactly float32; infinite where there is none."""

    minimum: float = float("-inf")
    maximum: float = float("inf")

    name: ClassVar[str] = "clip"
    kind: ClassVar[str] = "clamp"

    @property
    def real_bounds(self) -> tuple[float, float]:
        """The real values that remain."""
        return self.minimum, self.maximum

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        expect(self.minimum <= self.maximum, f"minimum {self.minimum} is above maximum {self.maximum}")
        return super().infer(inputs)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        def clip(value: float) -> float:
            return self.minimum if value <= self.minimum else self.maximum if value >= self.maximum else value

        values = [clip(value) for value in inputs[0].ravel().tolist()]
        return np.array(values, np.float32).reshape(inputs[0].shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        clamp = {"convert": Step(clamp_code, {"low": -1, "high": 6})}
        yield Case("both bounds", cls(-1.0, 6.0), (codes((1, 3)),), ([-9, 0, 7],), codes((1, 3)), [[-1, 0, 6]], clamp)

"""y = a + b, two tensors that broadcast: `combine(a, b)` of the codes. ONNX Add, QLinearAdd, TensorFlow Lite's ADD."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, codes, expect
from int8sim.ops.elementwise import Elementwise
from int8sim.spec.eltwise import add_dequantized
from int8sim.spec.float32 import float32


@dataclass(frozen=True)
class Add(Elementwise):
    """Inputs: a and b, as Elementwise says. No attributes."""

    name: ClassVar[str] = "add"
    kind: ClassVar[str] = "add"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        expect(len(inputs) == 2, f"it has {len(inputs)} inputs; two are needed, and sums of more are weighted_sum's")
        return super().infer(inputs)

    def combine(self, values: Sequence[float]) -> float:
        a, b = values
        return float32(a + b)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        scales = {"a_scale": np.float32(0.5), "b_scale": np.float32(0.25), "scale": np.float32(1.0)}
        yield Case(
            "a half and a quarter, ties to even",
            cls(),
            (codes((1, 4), scale=0.5), codes((1, 4), scale=0.25)),
            ([1, 3, -3, 127], [0, 4, 0, 127]),
            codes((1, 4)),
            # 0.5 -> 0; 2.5 -> 2; -1.5 -> -2; 63.5 + 31.75 = 95.25
            [[0, 2, -2, 95]],
            {"combine": Step(add_dequantized, {**scales, "low": -128, "high": 127})},
        )

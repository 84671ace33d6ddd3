"""Real values to codes, at the border between float and integer layers; saturating."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Number, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Scales, codes
from int8sim.ops.pointwise import Pointwise
from int8sim.profiles.base import Scheme
from int8sim.spec.affine import quantize_half_even


@dataclass(frozen=True)
class Quantize(Pointwise):
    """Input: x, float32. Output: integer codes. Exists in lowered graphs only."""

    name: ClassVar[str] = "quantize"
    kind: ClassVar[str] = "quantize"

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        return inputs[0]

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        return scheme.steps(y=scales.output)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        half: dict[str, Number] = {"scale": np.float32(0.5), "zero_point": 1, "low": -128, "high": 127}
        yield Case(
            "ties to even, saturation, infinity",
            cls(),
            (TensorType((1, 5)),),
            ([0.25, 0.75, -0.75, 100.0, float("-inf")],),
            codes((1, 5), scale=0.5, zero_point=1),
            # 0.5 -> 0, 1.5 -> 2, -1.5 -> -2; + 1
            [[1, 3, -1, 127, -128]],
            {"convert": Step(quantize_half_even, half)},
        )

"""Codes to real values, at the border between integer and float layers: (code - zero_point) * scale in float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Scales, codes
from int8sim.ops.pointwise import Pointwise
from int8sim.profiles.base import Scheme
from int8sim.spec.affine import dequantize


@dataclass(frozen=True)
class Dequantize(Pointwise):
    """Input: integer codes. Output: float32. Exists in lowered graphs only."""

    name: ClassVar[str] = "dequantize"
    kind: ClassVar[str] = "dequantize"

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        return inputs[0]

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        return scheme.steps(x=scales.inputs[0])

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "zero point 3, scale one half",
            cls(),
            (codes((1, 3), scale=0.5, zero_point=3),),
            ([3, 4, -128],),
            TensorType((1, 3)),
            [[0.0, 0.5, -65.5]],
            {"convert": Step(dequantize, {"scale": np.float32(0.5), "zero_point": 3})},
        )

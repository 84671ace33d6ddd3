"""The float16 nearest to x, ties to even, kept as float32; no integer form. What an engine's FP16 tensors hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Pointwise
from int8sim.spec.float32 import float16


@dataclass(frozen=True)
class Float16(Pointwise):
    """Input: x, any shape, float32. Beyond float16's range the output is infinity of x's sign. No attributes."""

    name: ClassVar[str] = "float16"
    kind: ClassVar[str] = "float16"

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        values = [float16(x) for x in inputs[0].ravel().tolist()]
        return np.array(values, np.float32).reshape(inputs[0].shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 5))
        values = [1 + 2.0**-11, 1 + 3 * 2.0**-11, 0.1, 65520.0, -(2.0**-26)]
        yield Case("ties, range", cls(), (kind,), (values,), kind, [[1.0, 1 + 2.0**-9, 0.0999755859375, np.inf, -0.0]])

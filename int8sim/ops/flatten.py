"""One row per sample, in the order of the tensor's own layout. ONNX Flatten with axis 1. Codes move."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Moving, codes


@dataclass(frozen=True)
class Flatten(Moving):
    """Input: x [N, ...]. Output: [N, values]. No attributes."""

    name: ClassVar[str] = "flatten"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        return TensorType((inputs[0].shape[0], math.prod(inputs[0].shape[1:])))

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        return inputs[0].reshape(inputs[0].shape[0], -1)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = codes((1, 1, 2, 2), "NHWC")
        yield Case("channels last", cls(), (kind,), ([[1, 2], [3, 4]],), codes((1, 4)), [[1, 2, 3, 4]])

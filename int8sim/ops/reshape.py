"""The same values in another shape, in the order of the tensor's own layout. Codes move."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Moving, codes, expect


@dataclass(frozen=True)
class Reshape(Moving):
    """Input: x. shape: of one sample, without the batch. layout: of the result, if it is 4-D and its axes mean one."""

    shape: tuple[int, ...]
    layout: str = ""

    name: ClassVar[str] = "reshape"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        size, asked = math.prod(inputs[0].shape[1:]), math.prod(self.shape)
        expect(size == asked, f"{inputs[0]} has {size} values a sample, the shape {list(self.shape)} has {asked}")
        return TensorType((inputs[0].shape[0], *self.shape), "float32", self.layout)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        return inputs[0].reshape(inputs[0].shape[0], *self.shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kinds = codes((1, 2, 1, 2), "NCHW"), codes((1, 4))
        yield Case("channels first to a row", cls((4,)), kinds[:1], ([[[1, 2]], [[3, 4]]],), kinds[1], [[1, 2, 3, 4]])

"""y = the greatest of a, b ..., tensors that broadcast; the first of equals. Caffe Eltwise MAX, ONNX Max."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.elementwise import Elementwise


@dataclass(frozen=True)
class Maximum(Elementwise):
    """Inputs: two or more tensors, as Elementwise says. No attributes."""

    name: ClassVar[str] = "maximum"
    kind: ClassVar[str] = "maximum"

    def combine(self, values: Sequence[float]) -> float:
        return max(values)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 2))
        yield Case("two tensors", cls(), (kind,) * 2, ([2.0, -3.0], [0.5, -1.0]), kind, [[2.0, -1.0]])

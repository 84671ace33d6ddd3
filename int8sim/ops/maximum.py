"""y = the greatest of a, b ..., tensors that broadcast; the first of equals. Caffe Eltwise MAX, ONNX Max.

Of codes, TensorFlow Lite's MAXIMUM.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, codes
from int8sim.ops.elementwise import Elementwise
from int8sim.spec.eltwise import maximum_code


@dataclass(frozen=True)
class Maximum(Elementwise):
    """Inputs: two or more tensors, as Elementwise says. No attributes."""

    name: ClassVar[str] = "maximum"
    kind: ClassVar[str] = "maximum"
    only_imported: ClassVar[bool] = True

    def combine(self, values: Sequence[float]) -> float:
        return max(values)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 2))
        yield Case("two tensors", cls(), (kind,) * 2, ([2.0, -3.0], [0.5, -1.0]), kind, [[2.0, -1.0]])
        limits = {"combine": Step(maximum_code, {"low": -128, "high": 1})}
        kind = codes((1, 2))
        yield Case("codes", cls(), (kind,) * 2, ([2, -3], [1, -1]), kind, [[1, -1]], limits)

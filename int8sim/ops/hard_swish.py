"""y = x * min(max(x + 3, 0), 6) / 6. ONNX HardSwish, TensorFlow Lite's HARD_SWISH."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.pointwise import Activation
from int8sim.spec.activations import hard_swish


@dataclass(frozen=True)
class HardSwish(Activation):
    """Input: x, any shape. No attributes."""

    name: ClassVar[str] = "hard_swish"
    kind: ClassVar[str] = "hard_swish"

    @property
    def real(self) -> Step:
        return Step(hard_swish, {})

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind = TensorType((1, 4))
        # 1 * 4 / 6 in float32 is 0.666666686534881591796875
        values, expected = [-4.0, 3.0, -1.5, 1.0], [[-0.0, 3.0, -0.375, 0.666666686534881591796875]]
        yield Case("its three parts", cls(), (kind,), (values,), kind, expected)

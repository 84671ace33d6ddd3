"""Fully connected, of codes that x gets from its own range. ONNX MatMulInteger behind DynamicQuantizeLinear."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.dynamic import Dynamic
from int8sim.ops.fully_connected import FullyConnected


@dataclass(frozen=True)
class DynamicFullyConnected(Dynamic):
    """As Dynamic; x [..., K], w [O, K]."""

    whole: bool = False

    name: ClassVar[str] = "dynamic_fully_connected"

    def product(self) -> FullyConnected:
        return FullyConnected()

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, one = TensorType((1, 2)), TensorType((1,))
        # the range is -1 .. 1.55, so Sx = 0.01 and the zero point 100; codes less 100 are -100 155
        # -100 * 1 + 155 * 2 = 210 and -100 * -1 = 100, times 0.01 * 2 and 0.01 * 1
        yield Case(
            "two outputs, a scale each",
            cls(),
            (x, TensorType((2, 2)), TensorType((2,)), one),
            ([-1.0, 1.55], [[1.0, 2.0], [-1.0, 0.0]], [2.0, 1.0], [0.0]),
            TensorType((1, 2)),
            [[4.199999809265137, 1.0]],
            constants=(1, 2, 3),
        )

"""Average over height and width. ONNX GlobalAveragePool, TensorFlow Lite's MEAN; a kind of its own in every engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.base import Case, Op, Operands, Scales, codes, image, spatial
from int8sim.profiles.base import Scheme
from int8sim.spec.pooling import average_half_away, sum_codes


@dataclass(frozen=True)
class GlobalAveragePool(Op):
    """Input: x, 4-D. Output: x with height and width 1."""

    name: ClassVar[str] = "global_average_pool"
    kind: ClassVar[str] = "global_average_pool"

    @staticmethod
    def as_average_pool(kind: TensorType) -> AveragePool:
        """The average pool whose one window is the whole input."""
        _, height, width, _ = spatial(kind)
        return AveragePool((height, width))

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        n, _, _, channels = spatial(inputs[0])
        return image(inputs[0], n, 1, 1, channels)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        return self.as_average_pool(types[0]).float32(types, inputs)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        return self.as_average_pool(scales.types[0]).arithmetic(scheme, scales)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        return self.as_average_pool(types[0]).reference(types, output, arithmetic, inputs)

    def operands_at(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> Operands:
        return self.as_average_pool(types[0]).operands_at(types, arithmetic, inputs, index)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "two channels",
            cls(),
            (codes((1, 2, 1, 2), "NCHW"),),
            ([[[1, 2]], [[-3, -4]]],),
            codes((1, 2, 1, 1), "NCHW"),
            [[2], [-4]],
            {"step": Step(sum_codes, {}), "finish": Step(average_half_away, {"low": -128, "high": 127})},
        )

"""Cells around a tensor, filled with real zero, the code zero point, or another constant. Codes move. ONNX Pad."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Op, codes, expect


@dataclass(frozen=True)
class Pad(Op):
    """Input: x. pads: all begins, then all ends, one pair per axis, as ONNX; none on axis 0.

    value: real, exactly float32; among codes the nearest code, of any that it is not 0 from quantized networks only.
    """

    pads: tuple[int, ...]
    value: float = 0.0

    name: ClassVar[str] = "pad"

    def widths(self) -> list[tuple[int, int]]:
        """(before, after) of each axis."""
        rank = len(self.pads) // 2
        return list(zip(self.pads[:rank], self.pads[rank:], strict=True))

    def filling(self, kind: TensorType) -> float:
        """What the cells around a tensor of this type hold: a code, or the real value."""
        if kind.quant is None:
            return float(np.float32(self.value))
        return round(self.value / kind.quant.tensor_scale) + kind.quant.tensor_zero_point

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x = inputs[0]
        expect(len(self.pads) == 2 * len(x.shape), f"pads {self.pads} are not two for each axis of {x}")
        expect(min(self.pads) >= 0, f"pads {self.pads} must not be negative")
        expect(self.widths()[0] == (0, 0), f"pads {self.pads} pad the batch")
        shape = tuple(size + sum(width) for size, width in zip(x.shape, self.widths(), strict=True))
        return TensorType(shape, "float32", x.layout)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        return np.pad(inputs[0], self.widths(), constant_values=self.filling(types[0]))

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        del output, arithmetic
        return self.float32(types, inputs)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "a column of the zero point before, two after",
            cls((0, 1, 0, 2)),
            (codes((1, 2), zero_point=-5),),
            ([1, 2],),
            codes((1, 5), zero_point=-5),
            [[-5, 1, 2, -5, -5]],
        )
        kind, wide = codes((1, 1), scale=0.5, zero_point=3), codes((1, 2), scale=0.5, zero_point=3)
        yield Case("one and a half, three codes", cls((0, 0, 0, 1), 1.5), (kind,), ([7],), wide, [[7, 6]])

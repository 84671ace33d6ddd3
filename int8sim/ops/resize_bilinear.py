"""Bilinear resizing of codes: `output(total)` of `weigh(total, x, row, column)` over two by two cells.

The cells of the upper row first, the left one before the right one. Which cells weigh how much differs between modes;
the op holds what they found. In float32 products and sums are rounded one by one. ONNX Resize in mode linear of int8
and uint8; of real values it is resize_weighted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import (
    Case,
    Op,
    Operands,
    Scales,
    channels_last,
    codes,
    expect,
    from_channels_last,
    image,
    spatial,
)
from int8sim.profiles.base import Scheme
from int8sim.spec.float32 import float32
from int8sim.spec.resize import bilinear_code, bilinear_share

Pair = tuple[int, int, float, float]
"""Two cells, and their weights, exactly float32."""


@dataclass(frozen=True)
class ResizeBilinear(Op):
    """Input: x, 4-D. rows, columns: for every output row and column the two cells that it is made of."""

    rows: tuple[Pair, ...]
    columns: tuple[Pair, ...]

    name: ClassVar[str] = "resize_bilinear"
    kind: ClassVar[str] = "resize_bilinear"
    only_imported: ClassVar[bool] = True

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        n, height, width, channels = spatial(inputs[0])
        for what, places, size in (("rows", self.rows, height), ("columns", self.columns, width)):
            expect(places, f"it has no {what}; one or more are needed")
            inside = all(0 <= cell < size for pair in places for cell in pair[:2])
            expect(inside, f"{what} are made of cells that are not in 0 .. {size - 1}")
        return image(inputs[0], n, len(self.rows), len(self.columns), channels)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        del scales
        return scheme.steps()

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        def weigh(total: float, x: float, row: float, column: float) -> float:
            return float32(total + float32(float32(column * row) * x))

        return self._over(types[0], inputs[0], weigh, float32)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        del output
        return self._over(types[0], inputs[0], arithmetic["weigh"], arithmetic["output"])

    def _over(self, kind: TensorType, array: Array, weigh: Callable[..., Any], output: Callable[..., Any]) -> Array:
        x = channels_last(array, kind.layout)
        out = np.empty((x.shape[0], len(self.rows), len(self.columns), x.shape[3]), array.dtype)
        for n, i, j, c in np.ndindex(*out.shape):
            out[n, i, j, c] = output(self._total(x[n, :, :, c], i, j, weigh))
        return from_channels_last(out, kind.layout)

    def _total(self, plane: Array, i: int, j: int, weigh: Callable[..., Any]) -> Any:
        top, bottom, *row_weights = self.rows[i]
        left, right, *column_weights = self.columns[j]
        total: Any = 0.0
        for y, row in zip((top, bottom), row_weights, strict=True):
            for z, column in zip((left, right), column_weights, strict=True):
                total = weigh(total, plane[y, z].item(), row, column)
        return total

    def operands_at(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> Operands:
        n, a, b, d = index
        i, j, c = (b, d, a) if types[0].layout == "NCHW" else (a, b, d)
        x = channels_last(inputs[0], types[0].layout)
        return "output", (self._total(x[n, :, :, c], i, j, arithmetic["weigh"]),)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "two columns to three, two rows to one, truncated",
            cls(((0, 1, 0.5, 0.5),), ((0, 1, 1.0, 0.0), (0, 1, 0.75, 0.25), (1, 1, 0.5, 0.5))),
            (codes((1, 1, 2, 2), "NCHW"),),
            ([[1, -8], [4, -5]],),
            codes((1, 1, 1, 3), "NCHW"),
            # 2.5; (3 - 8 + 12 - 5) / 8 = 0.25; -6.5
            [[2, 0, -6]],
            {"weigh": Step(bilinear_share, {}), "output": Step(bilinear_code, {})},
        )

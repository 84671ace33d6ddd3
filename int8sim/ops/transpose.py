"""The axes in another order. Codes move. ONNX Transpose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Moving, codes, expect


@dataclass(frozen=True)
class Transpose(Moving):
    """Input: x. perm: output axis i is input axis perm[i]; perm[0] is 0. The layout follows if it still is one."""

    perm: tuple[int, ...]

    name: ClassVar[str] = "transpose"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x = inputs[0]
        expect(sorted(self.perm) == list(range(len(x.shape))), f"perm {self.perm} is no order of the axes of {x}")
        expect(self.perm[0] == 0, f"perm {self.perm} moves the batch; axis 0 must stay")
        layout = "".join(x.layout[axis] for axis in self.perm) if x.layout else ""
        kept = layout if layout in {"NCHW", "NHWC"} else ""
        return TensorType(tuple(x.shape[axis] for axis in self.perm), "float32", kept)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        return inputs[0].transpose(self.perm)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "NCHW to NHWC",
            cls((0, 2, 3, 1)),
            (codes((1, 2, 1, 3), "NCHW"),),
            ([[1, 2, 3], [4, 5, 6]],),
            codes((1, 1, 3, 2), "NHWC"),
            [[1, 4], [2, 5], [3, 6]],
        )

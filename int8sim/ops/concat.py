"""Tensors side by side along one axis. Codes move, or are converted first where an engine lets scales differ.

Role `convert0`, `convert1` ...: the conversion of that input; absent where the input has the output's scale.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Op, Scales, codes, expect
from int8sim.profiles.base import Scheme


@dataclass(frozen=True)
class Concat(Op):
    """Inputs: one or more tensors that differ only along `axis` (not 0, and not negative)."""

    axis: int

    name: ClassVar[str] = "concat"
    kind: ClassVar[str] = "concat"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        first = inputs[0]
        expect(0 < self.axis < len(first.shape), f"axis {self.axis} is not in 1 .. {len(first.shape) - 1}")
        for other in inputs[1:]:
            expect(
                len(other.shape) == len(first.shape)
                and other.layout == first.layout
                and self._rest(other) == self._rest(first),
                f"{first} and {other} differ in more than axis {self.axis}",
            )
        total = sum(kind.shape[self.axis] for kind in inputs)
        shape = (*first.shape[: self.axis], total, *first.shape[self.axis + 1 :])
        return TensorType(shape, "float32", first.layout)

    def _rest(self, kind: TensorType) -> tuple[int, ...]:
        return kind.shape[: self.axis] + kind.shape[self.axis + 1 :]

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        return np.concatenate(list(inputs), self.axis)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        return {
            f"convert{i}": scheme.steps(x=quant, y=scales.output)["convert"]
            for i, quant in enumerate(scales.inputs)
            if quant != scales.output
        }

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        del types
        parts = []
        for i, codes_in in enumerate(inputs):
            step = arithmetic.get(f"convert{i}")
            values = codes_in if step is None else np.vectorize(step, otypes=[output.dtype])(codes_in)
            parts.append(values.astype(output.dtype))
        return np.concatenate(parts, self.axis)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "along the channels",
            cls(1),
            (codes((1, 1, 1, 2), "NCHW"), codes((1, 2, 1, 2), "NCHW")),
            ([1, 2], [[3, 4], [5, 6]]),
            codes((1, 3, 1, 2), "NCHW"),
            [[1, 2], [3, 4], [5, 6]],
        )

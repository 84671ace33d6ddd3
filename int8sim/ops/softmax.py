"""y[i] = exp(x[i] - m) / sum over j of exp(x[j] - m), m the maximum, over the last axis or the channels.

Integer: `exponential(x[i] - m)`, their `total(acc, share)`, then `quotient(share, acc)`. Float32: the spec's exp, a
sequential sum, a division. ONNX Softmax from opset 13.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Case, Op, Operands, Scales, codes, expect
from int8sim.profiles.base import Scheme
from int8sim.spec.float32 import exp, float32
from int8sim.spec.softmax import tflite_exponential, tflite_quotient, tflite_sum


def _shares(arithmetic: Arithmetic, values: Sequence[int]) -> tuple[list[Any], Any]:
    """The exponentials of one row, and their sum."""
    shares = [arithmetic["exponential"](value - max(values)) for value in values]
    acc: Any = 0
    for share in shares:
        acc = arithmetic["total"](acc, share)
    return shares, acc


@dataclass(frozen=True)
class Softmax(Op):
    """Input: x. axis: along which to normalise; not 0, not negative."""

    axis: int = 1

    name: ClassVar[str] = "softmax"
    kind: ClassVar[str] = "softmax"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x = inputs[0]
        expect(0 < self.axis < len(x.shape), f"axis {self.axis} is not in 1 .. {len(x.shape) - 1}")
        return TensorType(x.shape, "float32", x.layout)

    def _by_rows(self, array: Array, dtype: Any, row: Any) -> Array:
        last = np.moveaxis(array, self.axis, -1)
        out = np.array([row(values) for values in last.reshape(-1, last.shape[-1]).tolist()], dtype)
        return np.moveaxis(out.reshape(last.shape), -1, self.axis)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        def row(values: list[float]) -> list[float]:
            shares = [exp(float32(value - max(values))) for value in values]
            total = 0.0
            for share in shares:
                total = float32(total + share)
            return [float32(share / total) for share in shares]

        return self._by_rows(inputs[0], np.float32, row)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        x, y, length = scales.inputs[0], scales.output, scales.types[0].shape[self.axis]
        return scheme.steps(x=x, y=y, length=length, low=scales.low, high=scales.high)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        del types

        def row(values: list[int]) -> list[int]:
            shares, acc = _shares(arithmetic, values)
            return [arithmetic["quotient"](share, acc) for share in shares]

        return self._by_rows(inputs[0], output.dtype, row)

    def operands_at(
        self,
        types: Sequence[TensorType],  # noqa: ARG002
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
        index: tuple[int, ...],
    ) -> Operands:
        others = *index[: self.axis], *index[self.axis + 1 :]
        shares, acc = _shares(arithmetic, np.moveaxis(inputs[0], self.axis, -1)[others].tolist())
        return "quotient", (shares[index[self.axis]], acc)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        # scale 1: 2**26 is mantissa one half, 2**30, and a left shift of 27; 31 * 2**26 / 2**27 is 15.5
        step = {"multiplier": 1 << 30, "shift": -27, "difference_min": -15}
        yield Case(
            "three equal codes, and one far below",
            cls(1),
            (codes((1, 4)),),
            ([5, 5, 5, -95],),
            TensorType((1, 4), "int8", "", QuantParams(1 / 256, -128)),
            # 256 / 3 = 85.33; the last one is below the smallest difference
            [[-43, -43, -43, -128]],
            {
                "exponential": Step(tflite_exponential, step),
                "total": Step(tflite_sum, {}),
                "quotient": Step(tflite_quotient, {"low": -128, "high": 127}),
            },
        )

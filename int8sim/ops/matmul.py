"""Product of two activations: acc[m, n] = sum over k of (a[m, k] - za) * (b[k, n] - zb). ONNX MatMul, QLinearMatMul.

The accumulator is 32 bits and wraps where a and b have 8 bits, and is exact in 64 where one of them has 16, unless the
profile names an `accumulate` step; then it accumulates the products, k ascending, a as the activations and b as the
weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.accumulation import accumulate
from int8sim.ops.base import Case, Op, Scales, codes, expect
from int8sim.profiles.base import Scheme
from int8sim.spec.float32 import fma
from int8sim.spec.requantize import output_double


def spread(inputs: Sequence[Array]) -> list[Array]:
    """Both with the same leading dimensions."""
    leading = np.broadcast_shapes(*(each.shape[:-2] for each in inputs))
    return [np.broadcast_to(each, (*leading, *each.shape[-2:])) for each in inputs]


@dataclass(frozen=True)
class Matmul(Op):
    """Inputs: a [N, ..., M, K]; b [N, ..., K, P], leading dimensions that broadcast. Output: [N, ..., M, P]."""

    name: ClassVar[str] = "matmul"
    kind: ClassVar[str] = "matmul"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        a, b = inputs
        expect(len(a.shape) == len(b.shape) >= 3, f"a is {a}, b is {b}; [N, ..., M, K] and [N, ..., K, P] are needed")
        pairs = list(zip(a.shape[:-2], b.shape[:-2], strict=True))
        expect(all(m == n or 1 in {m, n} for m, n in pairs), f"the leading dimensions of {a} and {b} differ")
        expect(a.shape[-1] == b.shape[-2], f"a has {a.shape[-1]} columns, b has {b.shape[-2]} rows")
        return TensorType((*map(max, pairs), a.shape[-2], b.shape[-1]))

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        a, b = spread(inputs)
        out = np.empty((*a.shape[:-1], b.shape[-1]), np.float32)
        for index in np.ndindex(*out.shape):
            acc = 0.0
            for k in range(a.shape[-1]):
                acc = fma(a[*index[:-1], k].item(), b[*index[:-2], k, index[-1]].item(), acc)
            out[index] = acc
        return out

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        (x, w), y, channels = scales.inputs, scales.output, scales.kind.shape[-1]
        return scheme.steps(x=x, w=w, y=y, channels=channels, bias=scales.bias, low=scales.low, high=scales.high)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        a, b = spread(inputs)
        out = np.empty((*a.shape[:-1], b.shape[-1]), output.dtype)
        for index in np.ndindex(*out.shape):
            out[index] = arithmetic["output"](self.accumulator(types, arithmetic, inputs, index), channel=index[-1])
        return out

    def accumulator(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> int:
        """The accumulator at one output index."""
        zero = types[1].quantized.tensor_zero_point
        a, b = spread(inputs)
        row, column = a[index[:-1]].tolist(), b[index[:-2]][:, index[-1]].tolist()
        return accumulate(arithmetic, types, list(zip(row, column, strict=True)), zero, 0, index[-1])

    @classmethod
    def cases(cls) -> Iterator[Case]:
        half = {"multiplier": 1 << 30, "shift": 0, "zero_point": 0, "low": -99, "high": 99}
        yield Case(
            "one row by two columns, halved, the high multiply half up",
            cls(),
            (codes((1, 1, 2)), codes((1, 2, 2), zero_point=1)),
            ([3, -5], [[2, 4], [3, 0]]),
            codes((1, 1, 2)),
            # b - 1 = [[1, 3], [2, -1]]; acc = 3 - 10 = -7 and 9 + 5 = 14; halved
            [[-3, 7]],
            {"output": Step(output_double, half)},
        )

"""y = a + b, two tensors of one shape: `combine(a, b)` of the codes. ONNX Add, QLinearAdd, TensorFlow Lite's ADD."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Op, Scales, codes, expect
from int8sim.profiles.base import Scheme
from int8sim.spec.eltwise import add_dequantized
from int8sim.spec.float32 import float32


@dataclass(frozen=True)
class Add(Op):
    """Inputs: a and b, the same shape and layout. No attributes, no broadcasting."""

    name: ClassVar[str] = "add"
    kind: ClassVar[str] = "add"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        a, b = inputs
        expect(a.shape == b.shape and a.layout == b.layout, f"a is {a}, b is {b}; the shapes and layouts must be equal")
        return TensorType(a.shape, "float32", a.layout)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        left, right = np.broadcast_arrays(*inputs)  # a constant has a batch of 1
        pairs = zip(left.ravel().tolist(), right.ravel().tolist(), strict=True)
        return np.array([float32(a + b) for a, b in pairs], np.float32).reshape(left.shape)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        a, b = scales.inputs
        return scheme.steps(a=a, b=b, y=scales.output, low=scales.low, high=scales.high)

    def reference(
        self,
        types: Sequence[TensorType],  # noqa: ARG002
        output: TensorType,
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
    ) -> Array:
        pairs = zip(inputs[0].ravel().tolist(), inputs[1].ravel().tolist(), strict=True)
        values = [arithmetic["combine"](a, b) for a, b in pairs]
        return np.array(values, output.dtype).reshape(inputs[0].shape)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        scales = {"a_scale": np.float32(0.5), "b_scale": np.float32(0.25), "scale": np.float32(1.0)}
        yield Case(
            "a half and a quarter, ties to even",
            cls(),
            (codes((1, 4), scale=0.5), codes((1, 4), scale=0.25)),
            ([1, 3, -3, 127], [0, 4, 0, 127]),
            codes((1, 4)),
            # 0.5 -> 0; 2.5 -> 2; -1.5 -> -2; 63.5 + 31.75 = 95.25
            [[0, 2, -2, 95]],
            {"combine": Step(add_dequantized, {**scales, "low": -128, "high": 127})},
        )

"""What the ops of two or more tensors of one shape have in common: one output element of their elements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op, Scales, expect
from int8sim.profiles.base import Scheme


class Elementwise(Op):
    """An op of two or more tensors, the same shape and layout; no broadcasting. Its integer form takes two."""

    @abstractmethod
    def combine(self, values: Sequence[float]) -> float:
        """One output element of its input elements."""

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        first = inputs[0]
        expect(len(inputs) > 1, f"it has {len(inputs)} input; two or more are needed")
        for other in inputs[1:]:
            same = other.shape == first.shape and other.layout == first.layout
            expect(same, f"its inputs are {first} and {other}; the shapes and layouts must be equal")
        return TensorType(first.shape, "float32", first.layout)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        arrays = np.broadcast_arrays(*inputs)  # a constant has a batch of 1
        columns = zip(*(array.ravel().tolist() for array in arrays), strict=True)
        return np.array([self.combine(values) for values in columns], np.float32).reshape(arrays[0].shape)

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

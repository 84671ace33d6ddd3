"""What the float32 ops of two or more tensors of one shape have in common: one output element of their elements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op, expect


class Elementwise(Op):
    """An op of two or more tensors, the same shape and layout; no broadcasting, and no integer form in any engine."""

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
        columns = zip(*(array.ravel().tolist() for array in inputs), strict=True)
        return np.array([self.combine(values) for values in columns], np.float32).reshape(inputs[0].shape)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        raise NotImplementedError

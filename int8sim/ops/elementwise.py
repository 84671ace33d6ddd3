"""What the ops of two or more tensors of one shape have in common: one output element of their elements."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op, Operands, Scales, channels_last, expect, from_channels_last, place_of
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
        types: Sequence[TensorType],
        output: TensorType,
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
    ) -> Array:
        step, layout = arithmetic["combine"], types[0].layout
        a, b = (channels_last(values, layout) for values in inputs)
        where = [(place, a.size) for place in range(a.size)] if step.placed else [()] * a.size
        pairs = zip(a.ravel().tolist(), b.ravel().tolist(), where, strict=True)
        found = np.array([step(left, right, *at) for left, right, at in pairs], output.dtype)
        return from_channels_last(found.reshape(a.shape), layout)

    def operands_at(
        self,
        types: Sequence[TensorType],
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
        index: tuple[int, ...],
    ) -> Operands:
        where = place_of(index, inputs[0].shape, types[0].layout) if arithmetic["combine"].placed else ()
        return "combine", (*(values[index].item() for values in inputs), *where)

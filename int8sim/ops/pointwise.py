"""What the ops that treat every element alone have in common: one `convert` step, applied to each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op, Scales
from int8sim.profiles.base import Scheme


class Pointwise(Op):
    """An op whose output has its input's shape and whose integer form is one `convert(x)` step, or none at all."""

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        return TensorType(inputs[0].shape, "float32", inputs[0].layout)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        return scheme.steps(low=scales.low, high=scales.high)

    def reference(
        self,
        types: Sequence[TensorType],  # noqa: ARG002
        output: TensorType,
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
    ) -> Array:
        return _each(arithmetic["convert"], inputs[0], output.dtype)


class Activation(Pointwise):
    """A function of real values; its integer form is derived from the scales on both sides."""

    @property
    @abstractmethod
    def real(self) -> Step:
        """The float32 function, one value to one, and its attributes."""

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:  # noqa: ARG002
        return _each(self.real, inputs[0], "float32")

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        x, y = scales.inputs[0], scales.output
        return scheme.steps(x=x, y=y, low=scales.low, high=scales.high, **self.real.parameters)


def _each(step: Step, values: Array, dtype: Any) -> Array:
    return np.array([step(value) for value in values.ravel().tolist()], dtype).reshape(values.shape)

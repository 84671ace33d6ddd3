"""What the ops that treat every element alone have in common: one `convert` step, applied to each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from int8sim.model.step import Arithmetic, Array
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
        values = [arithmetic["convert"](value) for value in inputs[0].ravel().tolist()]
        return np.array(values, output.dtype).reshape(inputs[0].shape)

"""What the ops that treat every element alone have in common: one `convert` step, applied to each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op
from int8sim.profiles.base import Floats, Scheme


class Pointwise(Op):
    """An op whose output has its input's shape and whose integer form is one `convert(x)` step, or none at all."""

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        return TensorType(inputs[0].shape, "float32", inputs[0].layout)

    def arithmetic(
        self,
        scheme: Scheme,
        inputs: Sequence[TensorType],  # noqa: ARG002
        output: TensorType,  # noqa: ARG002
        bounds: tuple[int, int],
        bias: Floats | None = None,  # noqa: ARG002
    ) -> Arithmetic:
        return scheme.steps(low=bounds[0], high=bounds[1])

    def reference(
        self,
        types: Sequence[TensorType],  # noqa: ARG002
        output: TensorType,
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
    ) -> Array:
        values = [arithmetic["convert"](value) for value in inputs[0].ravel().tolist()]
        return np.array(values, output.dtype).reshape(inputs[0].shape)

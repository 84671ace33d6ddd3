"""What the ops that treat every element alone have in common: one `convert` step, applied to each."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Op, Operands, Scales, channels_last, from_channels_last, place_of
from int8sim.profiles.base import Scheme


class Pointwise(Op):
    """An op whose output has its input's shape and whose integer form is one `convert(x)` step, or none at all."""

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        return TensorType(inputs[0].shape, "float32", inputs[0].layout)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        x, y = scales.types[0].quant, scales.kind.quant
        return scheme.steps(x=x, y=y, low=scales.low, high=scales.high, bounds=getattr(self, "real_bounds", None))

    def reference(
        self,
        types: Sequence[TensorType],
        output: TensorType,
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
    ) -> Array:
        stored = channels_last(inputs[0], types[0].layout)
        return from_channels_last(_each(arithmetic["convert"], stored, output.dtype), types[0].layout)

    def operands_at(
        self,
        types: Sequence[TensorType],
        arithmetic: Arithmetic,
        inputs: Sequence[Array],
        index: tuple[int, ...],
    ) -> Operands:
        where = place_of(index, inputs[0].shape, types[0].layout) if arithmetic["convert"].placed else ()
        return "convert", (inputs[0][index].item(), *where)


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
    where = [(place, values.size) for place in range(values.size)] if step.placed else [()] * values.size
    found = [step(value, *at) for value, at in zip(values.ravel().tolist(), where, strict=True)]
    return np.array(found, dtype).reshape(values.shape)

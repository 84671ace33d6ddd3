"""y = x where x > 0, else x * slope of its channel, in float32; no engine here has an integer form. Caffe PReLU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Op, expect
from int8sim.spec.float32 import float32


@dataclass(frozen=True)
class Prelu(Op):
    """Inputs: x; slope, [C] or [1] for all channels. No attributes."""

    name: ClassVar[str] = "prelu"
    kind: ClassVar[str] = "prelu"

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x, slope = inputs
        channels = x.shape[x.channel_axis]
        expect(slope.shape in {(channels,), (1,)}, f"slope is {slope}; [{channels}] or [1] is needed")
        return TensorType(x.shape, "float32", x.layout)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x, axis = inputs[0], types[0].channel_axis
        slopes = np.broadcast_to(inputs[1], (x.shape[axis],)).tolist()
        out = np.empty(x.shape, np.float32)
        for index in np.ndindex(*x.shape):
            value = x[index].item()
            out[index] = value if value > 0.0 else float32(value * slopes[index[axis]])
        return out

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        raise NotImplementedError

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind, values = TensorType((1, 2, 1, 2), "float32", "NCHW"), [[[-4.0, 1.0]], [[-4.0, 2.0]]]
        channels, expected = TensorType((2,)), [[[[-1.0, 1.0]], [[2.0, 2.0]]]]
        yield Case("two channels", cls(), (kind, channels), (values, [0.25, -0.5]), kind, expected, constants=(1,))
        shared, expected = TensorType((1,)), [[[[-1.0, 1.0]], [[-1.0, 2.0]]]]
        yield Case("one slope", cls(), (kind, shared), (values, [0.25]), kind, expected, constants=(1,))

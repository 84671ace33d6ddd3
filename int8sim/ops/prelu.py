"""y = x where x > 0, else x * slope. Caffe PReLU, ONNX PRelu. Of codes `combine(x, slope)`: TensorFlow Lite's PRELU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case, Op, Operands, Scales, codes, expect
from int8sim.profiles.base import Scheme
from int8sim.spec.activations import leaky_relu
from int8sim.spec.tflite_elementwise import prelu_double


def broadcasts(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether a constant repeats along the target's axes, counted from the last; the batch of both is 1."""
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(size in {1, goal} for size, goal in pairs)


@dataclass(frozen=True)
class Prelu(Op):
    """Inputs: x; slope, [C], or [1] for all channels, or with two axes or more that broadcast to x's. No attributes."""

    name: ClassVar[str] = "prelu"
    kind: ClassVar[str] = "prelu"
    only_imported: ClassVar[bool] = True

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x, slope = inputs
        channels = x.shape[x.channel_axis]
        fits = slope.shape in {(channels,), (1,)} if len(slope.shape) < 2 else broadcasts(slope.shape, x.shape)
        expect(fits, f"slope is {slope}; [{channels}], [1] or a shape that broadcasts to {x} is needed")
        return TensorType(x.shape, "float32", x.layout)

    def slopes(self, kind: TensorType, slope: Array) -> Array:
        """The slope so that it broadcasts to x, a tensor of the type, in x's own layout."""
        behind = len(kind.shape) - 1 - kind.channel_axis
        return slope.reshape(*slope.shape, *[1] * behind) if slope.ndim < 2 else slope

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x = inputs[0]
        slopes = np.broadcast_to(self.slopes(types[0], inputs[1]), x.shape).ravel().tolist()
        found = [leaky_relu(value, slope) for value, slope in zip(x.ravel().tolist(), slopes, strict=True)]
        return np.array(found, np.float32).reshape(x.shape)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        x, w = scales.inputs
        return scheme.steps(x=x, w=w, y=scales.output, low=scales.low, high=scales.high)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        x, slopes = np.broadcast_arrays(inputs[0], self.slopes(types[0], inputs[1]))
        pairs = zip(x.ravel().tolist(), slopes.ravel().tolist(), strict=True)
        return np.array([arithmetic["combine"](*pair) for pair in pairs], output.dtype).reshape(x.shape)

    def operands_at(
        self,
        types: Sequence[TensorType],
        arithmetic: Arithmetic,  # noqa: ARG002 (one role is all there is)
        inputs: Sequence[Array],
        index: tuple[int, ...],
    ) -> Operands:
        both = np.broadcast_arrays(inputs[0], self.slopes(types[0], inputs[1]))
        return "combine", tuple(each[index].item() for each in both)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        kind, values = TensorType((1, 2, 1, 2), "float32", "NCHW"), [[[-4.0, 1.0]], [[-4.0, 2.0]]]
        channels, expected = TensorType((2,)), [[[[-1.0, 1.0]], [[2.0, 2.0]]]]
        yield Case("two channels", cls(), (kind, channels), (values, [0.25, -0.5]), kind, expected, constants=(1,))
        shared, expected = TensorType((1,)), [[[[-1.0, 1.0]], [[-1.0, 2.0]]]]
        yield Case("one slope", cls(), (kind, shared), (values, [0.25]), kind, expected, constants=(1,))
        halves = {"multiplier": 1 << 30, "shift": 0, "slope_multiplier": 1 << 30, "slope_shift": 1}
        numbers = {"from_zero_point": 1, "slope_zero_point": 0, **halves, "zero_point": 0, "low": -128, "high": 127}
        # halves of 4, and quarters of -3 * 4 and -3 * -2
        combine, x, w = {"combine": Step(prelu_double, numbers)}, codes((1, 1, 1, 3), "NHWC"), codes((3,))
        yield Case("codes", cls(), (x, w), ([5, -2, -2], [9, 4, -2]), x, [2, -3, 2], combine, constants=(1,))

"""Fully connected: acc[n] = sum over k of (x[k] - zx) * (w[n, k] - zw), + bias[n]. ONNX Gemm with a constant B.

The accumulator is that of a 1x1 convolution: 32 bits that wrap where x has 8 bits, exact in 64 where x has 16, or as
the profile's `accumulate` step says.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.base import Case, Op, Scales, codes, expect
from int8sim.ops.conv2d import Conv2d
from int8sim.profiles.base import Scheme
from int8sim.spec.requantize import output_single


@dataclass(frozen=True)
class FullyConnected(Op):
    """Inputs: x [..., K]; w [O, K]; optional bias [O]. Output: [..., O]. A 1x1 convolution over leading dimensions."""

    name: ClassVar[str] = "fully_connected"
    kind: ClassVar[str] = "fully_connected"
    weighted: ClassVar[bool] = True

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x, w = inputs[0], inputs[1]
        expect(len(x.shape) >= 2 and len(w.shape) == 2, f"x is {x}, weight is {w}; [..., K] and [O, K] are needed")
        expect(x.shape[-1] == w.shape[1], f"x has {x.shape[-1]} values a row, the weight expects {w.shape[1]}")
        if len(inputs) > 2:
            expect(inputs[2].shape == (w.shape[0],), f"bias is {inputs[2]}; [{w.shape[0]}] is needed")
        return TensorType((*x.shape[:-1], w.shape[0]))

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x, kinds, operands = self._as_convolution(types, inputs)
        return Conv2d().float32(kinds, operands).reshape(*x.shape[:-1], -1)

    def _as_convolution(
        self, types: Sequence[TensorType], inputs: Sequence[Array]
    ) -> tuple[Array, list[TensorType], list[Array]]:
        x, w = inputs[0], inputs[1]
        pixels, taps = x.reshape(-1, 1, 1, x.shape[-1]), w[:, :, None, None]
        kinds = [types[0].with_shape(pixels.shape, "NHWC"), types[1].with_shape(taps.shape), *types[2:]]
        return x, kinds, [pixels, taps, *inputs[2:]]

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        return Conv2d().arithmetic(scheme, scales)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        x, kinds, operands = self._as_convolution(types, inputs)
        return Conv2d().reference(kinds, output, arithmetic, operands).reshape(*x.shape[:-1], -1)

    def accumulator(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> int:
        """The accumulator, bias included, at one output index."""
        x, kinds, operands = self._as_convolution(types, inputs)
        row = 0
        for size, place in zip(x.shape[:-1], index[:-1], strict=True):
            row = row * size + place
        return Conv2d().accumulator(kinds, arithmetic, operands, (row, 0, 0, index[-1]))

    @classmethod
    def cases(cls) -> Iterator[Case]:
        bias = TensorType((2,), "int32", "", QuantParams(1.0, dtype="int32"))
        quarter = {"multiplier": 1 << 30, "shift": 1, "zero_point": 0, "low": -9, "high": 99}
        yield Case(
            "two rows, two outputs, a quarter with one rounding, half up",
            cls(),
            (codes((2, 3), zero_point=2), codes((2, 3)), bias),
            ([[3, 4, 5], [0, 1, 2]], [[1, 2, 3], [-4, 5, 6]], [0, 10]),
            codes((2, 2)),
            # x - 2 = [1 2 3] and [-2 -1 0]; acc = [14, 34] and [-4, 13]; / 4 = 3.5, 8.5, -1, 3.25
            [[4, 9], [-1, 3]],
            {"output": Step(output_single, quarter)},
            constants=(1, 2),
        )

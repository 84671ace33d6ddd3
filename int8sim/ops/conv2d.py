"""2-D convolution: acc[n] = sum over (in-channel, kernel row, kernel column) of (x - zx) * (w - zw), + bias[n].

Padding contributes nothing: its code is x's zero point. The accumulator is 32 bits and wraps where x has 8 bits, and is
exact in 64 where x has 16 (its bias may be int64), unless the profile names an `accumulate` step; then the products are
accumulated by it, in the order that it states. Source: ONNX Conv and QLinearConv; tensorflow/tensorflow:
tensorflow/lite/kernels/internal/reference/integer_ops/conv.h for 16 bits.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.accumulation import accumulate, in_order
from int8sim.ops.base import Case, Op, Scales, channels_last, codes, expect, from_channels_last, image, spatial
from int8sim.ops.window import Window
from int8sim.profiles.base import Scheme
from int8sim.spec.float32 import float32, fma
from int8sim.spec.requantize import output_double

Index = tuple[int, int, int, int]


@dataclass(frozen=True)
class Conv2d(Op):
    """Inputs: x [N, C, H, W] or [N, H, W, C]; w [O, C / group, kh, kw]; optional bias [O]. Output: as x, O channels.

    strides, dilations: (height, width). pads: top, left, bottom, right. group: channels are split into so many parts.
    """

    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    group: int = 1

    name: ClassVar[str] = "conv2d"
    kind: ClassVar[str] = "convolution"
    weighted: ClassVar[bool] = True

    def window(self, weight_shape: tuple[int, ...]) -> Window:
        """The window of a weight tensor's shape."""
        return Window((weight_shape[2], weight_shape[3]), self.strides, self.dilations, self.pads)

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x, w = inputs[0], inputs[1]
        n, height, width, channels = spatial(x)
        expect(len(w.shape) == 4, f"weight is {w}; [O, C / group, kh, kw] is needed")
        outputs, per_group = w.shape[:2]
        expect(self.group > 0 and outputs % self.group == 0, f"{outputs} outputs do not split into {self.group} groups")
        expect(
            per_group * self.group == channels,
            f"x has {channels} channels, the weight expects {per_group} x {self.group}",
        )
        if len(inputs) > 2:
            expect(inputs[2].shape == (outputs,), f"bias is {inputs[2]}; [{outputs}] is needed")
        return image(x, n, *self.window(w.shape).output_size(height, width), outputs)

    def _taps(self, x: Array, w: Array, index: Index) -> Iterator[tuple[float, float]]:
        """Real (x, w) under one output element, x in NHWC, in the order of accumulation; none for padding."""
        n, oy, ox, o = index
        per_group = w.shape[1]
        first = o // (w.shape[0] // self.group) * per_group
        cells = list(self.window(w.shape).cells(oy, ox, x.shape[1], x.shape[2]))
        for c in range(per_group):
            for u, v, row, column in cells:
                yield x[n, row, column, first + c].item(), w[o, c, u, v].item()

    def _chain(self, x: Array, w: Array, index: Index) -> float:
        acc = 0.0
        for a, b in self._taps(x, w, index):
            acc = fma(a, b, acc)
        return acc

    def _codes(self, x: Array, w: Array, index: Index, outside: int) -> Array:
        """x under one output element, in NHWC, as the weights lie, [C / group, rows, columns]; padding is `outside`."""
        n, oy, ox, o = index
        first = o // (w.shape[0] // self.group) * w.shape[1]
        codes = np.full(w.shape[1:], outside, np.int64)
        for u, v, row, column in self.window(w.shape).cells(oy, ox, x.shape[1], x.shape[2]):
            codes[:, u, v] = x[n, row, column, first : first + w.shape[1]]
        return codes

    def _sum(self, types: Sequence[TensorType], steps: Arithmetic, inputs: Sequence[Array], index: Index) -> int:
        zx, zw = types[0].quantized.tensor_zero_point, types[1].quantized.zero_point
        zero = zw[index[3]] if isinstance(zw, tuple) else zw
        operands = self._codes(inputs[0], inputs[1], index, zx), inputs[1][index[3]]
        bias = int(inputs[2][index[3]]) if len(inputs) > 2 else 0
        return accumulate(steps, types[:1], in_order(steps, *operands), zero, bias, index[3])

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x, w = channels_last(inputs[0], types[0].layout), inputs[1]
        out = np.empty(self._output_shape(x, w), np.float32)
        for index in np.ndindex(*out.shape):
            acc = self._chain(x, w, index)
            out[index] = float32(acc + inputs[2][index[3]].item()) if len(inputs) > 2 else acc
        return from_channels_last(out, types[0].layout)

    def _output_shape(self, x: Array, w: Array) -> tuple[int, ...]:
        return (x.shape[0], *self.window(w.shape).output_size(x.shape[1], x.shape[2]), w.shape[0])

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        (x, w), y, channels = scales.inputs[:2], scales.output, scales.types[1].shape[0]
        shape = {"group": self.group, "depth": scales.types[1].shape[1], "channels": channels}
        bias = {"bias": scales.bias, "biased": len(scales.types) > 2}
        return scheme.steps(x=x, w=w, y=y, low=scales.low, high=scales.high, **shape, **bias)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        x = channels_last(inputs[0], types[0].layout)
        operands = [x, *inputs[1:]]
        out = np.empty(self._output_shape(x, inputs[1]), output.dtype)
        for index in itertools.product(*map(range, out.shape)):
            acc = self._sum(types, arithmetic, operands, index)  # type: ignore[arg-type]
            out[index] = arithmetic["output"](acc, channel=index[3])
        return from_channels_last(out, types[0].layout)

    def accumulator(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> int:
        """The accumulator, bias included, at one output index in x's layout."""
        n, b, c, d = index
        place = (n, c, d, b) if types[0].layout == "NCHW" else (n, b, c, d)
        return self._sum(types, arithmetic, [channels_last(inputs[0], types[0].layout), *inputs[1:]], place)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        half = Step(output_double, {"multiplier": 1 << 30, "shift": 0, "zero_point": 1, "low": -128, "high": 127})
        x = TensorType((1, 1, 3, 3), "int8", "NCHW", QuantParams(1.0, 1))
        w = TensorType((1, 1, 2, 2), "int8", "", QuantParams(1.0))
        yield Case(
            "2x2 over 3x3, zero point 1, times one half, ties away from zero",
            cls(),
            (x, w, TensorType((1,), "int32", "", QuantParams(1.0, dtype="int32"))),
            ([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 0], [0, -1]], [1]),
            codes((1, 1, 2, 2), "NCHW", zero_point=1),
            # x - 1 = 0..8; acc = x[i] - x[i + 4] + 1 = -3; -3 / 2 = -1.5: high multiply, half up, gives -1; + 1
            [[0, 0], [0, 0]],
            {"output": half},
            constants=(1, 2),
        )
        yield Case(
            "two groups, padding on the left, stride 2",
            cls(strides=(1, 2), pads=(0, 1, 0, 0), group=2),
            (
                TensorType((1, 1, 2, 2), "int8", "NHWC", QuantParams(1.0, -1)),
                TensorType((2, 1, 1, 2), "int8", "", QuantParams(1.0)),
            ),
            ([[[9, 19], [29, 39]]], [[[3, 5]], [[7, -2]]]),
            codes((1, 1, 1, 2), "NHWC"),
            # windows (pad, x0): channel 0: 10 * 5 = 50; channel 1: 20 * -2 = -40; halved
            [25, -20],
            {"output": Step(output_double, {**half.parameters, "zero_point": 0})},
            constants=(1,),
        )

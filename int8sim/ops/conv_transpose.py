"""2-D transposed convolution: every input cell adds x * w to a window of outputs. Caffe Deconvolution.

y[o, i * stride - pad + u * dilation] gets x[c, i] * w[c, o, u], by rows and by columns. In float32 each output is one
chain of FMAs in the order (in-channel, kernel row, kernel column), the bias added last. In integers the accumulator is
that of conv2d.py; lowering leaves the op in float32, importers read its integer form. ONNX ConvTranspose, TensorFlow
Lite's TRANSPOSE_CONV.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.accumulation import accumulate
from int8sim.ops.base import Case, Op, Scales, channels_last, codes, expect, from_channels_last, image, spatial
from int8sim.profiles.base import Scheme
from int8sim.spec.float32 import float32, fma
from int8sim.spec.requantize import output_double

ONE = QuantParams(1.0, dtype="int32")


@dataclass(frozen=True)
class ConvTranspose(Op):
    """Inputs: x, 4-D; w [C, O / group, kh, kw]; optional bias [O]. Output: as x, O channels.

    strides, dilations: (height, width). pads: top, left, bottom, right, cut from the output; below 0 at the bottom and
    right, cells that no window reaches. group: channels are split into so many parts.
    """

    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    group: int = 1

    name: ClassVar[str] = "conv_transpose"
    kind: ClassVar[str] = "conv_transpose"
    only_imported: ClassVar[bool] = True

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        x, w = inputs[0], inputs[1]
        n, height, width, channels = spatial(x)
        expect(len(w.shape) == 4, f"weight is {w}; [C, O / group, kh, kw] is needed")
        expect(min(*self.strides, *self.dilations) > 0, "strides and dilations must be positive")
        expect(min(self.pads[:2]) >= 0, f"pads {self.pads} must not be negative at the top and left")
        split = self.group > 0 and channels % self.group == 0
        expect(split, f"{channels} channels do not split into {self.group} groups")
        expect(w.shape[0] == channels, f"x has {channels} channels, the weight expects {w.shape[0]}")
        if len(inputs) > 2:
            expect(inputs[2].shape == (w.shape[1] * self.group,), f"bias is {inputs[2]}; one per output is needed")
        size = self.output_size((height, width), w.shape)
        expect(min(size) > 0, f"pads {self.pads} cut away the whole output")
        return image(x, n, *size, w.shape[1] * self.group)

    def output_size(self, size: tuple[int, int], weight_shape: tuple[int, ...]) -> tuple[int, int]:
        """Height and width of the output."""
        found = [
            self.strides[axis] * (size[axis] - 1)
            + self.dilations[axis] * (weight_shape[axis + 2] - 1)
            + 1
            - self.pads[axis]
            - self.pads[axis + 2]
            for axis in (0, 1)
        ]
        return found[0], found[1]

    def _empty(self, x: Array, w: Array, dtype: str) -> Array:
        size = self.output_size((x.shape[1], x.shape[2]), w.shape)
        return np.empty((x.shape[0], *size, w.shape[1] * self.group), dtype)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        x, w = channels_last(inputs[0], types[0].layout), inputs[1]
        out = self._empty(x, w, "float32")
        for index in np.ndindex(*out.shape):
            acc = 0.0
            for a, b in self._taps(x, w, index):
                acc = fma(a, b, acc)
            out[index] = float32(acc + inputs[2][index[3]].item()) if len(inputs) > 2 else acc
        return from_channels_last(out, types[0].layout)

    def _taps(self, x: Array, w: Array, index: tuple[int, ...]) -> Iterator[tuple[float, float]]:
        """(x, w) that add up to one output element, x in NHWC, in the order of accumulation."""
        n, oy, ox, o = index
        group, place = divmod(o, w.shape[1])
        per_group = x.shape[3] // self.group
        for c in range(group * per_group, (group + 1) * per_group):
            for u, y in self._cells(oy, x.shape[1], w.shape[2], 0):
                for v, z in self._cells(ox, x.shape[2], w.shape[3], 1):
                    yield x[n, y, z, c].item(), w[c, place, u, v].item()

    def _cells(self, position: int, size: int, kernel: int, axis: int) -> Iterator[tuple[int, int]]:
        """(kernel row, input row) that reach an output row, or the same for columns."""
        for u in range(kernel):
            cell, rest = divmod(position + self.pads[axis] - u * self.dilations[axis], self.strides[axis])
            if rest == 0 and 0 <= cell < size:
                yield u, cell

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        x, w = channels_last(inputs[0], types[0].layout), inputs[1]
        out = self._empty(x, w, output.dtype)
        for index in np.ndindex(*out.shape):
            acc = self._sum(types, arithmetic, [x, *inputs[1:]], index)
            out[index] = arithmetic["output"](acc, channel=index[3])
        return from_channels_last(out, types[0].layout)

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        (x, w), channels = scales.inputs[:2], scales.types[1].shape[1] * self.group
        bounds = {"low": scales.low, "high": scales.high}
        return scheme.steps(x=x, w=w, y=scales.output, channels=channels, beyond=min(self.pads) < 0, **bounds)

    def _sum(
        self, types: Sequence[TensorType], steps: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> int:
        pairs = [(int(a), int(b)) for a, b in self._taps(inputs[0], inputs[1], index)]
        bias = int(inputs[2][index[3]]) if len(inputs) > 2 else 0
        return accumulate(steps, types[:1], pairs, types[1].quantized.tensor_zero_point, bias, index[3])

    def accumulator(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> int:
        """The accumulator, bias included, at one output index in x's layout."""
        n, b, c, d = index
        place = (n, c, d, b) if types[0].layout == "NCHW" else (n, b, c, d)
        return self._sum(types, arithmetic, [channels_last(inputs[0], types[0].layout), *inputs[1:]], place)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        yield Case(
            "two cells, stride 2, windows of 3 that overlap by one",
            cls(strides=(1, 2)),
            (TensorType((1, 1, 1, 2), "float32", "NCHW"), TensorType((1, 1, 1, 3)), TensorType((1,))),
            ([1.0, 10.0], [1.0, 2.0, 3.0], [0.5]),
            TensorType((1, 1, 1, 5), "float32", "NCHW"),
            # 1 2 3 0 0 and 0 0 10 20 30
            [1.5, 2.5, 13.5, 20.5, 30.5],
            constants=(1, 2),
        )
        yield Case(
            "two groups, the first column cut",
            cls(pads=(0, 1, 0, 0), group=2),
            (TensorType((1, 1, 1, 2), "float32", "NHWC"), TensorType((2, 1, 1, 2))),
            ([3.0, 5.0], [7.0, 2.0, 7.0, 4.0]),
            TensorType((1, 1, 1, 2), "float32", "NHWC"),
            [6.0, 20.0],
            constants=(1,),
        )
        half = {"multiplier": 1 << 30, "shift": 0, "zero_point": 0, "low": -128, "high": 127}
        yield Case(
            "codes, stride 2, windows of 3 that overlap by one, halved",
            cls(strides=(1, 2)),
            (codes((1, 1, 2, 1), "NHWC", zero_point=-1), codes((1, 1, 1, 3)), TensorType((1,), "int32", "", ONE)),
            ([3, 19], [2, 4, 6], [2]),
            codes((1, 1, 5, 1), "NHWC"),
            # 4 * 2 4 6 and, from the third on, 20 * 2 4 6; + 2
            [5, 9, 33, 41, 61],
            {"output": Step(output_double, half)},
            constants=(1, 2),
        )

"""Average over each window: `finish(total, count)` of `step(total, x)` over its cells in raster order.

Without count_include_pad only cells inside the input count; with it the padding counts too, as code zero point.
ONNX AveragePool. In float32 the sum is sequential and is divided by the count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.ops.base import (
    Case,
    Op,
    Operands,
    Scales,
    channels_last,
    codes,
    expect,
    from_channels_last,
    image,
    spatial,
)
from int8sim.ops.window import Window
from int8sim.profiles.base import Scheme
from int8sim.spec.float32 import float32
from int8sim.spec.pooling import average_half_away, sum_codes


def running_total(step: Step, cells: Sequence[int]) -> Any:
    """The total of codes, in order."""
    total: Any = 0
    for code in cells:
        total = step(total, code)
    return total


@dataclass(frozen=True)
class AveragePool(Op):
    """Input: x, 4-D. Attributes as ONNX names them."""

    kernel_shape: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    ceil_mode: bool = False
    count_include_pad: bool = False

    name: ClassVar[str] = "average_pool"
    kind: ClassVar[str] = "average_pool"

    def window(self) -> Window:
        """The window."""
        return Window(self.kernel_shape, self.strides, (1, 1), self.pads, self.ceil_mode)

    def infer(self, inputs: Sequence[TensorType]) -> TensorType:
        n, height, width, channels = spatial(inputs[0])
        for axis in (0, 1):
            pads = self.pads[axis], self.pads[axis + 2]
            expect(max(pads) < self.kernel_shape[axis], f"pads {self.pads} reach beyond the window {self.kernel_shape}")
        return image(inputs[0], n, *self.window().output_size(height, width), channels)

    def count(self, oy: int, ox: int, height: int, width: int) -> int:
        """By how many cells the total of one window is divided: those inside, or those inside the padded input."""
        if not self.count_include_pad:
            return sum(1 for _ in self.window().cells(oy, ox, height, width))
        top, left, bottom, right = self.pads
        y, x = oy * self.strides[0] - top, ox * self.strides[1] - left
        rows = min(y + self.kernel_shape[0], height + bottom) - y
        return rows * (min(x + self.kernel_shape[1], width + right) - x)

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array:
        def average(cells: list[float], count: int, _: int) -> float:
            total = 0.0
            for value in cells:
                total = float32(total + value)
            return float32(total / float32(count))

        return self._over_windows(types[0], inputs[0], np.dtype(np.float32), average, 0.0)

    def _over_windows(self, kind: TensorType, array: Array, dtype: Any, average: Any, padding: float) -> Array:
        x = channels_last(array, kind.layout)
        out = np.empty((x.shape[0], *self.window().output_size(x.shape[1], x.shape[2]), x.shape[3]), dtype)
        for n, oy, ox, c in np.ndindex(*out.shape):
            out[n, oy, ox, c] = average(*self._window(x[n, :, :, c], oy, ox, padding), c)
        return from_channels_last(out, kind.layout)

    def _window(self, plane: Array, oy: int, ox: int, padding: float) -> tuple[list[Any], int]:
        """The values of one window over [height, width], counted padding last, and by how many they are divided."""
        cells = [plane[row, column].item() for _, _, row, column in self.window().cells(oy, ox, *plane.shape)]
        count = self.count(oy, ox, *plane.shape)
        return cells + [padding] * (count - len(cells)), count

    def arithmetic(self, scheme: Scheme, scales: Scales) -> Arithmetic:
        x, y = scales.inputs[0], scales.output
        bounds = {"low": scales.low, "high": scales.high}
        return scheme.steps(x=x, y=y, window=self.kernel_shape, channels=spatial(scales.types[0])[3], **bounds)

    def reference(
        self, types: Sequence[TensorType], output: TensorType, arithmetic: Arithmetic, inputs: Sequence[Array]
    ) -> Array:
        def average(cells: list[int], count: int, channel: int) -> int:
            return int(arithmetic["finish"](running_total(arithmetic["step"], cells), count, channel=channel))

        padding = types[0].quantized.tensor_zero_point
        return self._over_windows(types[0], inputs[0], output.dtype, average, padding)

    def operands_at(
        self, types: Sequence[TensorType], arithmetic: Arithmetic, inputs: Sequence[Array], index: tuple[int, ...]
    ) -> Operands:
        n, a, b, d = index
        x, (oy, ox, c) = (
            channels_last(inputs[0], types[0].layout),
            (b, d, a) if types[0].layout == "NCHW" else (a, b, d),
        )
        cells, count = self._window(x[n, :, :, c], oy, ox, types[0].quantized.tensor_zero_point)
        return "finish", (running_total(arithmetic["step"], cells), count)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        steps = {"step": Step(sum_codes, {}), "finish": Step(average_half_away, {"low": -128, "high": 127})}
        yield Case(
            "2x2 over 2x3, ties away from zero",
            cls((2, 2)),
            (codes((1, 1, 2, 3), "NCHW"),),
            ([[1, 2, -8], [3, 4, -4]],),
            codes((1, 1, 1, 2), "NCHW"),
            # 10 / 4 = 2.5; -6 / 4 = -1.5
            [[3, -2]],
            steps,
        )
        yield Case(
            "padding does not count",
            cls((2, 2), pads=(1, 1, 0, 0)),
            (codes((1, 1, 1, 1), "NCHW"),),
            ([7],),
            codes((1, 1, 1, 1), "NCHW"),
            [7],
            steps,
        )

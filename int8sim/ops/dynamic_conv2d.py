"""2-D convolution of codes that x gets from its own range; padding is real zero.

ONNX ConvInteger between DynamicQuantizeLinear and Mul.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from int8sim.model.tensor import TensorType
from int8sim.ops.base import Case
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.dynamic import Dynamic


@dataclass(frozen=True)
class DynamicConv2d(Dynamic):
    """As Dynamic; attributes as Conv2d's."""

    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilations: tuple[int, int] = (1, 1)
    group: int = 1
    whole: bool = False

    name: ClassVar[str] = "dynamic_conv2d"

    def product(self) -> Conv2d:
        return Conv2d(self.strides, self.pads, self.dilations, self.group)

    @classmethod
    def cases(cls) -> Iterator[Case]:
        x, one = TensorType((1, 1, 1, 3), "float32", "NCHW"), TensorType((1,))
        # the range is -1 .. 1.55, so Sx = 0.01 and the zero point 100; codes less 100 are -100 0 155, w - 1 is 1 -3
        # with one zero in front: 300; -100; -465; times 0.01 * 2
        yield Case(
            "a row, padded on the left",
            cls(pads=(0, 1, 0, 0)),
            (x, TensorType((1, 1, 1, 2)), one, one),
            ([-1.0, 0.0, 1.55], [2.0, -2.0], [2.0], [1.0]),
            TensorType((1, 1, 1, 3), "float32", "NCHW"),
            [6.0, -2.0, -9.300000190734863],
            constants=(1, 2, 3),
        )

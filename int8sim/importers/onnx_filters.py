"""What the cells of a line weigh in an output cell of ONNX's Resize, in the modes linear and cubic.

Computed in binary64 and rounded to float32 once. Source: onnx/onnx:docs/Operators.md, Resize; cubic: R. Keys, "Cubic
Convolution Interpolation for Digital Image Processing", 1981, eq. 4.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from int8sim.ops.resize_weighted import Taps
from int8sim.spec.float32 import float32

REACH = 2
"""No filter reaches further."""


@dataclass(frozen=True)
class Filter:
    """weight: of a cell by its distance, in cells; from REACH on 0. antialias: it is spread where the image shrinks.

    exclude_outside: cells beyond the image do not count; else they are as its edge.
    """

    weight: Callable[[float], float]
    antialias: bool = False
    exclude_outside: bool = False


def linear(distance: float) -> float:
    """The weight of a cell in linear interpolation."""
    return max(1.0 - abs(distance), 0.0)


def cubic(a: float, distance: float) -> float:
    """The weight of a cell in cubic interpolation. a: ONNX's cubic_coeff_a, -1 .. 0."""
    d = abs(distance)
    if d < 1.0:
        return (1.0 - d) * (1.0 + d - (a + 2.0) * d * d)
    return a * (d - 1.0) * (2.0 - d) ** 2 if d < REACH else 0.0


def taps(position: float, size: int, scale: float, kernel: Filter) -> Taps:
    """The cells around a position in a line of `size` cells, which lies in a cell, and their weights, of sum 1.

    scale: of the image, from input to output.
    """
    spread, found = min(scale, 1.0) if kernel.antialias else 1.0, dict[int, float]()
    reach = REACH / spread
    for cell in range(math.ceil(position - reach), math.floor(position + reach) + 1):
        inside = min(max(cell, 0), size - 1)
        if inside == cell or not kernel.exclude_outside:
            found[inside] = found.get(inside, 0.0) + kernel.weight((cell - position) * spread)
    counted, total = [cell for cell, weight in found.items() if weight], sum(found.values())
    return counted[0], tuple(float32(found[cell] / total) for cell in range(counted[0], counted[-1] + 1))

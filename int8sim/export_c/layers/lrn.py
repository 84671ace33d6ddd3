"""Local response normalization in float32."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Site
from int8sim.export_c.layers.window import Sizes
from int8sim.kernels.storage import stored_axes
from int8sim.model.step import Array
from int8sim.ops.lrn import Lrn
from int8sim.spec.float32 import float32, fma, power


def lrn(site: Site) -> list[Call]:
    """Over channels, or over the cells around."""
    op, kind = site.layer.op, site.types[0]
    assert isinstance(op, Lrn)
    size = tuple(kind.shape[axis] for axis in stored_axes(kind)[1:])
    numbers = np.float32(op.factor), np.float32(op.k), np.float32(-op.beta)
    return [Call(normalize, (*site.inputs(), size, op.reach, *numbers, site.out()))]


def normalize(x: Array, size: Sizes, reach: Sizes, factor: float, k: float, exponent: float, out: Array) -> None:
    """size: height, width, channels. reach: to each side of them."""
    height, width, channels = size
    for place in range(height * width * channels):
        y, z, c = place // channels // width, place // channels % width, place % channels
        total: Any = np.float32(0.0)
        for row in range(max(y - reach[0], 0), min(y + reach[0] + 1, height)):
            for column in range(max(z - reach[1], 0), min(z + reach[1] + 1, width)):
                for channel in range(max(c - reach[2], 0), min(c + reach[2] + 1, channels)):
                    value = x[(row * width + column) * channels + channel]
                    total = fma(value, value, total)
        out[place] = float32(x[place] * power(fma(total, factor, k), exponent))

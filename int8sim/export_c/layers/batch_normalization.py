"""Batch normalization in float32: fma(x, a, b) by channel."""

from __future__ import annotations

import numpy as np

from int8sim.export_c.call import Call, Site
from int8sim.model.step import Array
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.spec.float32 import fma


def batch_normalization(site: Site) -> list[Call]:
    """Channels lie last."""
    op, given = site.layer.op, [site.constant(place) for place in range(1, 5)]
    assert isinstance(op, BatchNormalization)
    a, b = op.constants(*(np.asarray(each) for each in given))
    return [Call(scale_channels, (*site.inputs(), a.copy(), b.copy(), site.out(), site.out().count, len(a)))]


def scale_channels(x: Array, a: Array, b: Array, out: Array, count: int, channels: int) -> None:
    """a, b: [channels]."""
    for i in range(count // channels):
        for c in range(channels):
            out[i * channels + c] = fma(x[i * channels + c], a[c], b[c])

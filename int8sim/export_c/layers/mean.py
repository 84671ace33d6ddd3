"""Means over some axes, and normalization by mean and variance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Room, Site
from int8sim.export_c.layers.move import copy, places
from int8sim.export_c.layers.pool import averages
from int8sim.kernels.cpu.reduce_mean import by_rows
from int8sim.kernels.storage import own_layout, stored_axes
from int8sim.model.step import Array
from int8sim.ops.normalize import Normalize
from int8sim.ops.reduce_mean import ReduceMean
from int8sim.spec.float32 import float32, fma, power


def reduce_mean(site: Site) -> list[Call]:
    """An average pool of these axes in a column, the others side by side as the output stores them."""
    op, kind = site.layer.op, site.types[0]
    assert isinstance(op, ReduceMean)
    order = stored_axes(kind) if site.output.layout else range(len(kind.shape))
    others = [axis for axis in order if axis not in op.axes]
    moved = own_layout(places(kind), kind).transpose(*op.axes, *others)
    count = math.prod(kind.shape[axis] for axis in op.axes)
    column, call = _moved(site, site.inputs()[0], "column", moved)
    return [call, averages(site, column, (count, 1, column.count // count, 1, 1), (count, 1, 1, 1, 0, 0, 0, 0, 0))]


def normalize(site: Site) -> list[Call]:
    """In float32, the axes as rows, and back."""
    op, kind = site.layer.op, site.types[0]
    assert isinstance(op, Normalize)
    factors = [by_rows(np.broadcast_to(np.asarray(site.constant(i)), kind.shape), op.axes) for i in (1, 2)]
    cells = by_rows(own_layout(places(kind), kind), op.axes)
    given, call = _moved(site, site.inputs()[0], "rows", cells)
    found = site.own("normal", "float32", cells.size)
    numbers = np.float32(op.epsilon), *cells.shape
    flat = [np.ascontiguousarray(each, np.float32) for each in factors]
    return [
        call,
        Call(normalize_rows, (given, *flat, *numbers, found)),
        copy(found, site.out(), np.argsort(cells.reshape(-1)), 0),
    ]


def _moved(site: Site, x: Room, what: str, sources: Array) -> tuple[Room, Call]:
    out = site.own(what, x.dtype, sources.size)
    return out, copy(x, out, sources, 0)


def normalize_rows(x: Array, gamma: Array, beta: Array, epsilon: float, rows: int, count: int, out: Array) -> None:
    """Each array: [rows, count]."""
    for i in range(rows):
        middle: Any = np.float32(0.0)
        for j in range(count):
            middle = float32(middle + x[i * count + j])
        middle = float32(middle / float32(count))
        total: Any = np.float32(0.0)
        for j in range(count):
            out[i * count + j] = float32(x[i * count + j] - middle)
            total = fma(out[i * count + j], out[i * count + j], total)
        r = power(float32(float32(total / float32(count)) + epsilon), -0.5)
        for j in range(i * count, (i + 1) * count):
            out[j] = fma(float32(out[j] * r), gamma[j], beta[j])

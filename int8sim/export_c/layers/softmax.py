"""Softmax along any axis. A share is computed twice, and no room is needed for a row of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Site
from int8sim.kernels.roles import Parameters, exponential, quotient, total
from int8sim.kernels.storage import stored_axes, stored_axis
from int8sim.model.step import Array
from int8sim.ops.softmax import Softmax
from int8sim.spec.float32 import exp, float32

Sizes = tuple[int, ...]


def softmax(site: Site) -> list[Call]:
    """By the layer's steps, or in float32."""
    op, (x,), out, kind = site.layer.op, site.inputs(), site.out(), site.types[0]
    assert isinstance(op, Softmax)
    axis, stored = stored_axis(kind, op.axis), [kind.shape[each] for each in stored_axes(kind)]
    length, inner = stored[axis], int(np.prod(stored[axis + 1 :], dtype=int))
    size = x.count // length // inner, length, inner
    if site.layer.arithmetic is None:
        return [Call(softmax_real, (x, out, size))]
    bound, values = site.bind(exponential="exponential", total="total", quotient="quotient")
    return [Call(softmax_codes, (x, *values, out, size), bound)]


def softmax_codes(x: Array, q: Parameters, r: Parameters, s: Parameters, out: Array, size: Sizes) -> None:
    """size: rows, and how many values each has, how far apart."""
    outer, length, inner = size
    for row in range(outer * inner):
        first = row // inner * length * inner + row % inner
        greatest = np.int64(x[first])
        for j in range(1, length):
            greatest = max(greatest, np.int64(x[first + j * inner]))
        acc = total(0, exponential(np.int64(x[first]) - greatest, q, 0), r, 0)
        for j in range(1, length):
            acc = total(acc, exponential(np.int64(x[first + j * inner]) - greatest, q, 0), r, 0)
        for j in range(length):
            share = exponential(np.int64(x[first + j * inner]) - greatest, q, 0)
            out[first + j * inner] = quotient(share, acc, s, 0)


def softmax_real(x: Array, out: Array, size: Sizes) -> None:
    """float32."""
    outer, length, inner = size
    for row in range(outer * inner):
        first = row // inner * length * inner + row % inner
        greatest = x[first]
        for j in range(1, length):
            greatest = max(greatest, x[first + j * inner])
        acc: Any = np.float32(0.0)
        for j in range(length):
            out[first + j * inner] = exp(float32(x[first + j * inner] - greatest))
        for j in range(length):
            acc = float32(acc + out[first + j * inner])
        for j in range(length):
            out[first + j * inner] = float32(out[first + j * inner] / acc)

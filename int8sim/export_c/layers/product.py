"""Products of two activations."""

from __future__ import annotations

import numpy as np

from int8sim.export_c.call import Call, Site
from int8sim.export_c.layers.chain import product_of_reals
from int8sim.export_c.layers.move import arranged
from int8sim.export_c.layers.sequence import product_of_order
from int8sim.export_c.layers.sums import summing
from int8sim.export_c.layers.window import Sizes
from int8sim.kernels.bounds import accumulates_in_sequence
from int8sim.kernels.roles import Parameters, accumulate, output
from int8sim.model.accumulation import is_wide
from int8sim.model.step import Array


def matmul(site: Site) -> list[Call]:
    """Matrices side by side, as many of a as of b."""
    a, b = site.types
    leading = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    left, moved = arranged(site, 0, (*leading, *a.shape[-2:]))
    right, more = arranged(site, 1, (*leading, *b.shape[-2:]))
    size = int(np.prod(leading)), *a.shape[-2:], b.shape[-1]
    if site.layer.arithmetic is None:
        return [*moved, *more, product_of_reals(site, left, right, size)]
    if accumulates_in_sequence(site.types, {}, site.arithmetic):
        return [*moved, *more, product_of_order(site, left, right, size)]
    bound, (numbers,) = site.bind(output="output")
    zeros = a.quantized.tensor_zero_point, b.quantized.tensor_zero_point
    call = Call(product, (left, right, numbers, site.out(), size, zeros), (*bound, *summing(is_wide(a, b))))
    return [*moved, *more, call]


def product(a: Array, b: Array, p: Parameters, out: Array, size: Sizes, zeros: tuple[int, int]) -> None:
    """a: [count, rows, depth]. b: [count, depth, columns]."""
    count, rows, depth, columns = size
    for i in range(count * rows):
        for column in range(columns):
            acc = accumulate(np.int64(0), np.int64(0), (0,), 0)
            for k in range(depth):
                left = np.int64(a[i * depth + k]) - zeros[0]
                right = np.int64(b[(i // rows * depth + k) * columns + column]) - zeros[1]
                acc = accumulate(acc, left * right, (0,), 0)
            out[i * columns + column] = output(np.int64(acc), p, column)

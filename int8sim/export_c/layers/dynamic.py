"""Products of codes that x gets from its own range: codes, exact sums, and real values of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from int8sim.export_c.call import Call, Site, room
from int8sim.export_c.layers.convolution import convolution, fully_connected
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.kernels.dynamic import SUM, sum_types
from int8sim.kernels.storage import stored_layout
from int8sim.model.step import Array
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.dynamic import Dynamic
from int8sim.spec.affine import quantize_half_even
from int8sim.spec.dynamic import dynamic_is_defined, dynamic_scale, dynamic_zero_point


def dynamic(site: Site) -> list[Call]:
    """Of dynamic_conv2d and dynamic_fully_connected. The zero point is taken off behind, times the sums of ones."""
    sums = _sums(site)
    (codes,), (weight, out) = sums.inputs, (sums.layers[0].inputs[1], site.out())
    inner, numbers = Site(sums, sums.layers[0]), site.own("range", "float32", 2)
    ones = run(sums, {codes: np.ones((1, *sums.tensors[codes].shape[1:]), np.uint8)})[sums.outputs[0]]
    given = room(sums, codes)
    plan = convolution if isinstance(sums.layers[0].op, Conv2d) else fully_connected
    scales = np.broadcast_to(np.asarray(site.constant(2), np.float32), len(sums.constants[weight])).copy()
    behind = np.ascontiguousarray(stored_layout(ones, sums.tensors[sums.outputs[0]]))
    return [
        Call(codes_of_reals, (*site.inputs(), given.count, numbers, given)),
        *plan(inner),
        Call(reals_of_sums, (inner.out(), behind, scales, len(scales), numbers, out, out.count)),
    ]


def _sums(site: Site) -> Graph:
    """The integer part as a graph of its own, for codes without a zero point."""
    op, (weight, _, zeros) = site.layer.op, (np.asarray(site.constant(place)) for place in (1, 2, 3))
    assert isinstance(op, Dynamic)
    names = [f"{site.layer.output}.{each}" for each in ("codes", "weight", "sums")]
    types = sum_types(replace(site.types[0], shape=(1, *site.types[0].shape[1:])), site.output, weight, zeros, 0)
    layer = Layer(site.layer.name, op.product(), (names[0], names[1]), names[2], SUM)
    constants = {names[1]: weight.astype(types[1].dtype)}
    return Graph((layer,), dict(zip(names, types, strict=True)), constants, (names[0],), (names[2],))


def codes_of_reals(x: Array, count: int, numbers: Array, out: Array) -> int:
    """uint8. numbers: scale and zero point. Gives 1 where the values have none, otherwise 0."""
    low: Any = np.float32(0.0)
    high: Any = np.float32(0.0)
    number = True
    for i in range(count):
        value = x[i]
        low, high = value if value < low else low, value if value > high else high
        number = number and value == value
    if not (number and dynamic_is_defined(low, high)):
        return 1
    scale: Any = np.float32(dynamic_scale(low, high))
    zero_point = dynamic_zero_point(low, scale)
    numbers[0], numbers[1] = scale, zero_point
    for i in range(count):
        out[i] = quantize_half_even(x[i], scale, zero_point, 0, 255)
    return 0


def reals_of_sums(x: Array, ones: Array, scales: Array, channels: int, numbers: Array, out: Array, count: int) -> None:
    """x: int32 sums of codes; ones: those of ones. scales: [channels]."""
    for i in range(count):
        total: Any = np.int32(x[i] - np.int64(numbers[1]) * np.int64(ones[i]))
        out[i] = np.float32(np.float32(total) * np.float32(numbers[0] * scales[i % channels]))

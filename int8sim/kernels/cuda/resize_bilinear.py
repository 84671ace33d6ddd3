"""Bilinear resizing by the layer's weigh and output, or in float32: four cells a place."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numba import cuda

from int8sim.kernels.compile import bind
from int8sim.kernels.cpu.resize_bilinear import Bilinear, packed
from int8sim.kernels.cuda.build import Kernel, build
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters, place
from int8sim.kernels.cuda.places import cell, located
from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.roles import Parameters, output, weigh
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32


def prepare(
    op: Bilinear,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del constants
    places, dtype = tuple(map(place, (*packed(op.rows), *packed(op.columns)))), stored_dtype(output_type)
    if arithmetic is None:
        return _over_places(build(resize_real), places, dtype, ())
    bound = {role: bind(arithmetic[role]) for role in ("weigh", "output")}
    kernel = build(resize_codes, {role: built for role, (built, _) in bound.items()})
    last = flip(inputs[0]), *(parameters(bound[role][1]) for role in bound)
    return _over_places(kernel, places, dtype, last)


def _over_places(
    kernel: Kernel, places: tuple[DeviceArray, ...], dtype: str, last: tuple[Any, ...]
) -> Callable[[DeviceArray], DeviceArray]:
    def call(stored: DeviceArray) -> DeviceArray:
        out = empty((stored.shape[0], places[0].shape[0], places[2].shape[0], stored.shape[3]), dtype)
        kernel.launch_each(out.size, stored.reshape(-1), stored.shape[1:], *places, out.reshape(-1), *last)
        return out

    return call


def resize_codes(
    x: Any,
    size: tuple[int, int, int],
    rows: Any,
    down: Any,
    columns: Any,
    across: Any,
    out: Any,
    flipped: int,
    q: Parameters,
    p: Parameters,
) -> None:
    """x, out: flat stored codes, flipped alike. size: of x, height, width, channels.

    rows, columns: cells, int64 [places, 2]; down, across: their weights, float32.
    """
    i = cuda.grid(1)
    if i < out.shape[0]:
        n, oy, ox, c = located(i, rows.shape[0], columns.shape[0], size[2])
        total = float32(0.0)
        for k in range(2):
            for m in range(2):
                code = as_int(x[cell(n, as_int(rows[oy, k]), as_int(columns[ox, m]), c, size)]) - flipped
                total = weigh(total, code, as_real(down[oy, k]), as_real(across[ox, m]), q, c)
        out[i] = output(total, p, c) + flipped


def resize_real(x: Any, size: tuple[int, int, int], rows: Any, down: Any, columns: Any, across: Any, out: Any) -> None:
    """The same in float32."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        n, oy, ox, c = located(i, rows.shape[0], columns.shape[0], size[2])
        total = float32(0.0)
        for k in range(2):
            for m in range(2):
                value = as_real(x[cell(n, as_int(rows[oy, k]), as_int(columns[ox, m]), c, size)])
                weight = float32(as_real(across[ox, m]) * as_real(down[oy, k]))
                total = float32(total + float32(weight * value))
        out[i] = total

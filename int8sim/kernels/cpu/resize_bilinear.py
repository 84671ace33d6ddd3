"""Bilinear resizing by the layer's weigh and output, or in float32: four cells a place, its channels side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.compile import bind, build
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.primitives import wide_vectors
from int8sim.kernels.roles import Parameters, output, weigh
from int8sim.kernels.storage import flip, stored_dtype
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32

Pairs = Sequence[tuple[int, int, float, float]]


class Bilinear(Protocol):
    """The attributes that the kernel reads."""

    @property
    def rows(self) -> Pairs: ...
    @property
    def columns(self) -> Pairs: ...


def prepare(
    op: Bilinear,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del constants
    places, dtype = (*packed(op.rows), *packed(op.columns)), stored_dtype(output_type)
    if arithmetic is None:
        return _over_places(build(resize_real), places, dtype, ())
    bound = {role: bind(arithmetic[role]) for role in ("weigh", "output")}
    kernel = build(resize_codes, {role: built for role, (built, _) in bound.items()})
    return _over_places(kernel, places, dtype, (flip(inputs[0]), bound["weigh"][1], bound["output"][1]))


def _over_places(
    kernel: Callable[..., None], places: tuple[Array, ...], dtype: str, last: tuple[Any, ...]
) -> Callable[[Array], Array]:
    def call(stored: Array) -> Array:
        out: Array = empty((stored.shape[0], len(places[0]), len(places[2]), stored.shape[3]), dtype)
        kernel(stored, *places, out, *last)
        return out

    return KernelsOnly(call)


def packed(pairs: Pairs) -> tuple[Array, Array]:
    """Cells int64 and weights float32, [places, 2] each."""
    cells, weights = [pair[:2] for pair in pairs], [pair[2:] for pair in pairs]
    return np.array(cells, np.int64), np.array(weights, np.float32)


def resize_codes(
    x: Array,
    rows: Array,
    down: Array,
    columns: Array,
    across: Array,
    out: Array,
    flipped: int,
    q: Parameters,
    p: Parameters,
) -> None:
    """Stored codes [N, H, W, C]. rows, columns: cells; down, across: their weights. flipped: of x and out."""
    wide_vectors()
    for n in range(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                place = out[n, i, j]
                for c in range(np.uint64(out.shape[3])):
                    total = float32(0.0)
                    for k in range(2):
                        for m in range(2):
                            code = np.int64(x[n, rows[i, k], columns[j, m], c]) - flipped
                            total = weigh(total, code, down[i, k], across[j, m], q, c)
                    place[c] = output(total, p, c) + flipped


def resize_real(x: Array, rows: Array, down: Array, columns: Array, across: Array, out: Array) -> None:
    """The same in float32."""
    wide_vectors()
    for n in range(out.shape[0]):
        for i in range(out.shape[1]):
            for j in range(out.shape[2]):
                for c in range(np.uint64(out.shape[3])):
                    total = float32(0.0)
                    for k in range(2):
                        for m in range(2):
                            weight = float32(across[j, m] * down[i, k])
                            total = float32(total + float32(weight * x[n, rows[i, k], columns[j, m], c]))
                    out[n, i, j, c] = total

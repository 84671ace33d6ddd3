"""A product of two int8 matrices by one of the two instructions: what the tiles of a convolution do, and nothing else.

For measuring, and for checking them against other libraries' products.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from int8sim.kernels.compile import bind
from int8sim.kernels.cuda.device import DeviceArray, empty, parameters, place
from int8sim.kernels.cuda.mma_tile import CHUNK
from int8sim.kernels.cuda.products import INSTRUCTIONS, Dp4a, Mma
from int8sim.kernels.cuda.windows import lines, taps, window
from int8sim.kernels.geometry import PIXELWISE, Geometry
from int8sim.model.errors import InputMismatchError, UnknownNameError
from int8sim.model.step import Array, Step
from int8sim.spec.integers import wrap

SUM = Step(wrap, {"bits": 32})
"""The accumulator itself."""


class Packed(NamedTuple):
    """The second matrix, as a tile reads it. depth, columns: its sizes. bias: zeros, int32 [columns]."""

    product: Dp4a | Mma
    depth: int
    columns: int
    taps: DeviceArray
    bias: DeviceArray


def pack(b: Array, instruction: str) -> Packed:
    """int8 [K, N] as an instruction takes it; mma: K by 16 divisible. Raises UnknownNameError, InputMismatchError."""
    if instruction not in INSTRUCTIONS:
        raise UnknownNameError("dot product of cuda", instruction, INSTRUCTIONS)
    depth, columns = b.shape
    if b.dtype != np.int8 or (instruction == "mma" and depth % CHUNK):
        raise InputMismatchError(
            "b", f"{b.dtype.name} {list(b.shape)}", f"int8 [K, N], K a multiple of {CHUNK} for mma"
        )
    bytewise, copies = lines(np.ascontiguousarray(b.T, np.int64)[:, :, None, None])
    shape = _row(depth)
    product = (Mma if instruction == "mma" else Dp4a)(bytewise, shape, SUM)
    table = place(taps(shape, (1, 1, 1, depth), copies, product.grain))
    return Packed(product, depth, columns, table, place(np.zeros(columns, np.int32)))


def multiply(a: DeviceArray, b: Packed) -> DeviceArray:
    """uint8 [M, K] by int8 [K, N] to int32 [M, N], modulo 2**32. Raises DeviceMemoryError."""
    out = empty((a.shape[0], b.columns), np.int32)
    g = tuple(window(PIXELWISE, _row(b.depth), (a.shape[0], 1, 1, b.depth), b.product.grain))
    b.product.launch(a.reshape(-1), b.taps, b.bias, parameters(bind(SUM)[1]), out, g, 0)
    return out


def _row(depth: int) -> Geometry:
    return Geometry(1, 1, 1, 1, 1, 1, 0, 0, 1, depth, 0)

"""2-D convolutions of 8-bit codes by the machine's instruction set, or by a forced one."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from int8sim.kernels.cpu.gathered_conv2d import GatheredConvolution
from int8sim.kernels.cpu.geometry import Convolution, Geometry, output_shape
from int8sim.kernels.cpu.tile import TILES, instruction_set
from int8sim.kernels.cpu.tiled_conv2d import TiledConvolution
from int8sim.kernels.storage import stored_dtype
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType

LEAST_DEPTH = 384
"""Bytes of a window from which on AMX wins, though it has to copy them together first."""


def integer_convolution(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, step: Step
) -> GatheredConvolution | TiledConvolution:
    """Of one geometry; `with_constants` makes it a function, once or for every product of activations."""
    name, depth = instruction_set(), shape.rows * shape.columns * shape.channels
    tiles = TILES["avx512_vnni" if name == "amx_int8" and depth < LEAST_DEPTH else name]
    made = TiledConvolution if tiles.intrinsic else GatheredConvolution
    return made(op, shape, x, y, step, tiles)


def prepare_tiles(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, weights: Array, bias: Array, step: Step
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form. weights, bias: as `with_constants` takes them."""
    convolve = integer_convolution(op, shape, x, y, step).with_constants(weights, bias)
    outputs = len(weights)

    def call(stored: Array) -> Array:
        out = np.empty(output_shape(op, shape, stored.shape, outputs), stored_dtype(y))
        convolve(stored, out)
        return out

    return call

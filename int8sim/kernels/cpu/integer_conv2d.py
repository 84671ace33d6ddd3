"""2-D convolutions of 8-bit codes by the machine's instruction set, or by a forced one."""

from __future__ import annotations

from collections.abc import Callable

from int8sim.kernels.cpu.amx_conv2d import AmxConvolution
from int8sim.kernels.cpu.amx_windows import Stretches
from int8sim.kernels.cpu.memory import empty
from int8sim.kernels.cpu.tile import TILES, instruction_set
from int8sim.kernels.cpu.tiled_conv2d import TiledConvolution
from int8sim.kernels.geometry import Convolution, Geometry, output_shape
from int8sim.kernels.storage import stored_dtype
from int8sim.kernels.tape import KernelsOnly
from int8sim.model.step import Array, Step
from int8sim.model.tensor import TensorType

LEAST_DEPTH = 384
"""Bytes of a window from which on AMX wins, though it may have to copy them together first ..."""
LEAST_WHOLE = 256
"""... and where it need not, and no step of 64 bytes is padded."""


def integer_convolution(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, step: Step
) -> AmxConvolution | TiledConvolution:
    """Of one geometry; `with_constants` makes it a function, once or for every product of activations."""
    name = instruction_set()
    tiles = TILES["avx512_vnni" if name == "amx_int8" and not _is_deep(shape) else name]
    made = TiledConvolution if tiles.intrinsic else AmxConvolution
    return made(op, shape, x, y, step, tiles)


def _is_deep(shape: Geometry) -> bool:
    whole = shape.stride_y == shape.stride_x == 1 and Stretches(shape).is_whole()
    return shape.rows * shape.columns * shape.channels >= (LEAST_WHOLE if whole else LEAST_DEPTH)


def prepare_tiles(
    op: Convolution, shape: Geometry, x: TensorType, y: TensorType, weights: Array, bias: Array, step: Step
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form. weights, bias: as `with_constants` takes them."""
    convolve = integer_convolution(op, shape, x, y, step).with_constants(weights, bias)
    outputs, dtype = len(weights), stored_dtype(y)

    def call(stored: Array) -> Array:
        out = empty(output_shape(op, shape, stored.shape, outputs), dtype)
        convolve(stored, out)
        return out

    return KernelsOnly(call) if isinstance(convolve, KernelsOnly) else call

"""The axes of a stored tensor in another order: on the device that moves its values."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from numba import cuda

from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty
from int8sim.kernels.storage import own_axes, stored_axes
from int8sim.model.tensor import TensorType

AXES = 6
"""Most axes of a tensor here."""
Move = Callable[[DeviceArray], DeviceArray]


def in_own_layout(kind: TensorType) -> Move:
    """Stored values (still flipped) with the axes in the tensor's own order."""
    return lambda values: permuted(values, own_axes(kind))


def in_stored_layout(kind: TensorType) -> Move:
    """The inverse of `in_own_layout`."""
    return lambda values: permuted(values, stored_axes(kind))


def permuted(values: DeviceArray, axes: Sequence[int]) -> DeviceArray:
    """As NumPy's transpose, contiguous; itself where nothing moves. Up to AXES axes."""
    if tuple(axes) == tuple(range(values.ndim)):
        return values
    steps = _steps(values.shape)
    return _gathered(values, tuple(values.shape[axis] for axis in axes), [steps[axis] for axis in axes])


def repeated(values: DeviceArray, shape: tuple[int, ...]) -> DeviceArray:
    """Values written out to a shape that they broadcast to; themselves if it is theirs."""
    if values.shape == shape:
        return values
    own = (1,) * (len(shape) - values.ndim) + values.shape
    return _gathered(values, shape, [0 if one == 1 else step for one, step in zip(own, _steps(own), strict=True)])


def _steps(shape: tuple[int, ...]) -> list[int]:
    """Values from one place to the next along each axis."""
    return [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]


def _gathered(values: DeviceArray, shape: tuple[int, ...], steps: Sequence[int]) -> DeviceArray:
    out = empty(shape, values.dtype)
    more = AXES - len(shape)
    sizes, strides = (1,) * more + shape, (0,) * more + tuple(steps)
    build(gather_axes).launch_each(out.size, values.reshape(-1), out.reshape(-1), sizes, strides)
    return out


def gather_axes(x: Any, out: Any, size: tuple[int, ...], strides: tuple[int, ...]) -> None:
    """size: of out's axes. strides: in x, of the same."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        place, rest = 0, i
        for axis in range(AXES - 1, -1, -1):
            above = rest // size[axis]
            place += (rest - above * size[axis]) * strides[axis]
            rest = above
        out[i] = x[place]

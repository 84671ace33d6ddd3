"""Ops that only move values: where each comes from is found once, by the op's own definition, run over places."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numba import cuda

from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import DeviceArray, empty, place
from int8sim.kernels.cuda.primitives import as_int
from int8sim.kernels.storage import own_layout, stored_axes, stored_layout
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType

FILLING = -1
"""Instead of a place: the value of the cells around the tensor."""


class Moving(Protocol):
    """What is asked of the op: it moves places as it moves real values."""

    def float32(self, types: Sequence[TensorType], inputs: Sequence[Array]) -> Array: ...


def prepare(
    op: Moving,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form: the kernel of every op that moves the values of one input."""
    del constants, arithmetic
    places = op.float32(inputs, [own_places(inputs[0])])
    return gathered(stored_layout(places, output_type), math.prod(inputs[0].shape))


def own_places(kind: TensorType) -> Array:
    """int64, of the type's shape: for each value, in the tensor's own order, its place in the tensor as stored."""
    stored = [kind.shape[axis] for axis in stored_axes(kind)]
    return own_layout(np.arange(math.prod(stored), dtype=np.int64).reshape(stored), kind)


def gathered(places: Array, size: int, filling: Any = 0) -> Callable[[DeviceArray], DeviceArray]:
    """Images of `size` values -> images of the shape of places, [1, ...]; no launch where every value stays.

    places: int, in an image as stored, or FILLING. filling: a stored value.
    """
    if np.array_equal(places.reshape(-1), np.arange(size)):
        return lambda stored: stored.reshape(-1, *places.shape[1:])
    kernel, held = build(gather), place(places.reshape(-1).astype(np.int32))

    def call(stored: DeviceArray) -> DeviceArray:
        out = empty((stored.size // size, *places.shape[1:]), stored.dtype)
        kernel.launch_each(out.size, stored.reshape(-1), held, size, stored.dtype.type(filling), out.reshape(-1))
        return out

    return call


def gather(x: Any, places: Any, size: int, filling: Any, out: Any) -> None:
    """x, out: flat, image by image. places: int32, of an image of out in one of x, which has `size` values."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        image = i // places.shape[0]
        source = as_int(places[i - image * places.shape[0]])
        if source < 0:
            out[i] = filling
        else:
            out[i] = x[image * size + source]

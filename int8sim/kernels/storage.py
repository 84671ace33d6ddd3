"""How tensors lie between kernels: channels last, and 8-bit codes as uint8 with the sign bit flipped where signed.

One unsigned-by-signed dot product then serves every combination of types, and the order of codes stays. The flip and
the zero point fold into each kernel's constants.
"""

from __future__ import annotations

import numpy as np

from int8sim.kernels.axes import permuted
from int8sim.model.step import Array
from int8sim.model.tensor import TensorType


def flip(kind: TensorType) -> int:
    """stored = code + flip: 128 for int8, 0 for anything else."""
    return 128 if kind.dtype == "int8" else 0


def stored_dtype(kind: TensorType) -> str:
    """uint8 for both 8-bit types, the tensor's own otherwise."""
    return "uint8" if kind.dtype == "int8" else kind.dtype


def stored_zero(kind: TensorType) -> int:
    """The stored form of real zero."""
    return kind.quant.tensor_zero_point + flip(kind) if kind.quant else 0


def own_axes(kind: TensorType) -> tuple[int, ...]:
    """The axes of storage in the order of the tensor's own layout."""
    return (0, 3, 1, 2) if kind.layout == "NCHW" else tuple(range(len(kind.shape)))


def stored_axes(kind: TensorType) -> tuple[int, ...]:
    """The tensor's own axes in the order of storage."""
    return (0, 2, 3, 1) if kind.layout == "NCHW" else tuple(range(len(kind.shape)))


def stored_axis(kind: TensorType, axis: int) -> int:
    """Where an axis of the tensor's own layout lies in storage."""
    return own_axes(kind)[axis]


def to_storage(array: Array, kind: TensorType) -> Array:
    """A fresh, contiguous, writable array in storage form: what kernels are compiled for."""
    given = np.ascontiguousarray(array, kind.dtype).view(stored_dtype(kind))
    stored = permuted(given, stored_axes(kind), flip(kind))
    return stored.copy() if np.may_share_memory(stored, array) else stored


def store(array: Array, kind: TensorType, place: Array) -> None:
    """As `to_storage`, into an array that is there."""
    axes = stored_axes(kind)
    if axes == own_axes(kind):
        np.bitwise_xor(array.view(place.dtype), flip(kind), out=place) if flip(kind) else np.copyto(place, array)
    else:
        place[...] = permuted(array.view(place.dtype), axes, flip(kind))


def from_storage(array: Array, kind: TensorType) -> Array:
    """The tensor in its own layout and dtype; may share memory with a float or uint8 storage array."""
    return permuted(array, own_axes(kind), flip(kind)).view(kind.dtype)


def own_layout(array: Array, kind: TensorType) -> Array:
    """Stored values (still flipped) with the axes in the tensor's own order; shares memory where that is the same."""
    return permuted(array, own_axes(kind))


def stored_layout(array: Array, kind: TensorType) -> Array:
    """The inverse of `own_layout`."""
    return permuted(array, stored_axes(kind))

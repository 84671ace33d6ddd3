"""How tensors lie between kernels: channels last, and 8-bit codes as uint8 with the sign bit flipped where signed.

One unsigned-by-signed dot product then serves every combination of types, and the order of codes stays. The flip and
the zero point fold into each kernel's constants.
"""

from __future__ import annotations

import numpy as np

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


def stored_axis(kind: TensorType, axis: int) -> int:
    """Where an axis of the tensor's own layout lies in storage."""
    return (0, 3, 1, 2)[axis] if kind.layout == "NCHW" else axis


def to_storage(array: Array, kind: TensorType) -> Array:
    """A fresh, contiguous, writable array in storage form: what kernels are compiled for."""
    moved = array.transpose(0, 2, 3, 1) if kind.layout == "NCHW" else array
    if kind.dtype == "int8":
        return np.ascontiguousarray(moved).view(np.uint8) ^ np.uint8(0x80)
    return np.array(moved, stored_dtype(kind), order="C", copy=True)


def from_storage(array: Array, kind: TensorType) -> Array:
    """The tensor in its own layout and dtype; may share memory with a float or uint8 storage array."""
    plain = (array ^ np.uint8(0x80)).view(np.int8) if kind.dtype == "int8" else array
    return plain.transpose(0, 3, 1, 2) if kind.layout == "NCHW" else plain


def own_layout(array: Array, kind: TensorType) -> Array:
    """Stored values (still flipped) with the axes in the tensor's own order: a view."""
    return array.transpose(0, 3, 1, 2) if kind.layout == "NCHW" else array


def stored_layout(array: Array, kind: TensorType) -> Array:
    """The inverse of `own_layout`, contiguous."""
    return np.ascontiguousarray(array.transpose(0, 2, 3, 1) if kind.layout == "NCHW" else array)

"""Means over some axes: of codes an average pool of these axes in a column; in float32 every row one sequential sum."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.kernels.cpu import average_pool
from int8sim.kernels.storage import own_layout, stored_layout
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32


class Reducing(Protocol):
    """The attribute that the kernel reads."""

    @property
    def axes(self) -> tuple[int, ...]: ...


def prepare(
    op: Reducing,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    if arithmetic is not None:
        return of_codes(op.axes, inputs[0], output_type, constants, arithmetic)
    kernel, shape = build(means), output_type.shape[1:]

    def call(stored: Array) -> Array:
        out = np.empty((len(stored), *shape), np.float32)
        kernel(by_rows(own_layout(stored, inputs[0]), op.axes), out.reshape(-1))
        return stored_layout(out, output_type)

    return call


@dataclass(frozen=True)
class _Column:
    kernel_shape: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    count_include_pad: bool = False


def of_codes(
    axes: tuple[int, ...],
    x: TensorType,
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form: the axes as the height of an image, all others as its channels."""
    others = [axis for axis in range(1, len(x.shape)) if axis not in axes]
    count, rest = (math.prod(x.shape[axis] for axis in some) for some in (axes, others))
    image, pooled = x.with_shape((1, count, 1, rest), "NHWC"), output_type.with_shape((1, 1, 1, rest), "NHWC")
    pool = average_pool.prepare(_Column((count, 1)), [image], pooled, constants, arithmetic)

    def call(stored: Array) -> Array:
        moved = own_layout(stored, x).transpose(0, *axes, *others)
        found = pool(np.ascontiguousarray(moved).reshape(-1, *image.shape[1:]))
        return stored_layout(found.reshape(-1, *output_type.shape[1:]), output_type)

    return call


def by_rows(x: Array, axes: tuple[int, ...]) -> Array:
    """x, in its own layout, as [values of the other axes, values of these axes], contiguous."""
    others = [axis for axis in range(x.ndim) if axis not in axes]
    moved = np.ascontiguousarray(x.transpose(*others, *axes))
    return moved.reshape(int(np.prod([x.shape[axis] for axis in others])), -1)


def means(x: Array, out: Array) -> None:
    """float32 [rows, count] to [rows]."""
    count = float32(x.shape[1])
    for i in range(x.shape[0]):
        total: Any = np.float32(0.0)
        for j in range(x.shape[1]):
            total = float32(total + x[i, j])
        out[i] = float32(total / count)

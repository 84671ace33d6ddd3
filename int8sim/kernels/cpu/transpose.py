"""The axes in another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from int8sim.kernels.axes import permuted
from int8sim.kernels.storage import own_axes, stored_axes
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


class Permuted(Protocol):
    """The attributes that the kernel reads."""

    @property
    def perm(self) -> tuple[int, ...]: ...


def prepare(
    op: Permuted,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form; NCHW to NHWC and back cost nothing."""
    del constants, arithmetic
    axes = [own_axes(inputs[0])[op.perm[axis]] for axis in stored_axes(output_type)]
    return lambda stored: permuted(stored, axes)

"""The axes in another order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from int8sim.kernels.storage import own_layout, stored_layout
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
    return lambda stored: stored_layout(own_layout(stored, inputs[0]).transpose(op.perm), output_type)

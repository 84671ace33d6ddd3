"""Another shape, in the order of the tensor's own layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.storage import own_layout, stored_layout
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form -> y in storage form."""
    del op, constants, arithmetic
    shape = output_type.shape[1:]

    def call(stored: Array) -> Array:
        return stored_layout(own_layout(stored, inputs[0]).reshape(stored.shape[0], *shape), output_type)

    return call

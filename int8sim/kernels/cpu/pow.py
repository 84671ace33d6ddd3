"""Powers of one tensor by another, element by element, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.elementwise import of_one_shape, operands
from int8sim.kernels.cpu.memory import empty
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import power


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[..., Array]:
    """The activations among a and b, in storage form -> y in storage form."""
    del op, arithmetic
    both, kernel = operands(inputs, output_type, constants), build(powers)

    def call(*given: Array) -> Array:
        a, b = of_one_shape(*both(*given))
        out = empty(a.shape, "float32")
        kernel(a.reshape(-1), b.reshape(-1), out.reshape(-1))
        return out

    return call


def powers(a: Array, b: Array, out: Array) -> None:
    """float32 [n] each."""
    for i in range(out.shape[0]):
        out[i] = power(a[i], b[i])

"""fma(x, a, b) per channel, in float32; there is no integer form."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import numpy as np

from int8sim.kernels.compile import build
from int8sim.model.step import Arithmetic, Array
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import fma


class Normalizing(Protocol):
    """What the kernel asks of the op."""

    def constants(self, gamma: Array, beta: Array, mean: Array, variance: Array) -> tuple[Array, Array]: ...


def prepare(
    op: Normalizing,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[Array], Array]:
    """x in storage form, channels last -> y in storage form."""
    del inputs, output_type, arithmetic
    factors = tuple(np.array(part, np.float32) for part in op.constants(*(constants[i] for i in range(1, 5))))
    kernel = build(normalize)

    def call(stored: Array) -> Array:
        out = np.empty_like(stored)
        channels = stored.shape[-1]
        kernel(stored.reshape(-1, channels), *factors, out.reshape(-1, channels))
        return out

    return call


def normalize(x: Array, a: Array, b: Array, out: Array) -> None:
    """float32 [pixels, C]."""
    for i in range(x.shape[0]):
        for c in range(x.shape[1]):
            out[i, c] = fma(x[i, c], a[c], b[c])

"""To float16 and back in float32's own bits, vectorised."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from int8sim.kernels.compile import build
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
    del op, inputs, output_type, constants, arithmetic
    kernel = build(halves)

    def call(stored: Array) -> Array:
        out = np.empty_like(stored)
        kernel(stored.reshape(-1).view(np.int32), out.reshape(-1).view(np.int32), out.reshape(-1))
        return out

    return call


def halves(bits: Array, out_bits: Array, out: Array) -> None:
    """float32 patterns, int32 [n]; out_bits and out are one memory.

    13 bits go, ties to even, from 2**-14 on; below, where float16 is subnormal, adding and taking away 0.75 leaves
    multiples of 2**-24; from 65520 on, infinity; NaN keeps its upper bits.
    """
    for i in range(bits.shape[0]):
        pattern = bits[i] & 0x7FFFFFFF
        kept = pattern + 0xFFF + (pattern >> 13 & 1) & ~0x1FFF
        kept = kept if kept < 0x47800000 else 0x7F800000
        out_bits[i] = kept if pattern <= 0x7F800000 else pattern
    for i in range(bits.shape[0]):
        if bits[i] & 0x7FFFFFFF < 0x38800000:
            out_bits[i] = bits[i] & 0x7FFFFFFF
            out[i] = (out[i] + np.float32(0.75)) - np.float32(0.75)
    for i in range(bits.shape[0]):
        out_bits[i] |= bits[i] & -0x80000000

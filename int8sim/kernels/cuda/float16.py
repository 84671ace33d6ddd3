"""To float16 and back in float32's own bits."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from int8sim.kernels.cuda.device import DeviceArray
from int8sim.kernels.cuda.pointwise import each
from int8sim.model.step import Arithmetic, Array, Step
from int8sim.model.tensor import TensorType
from int8sim.spec.float32 import float32, float32_bits, float32_from_bits

LEAST_NORMAL = 0x38800000
"""2**-14; below it float16 is subnormal, in steps of 2**-24."""
FIRST_BEYOND = 0x47800000
"""2**16: what 65520 and more comes to."""
INFINITY = 0x7F800000


def prepare(
    op: object,
    inputs: Sequence[TensorType],
    output_type: TensorType,
    constants: Mapping[int, Array],
    arithmetic: Arithmetic | None,
) -> Callable[[DeviceArray], DeviceArray]:
    """x in storage form -> y in storage form."""
    del op, constants, arithmetic
    return each(Step(halved, {}), inputs[0], output_type)


def halved(x: float) -> float:
    """13 bits go, ties to even; where float16 is subnormal, adding and taking away 0.75 leaves multiples of 2**-24.

    NaN keeps its upper bits.
    """
    bits = float32_bits(x)
    sign, pattern = bits & 0x80000000, bits & 0x7FFFFFFF
    kept = pattern
    if pattern < LEAST_NORMAL:
        kept = float32_bits(float32(float32(float32_from_bits(pattern) + float32(0.75)) - float32(0.75)))
    elif pattern <= INFINITY:
        kept = pattern + 0xFFF + (pattern >> 13 & 1) & ~0x1FFF
        kept = kept if kept < FIRST_BEYOND else INFINITY
    return float32_from_bits(sign | kept)

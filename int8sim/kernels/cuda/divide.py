"""Quotients of two tensors, element by element."""

from int8sim.kernels.cuda.elementwise import by
from int8sim.spec.float32 import NAN_BITS, float32, float32_bits, float32_from_bits

INFINITY_BITS = 0x7F800000
SIGN_BIT = 0x80000000


def quotient(a: float, b: float) -> float:
    """float32; NaN has one pattern. By zero, which Python refuses, infinity of both signs' product, or NaN."""
    if b == 0.0:
        sign = (float32_bits(a) ^ float32_bits(b)) & SIGN_BIT
        return float32_from_bits(INFINITY_BITS | sign if a < 0.0 or a > 0.0 else NAN_BITS)
    found = float32(a / b)
    return found if found == found else float32_from_bits(NAN_BITS)


prepare = by(quotient)

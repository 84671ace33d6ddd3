"""Functions of one or two float32 values, as the ops define them and LLVM compiles them."""

from __future__ import annotations

from int8sim.spec.float32 import NAN_BITS, float32, float32_bits, float32_from_bits, fma, power


def add(a: float, b: float) -> float:
    """a + b."""
    return float32(a + b)


def subtract(a: float, b: float) -> float:
    """a - b."""
    return float32(a - b)


def multiply(a: float, b: float) -> float:
    """a * b."""
    return float32(a * b)


def divide(a: float, b: float) -> float:
    """a / b; NaN has one pattern."""
    quotient = float32(a / b)
    return quotient if quotient == quotient else float32_from_bits(NAN_BITS)


def greater(a: float, b: float) -> float:
    """The greater one; of equals a."""
    return b if b > a else a


def lesser(a: float, b: float) -> float:
    """The lesser one; of equals a."""
    return b if b < a else a


def weighted(a: float, b: float, left: float, right: float) -> float:
    """The sum of two products, each rounded."""
    return float32(float32(left * a) + float32(right * b))


def clamp(x: float, low: float, high: float) -> float:
    """A bound as it is written, also for a zero of the other sign."""
    return low if x <= low else high if x >= high else x


def scaled_power(x: float, scale: float, shift: float, exponent: float) -> float:
    """(shift + scale * x)**exponent."""
    base = fma(x, scale, shift)
    return base if exponent == 1.0 else power(base, exponent)


def half(x: float) -> float:
    """The float16 nearest to x, as a float32: 13 bits go, ties to even; where it is subnormal, multiples of 2**-24."""
    bits = float32_bits(x)
    size = bits & 0x7FFFFFFF
    kept = (size + 0xFFF + (size >> 13 & 1)) & ~0x1FFF
    kept = min(kept, 0x7F800000) if kept < 0x47800000 else 0x7F800000
    if size < 0x38800000:
        kept = float32_bits(float32(float32(float32_from_bits(size) + float32(0.75)) - float32(0.75)))
    return float32_from_bits((kept if size <= 0x7F800000 else size) | (bits & 0x80000000))

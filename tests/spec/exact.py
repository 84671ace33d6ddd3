"""Exact definitions, by Fraction and unbounded integers, written without looking at int8sim.spec."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import strategies as st

from int8sim.spec.rounding import Rounding

INFINITY = math.inf
LARGEST = Fraction(2**24 - 1) * 2**104  # the greatest finite float32
HALF = Fraction(1, 2)


def rounded(value: Fraction, rounding: Rounding) -> int:
    """An exact value to an integer."""
    below, above = math.floor(value), math.ceil(value)
    nearest = below if value - below < HALF else above
    tie = value - below == HALF
    return {
        Rounding.FLOOR: below,
        Rounding.CEIL: above,
        Rounding.TOWARD_ZERO: math.trunc(value),
        Rounding.HALF_EVEN: (below if below % 2 == 0 else above) if tie else nearest,
        Rounding.HALF_AWAY: (above if value > 0 else below) if tie else nearest,
        Rounding.HALF_UP: above if tie else nearest,
        Rounding.HALF_TOWARD_ZERO: (below if value > 0 else above) if tie else nearest,
    }[rounding]


def half_away(value: Fraction) -> int:
    return rounded(value, Rounding.HALF_AWAY)


def half_even(value: Fraction) -> int:
    return rounded(value, Rounding.HALF_EVEN)


def half_up(value: Fraction) -> int:
    return rounded(value, Rounding.HALF_UP)


def clip(value: int, low: int, high: int) -> int:
    return low if value < low else high if value > high else value


def signed(value: int, bits: int) -> int:
    """The word of `bits` bits that is congruent to the value."""
    return (value + 2 ** (bits - 1)) % 2**bits - 2 ** (bits - 1)


def nearest_float32(value: Fraction) -> float:
    """The float32 nearest to an exact value, ties to even, with subnormals and infinities. Zero is positive."""
    if value == 0:
        return 0.0
    magnitude = abs(value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    exponent -= Fraction(2) ** exponent > magnitude
    unit = Fraction(2) ** (max(exponent, -126) - 23)
    found = half_even(magnitude / unit) * unit
    return math.copysign(INFINITY if found > LARGEST else float(found), value)


def from_bits(pattern: int) -> float:
    """A float32 by its bit pattern, field by field."""
    sign = -1.0 if pattern >> 31 else 1.0
    exponent, fraction = pattern >> 23 & 0xFF, pattern & 0x7FFFFF
    if exponent == 255:
        return math.nan if fraction else sign * INFINITY
    mantissa = fraction + (2**23 if exponent else 0)
    return sign * math.ldexp(mantissa, max(exponent, 1) - 150)


def to_bits(value: float) -> int:
    """The inverse of `from_bits`, for finite values."""
    sign = 1 << 31 if math.copysign(1.0, value) < 0 else 0
    mantissa, exponent = math.frexp(abs(value))
    if value == 0.0:
        return sign
    biased = exponent + 126
    if biased <= 0:
        return sign | int(math.ldexp(abs(value), 149))
    return sign | biased << 23 | int(mantissa * 2**24) - 2**23


def finite_patterns() -> st.SearchStrategy[int]:
    """Bit patterns of finite float32 values: all exponents equally likely, subnormals among them."""
    exponents = st.integers(0, 254)
    fractions = st.integers(0, 2**23 - 1) | st.sampled_from([0, 1, 2, 2**22, 2**23 - 2, 2**23 - 1])
    return st.builds(lambda s, e, f: s << 31 | e << 23 | f, st.integers(0, 1), exponents, fractions)


def finite_float32() -> st.SearchStrategy[float]:
    return finite_patterns().map(from_bits)


def scales(low: float = 2.0**-20, high: float = 2.0**10) -> st.SearchStrategy[float]:
    """Positive float32 values as quantization uses them."""
    return st.floats(low, high, width=32)


def word(bits: int, is_signed: bool = True) -> st.SearchStrategy[int]:
    """Integers of a word, its corners often."""
    low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if is_signed else (0, 2**bits - 1)
    return st.integers(low, high) | st.sampled_from([low, low + 1, 0, 1, high - 1, high])


def float32_product(*factors: float) -> float:
    """x * y * ... in float32, rounded after each multiplication."""
    found = factors[0]
    for factor in factors[1:]:
        found = nearest_float32(Fraction(found) * Fraction(factor)) if abs(found) < INFINITY else found
    return found


def float32_quotient(x: float, y: float) -> float:
    return nearest_float32(Fraction(x) / Fraction(y)) if abs(x) < INFINITY else x


def float32_sum(x: float, y: float) -> float:
    return nearest_float32(Fraction(x) + Fraction(y)) if abs(x) < INFINITY else x


def half_even_clipped(value: float, low: int, high: int) -> int:
    """Rounded, then clipped; an infinity is beyond either end."""
    if abs(value) == INFINITY:
        return high if value > 0 else low
    return clip(half_even(Fraction(value)), low, high)


def doubling_high_multiply(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul, as its text has it: nudge by sign, divide, truncate."""
    if a == b == -(2**31):
        return 2**31 - 1
    product = a * b
    nudged = product + (2**30 if product >= 0 else 1 - 2**30)
    return abs(nudged) // 2**31 * (1 if nudged >= 0 else -1)


def divide_by_power_of_two(x: int, exponent: int) -> int:
    """gemmlowp's RoundingDivideByPOT, as its text has it: mask, remainder, threshold."""
    mask = 2**exponent - 1
    return (x >> exponent) + ((x & mask) > (mask >> 1) + (1 if x < 0 else 0))


def multiply_by_quantized_multiplier(x: int, multiplier: int, shift: int) -> int:
    """TensorFlow Lite's MultiplyByQuantizedMultiplier in 32-bit arithmetic; shift: positive to the right."""
    left = signed(x * 2 ** max(-shift, 0), 32)
    return divide_by_power_of_two(doubling_high_multiply(left, multiplier), max(shift, 0))


MULTIPLIERS = st.integers(2**30, 2**31 - 1) | st.sampled_from([0, 2**30, 2**30 + 1, 2**31 - 1])
SHIFTS = st.integers(-30, 31)
CODE_RANGES = st.sampled_from([(-128, 127), (-127, 127), (0, 255), (0, 127), (-128, -1), (3, 99)])

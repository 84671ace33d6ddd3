"""Float32 arithmetic as Python floats that are exactly float32.

`float32(x + y)`, `float32(x * y)` and `float32(x / y)` are the IEEE operations: Python computes them in binary64, and
rounding a binary64 sum, product or quotient of two float32 values once more to float32 gives the correctly rounded
float32 result (53 >= 2 * 24 + 2 bits). A fused multiply-add does not have that property, so it has its own definition.

The primitives (`float32`, `float32_bits`, `float32_from_bits`, `fma`, `half_even`) have one twin for each compiled
target, in kernels/primitives.py. Everything else is made of them, of +, -, * and /: no libm, so the bits are the same
everywhere. `log`, `exp_binary64` and `power` use those four in binary64, where a product with a binary64 constant makes
it so.
"""

from __future__ import annotations

import math
import struct

LOG2_E = 1.44269502162933349609375  # the float32 nearest to log2(e)
LN2_HIGH = 0.693145751953125  # ln(2) to 16 bits, so that n * LN2_HIGH is exact for |n| < 256
LN2_LOW = 1.428606765330187045037746429443359375e-06  # the float32 nearest to ln(2) - LN2_HIGH
LN2 = 0.6931471805599453094172321214581765680755  # binary64
SQRT2 = 1.4142135623730950488
NAN_BITS = 0x7FC00000
ODD_RECIPROCALS = tuple(1.0 / k for k in range(21, 0, -2))  # 1/21, 1/19 ... 1
RECIPROCAL_FACTORIALS = tuple(1.0 / math.factorial(k) for k in range(13, -1, -1))  # 1/13! ... 1/0!


def float32(value: float) -> float:
    """The float32 nearest to a float or an int below 2**53, ties to even; beyond the range, infinity of its sign."""
    try:
        return float(struct.unpack("<f", struct.pack("<f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def float32_bits(value: float) -> int:
    """The bit pattern, 0 .. 2**32 - 1, of a value that is exactly float32."""
    return int(struct.unpack("<I", struct.pack("<f", value))[0])


def float32_from_bits(bits: int) -> float:
    """The float32 of a bit pattern 0 .. 2**32 - 1."""
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def float16(value: float) -> float:
    """The float16 nearest to a float32, ties to even; beyond the range, from 65520 on, infinity of its sign."""
    try:
        return float(struct.unpack("<e", struct.pack("<e", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)


def half_even(value: float) -> int:
    """The integer nearest to a finite float32, ties to even; |value| < 2**31."""
    return round(value)


def fma(x: float, y: float, z: float) -> float:
    """float32 x * y + z with one rounding, for finite operands.

    The product is exact in binary64. The sum is rounded there to odd (its exact error by Knuth's two-sum), so that the
    second rounding, to float32, is correct: rounding twice to nearest is not, for example at (1 + 2**-12)**2 + 2**-60.
    """
    product = x * y
    total = product + z
    part = total - product
    error = (product - (total - part)) + (z - part)
    if error != 0.0 and struct.unpack("<q", struct.pack("<d", total))[0] & 1 == 0:
        total = math.nextafter(total, math.copysign(math.inf, error))
    return float32(total)


def exp(x: float) -> float:
    """e**x in float32, at most 1.0234 units of the last place from the exact value.

    Measured over all float32 by tools/exp_error.py; 99.2 % of the results between the ends are the nearest float32.

    x is reduced by n = nearest integer to x * log2(e), so that |r| <= ln(2) / 2 + a little; a polynomial of degree 6 in
    FMA steps (Cephes' expf coefficients); then 2**n in two factors, so that subnormal results round once.
    Below -104 the result is 0, above 88.72284 infinity. x must not be NaN.
    """
    bounded = min(max(x, float32(-104.0)), float32(89.0))
    n = half_even(float32(bounded * float32(LOG2_E)))
    r = fma(float32(-n), float32(LN2_HIGH), bounded)
    r = fma(float32(-n), float32(LN2_LOW), r)
    p = float32(1.9875691500e-4)
    p = fma(p, r, float32(1.3981999507e-3))
    p = fma(p, r, float32(8.3334519073e-3))
    p = fma(p, r, float32(4.1665795894e-2))
    p = fma(p, r, float32(1.6666665459e-1))
    p = fma(p, r, float32(5.0000001201e-1))
    p = fma(float32(p * r), r, r)
    p = float32(p + float32(1.0))
    half = n >> 1
    return float32(float32(p * power_of_two(half)) * power_of_two(n - half))


def power_of_two(exponent: int) -> float:
    """2**exponent as a float32; exponent -126 .. 127."""
    return float32_from_bits((exponent + 127) << 23)


def log(x: float) -> float:
    """ln(x) in binary64 of a finite float32 x > 0, within 2**-50 of the exact value, relatively.

    x is 2**n * m with m between sqrt(1/2) and sqrt(2); ln(m) is twice the artanh series of s = (m - 1) / (m + 1),
    |s| < 0.1716, to s**21.
    """
    scaled, exponent = (x, -127) if float32_bits(x) >> 23 else (float32(x * 16777216.0), -151)
    bits = float32_bits(scaled)
    exponent += bits >> 23
    m = float32_from_bits((bits & 0x7FFFFF) | 0x3F800000) * 1.0
    if m > SQRT2:
        m, exponent = m * 0.5, exponent + 1
    s = (m - 1.0) / (m + 1.0)
    p = 0.0
    for coefficient in ODD_RECIPROCALS:
        p = p * (s * s) + coefficient
    return exponent * LN2 + 2.0 * s * p


def power(x: float, y: float) -> float:
    """x**y in float32, for finite operands, at most 0.50001 units of the last place from the exact value.

    As C's powf at the ends: x**0 is 1; 0 to a negative power is infinite; a negative x with a whole y has the sign of
    an odd or even y, with any other y the result is NaN. Between: e**(y * ln(x)) in binary64, rounded once.
    """
    whole = abs(y) >= 16777216.0 or half_even(y) == y
    if x < 0.0 and not whole:
        return float32_from_bits(NAN_BITS)
    magnitude = _power(abs(x), y)
    odd = abs(y) < 16777216.0 and whole and half_even(y) & 1 == 1
    return -magnitude if odd and float32_bits(x) >> 31 else magnitude


def _power(x: float, y: float) -> float:
    """x**y of a finite x >= 0."""
    if y == 0.0:
        return float32(1.0)
    if x == 0.0:
        return float32(0.0 if y > 0.0 else 3.5e38)
    return float32(exp_binary64(min(max(y * log(x), -105.0), 90.0)))


def exp_binary64(x: float) -> float:
    """e**x in binary64 for |x| <= 105, within 2**-45 of the exact value, relatively.

    n is the nearest integer to the exponent of 2, the rest a Taylor series of e**r.
    """
    n = half_even(float32(x * LOG2_E))
    r = x - n * LN2
    p = 0.0
    for coefficient in RECIPROCAL_FACTORIALS:
        p = p * r + coefficient
    half = n >> 1
    return p * power_of_two(half) * power_of_two(n - half)

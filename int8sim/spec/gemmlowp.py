"""gemmlowp's fixed point: exponential, reciprocal, logistic function and hyperbolic tangent in 32-bit words.

A raw word with k integer bits is the real raw / 2**(31 - k). One with none reaches just below 1: 2**31 - 1.
Source: google/gemmlowp:fixedpoint/fixedpoint.h.
"""

from __future__ import annotations

from int8sim.spec.integers import S32, U31
from int8sim.spec.rounding import Rounding, shift_right

EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8), 0 integer bits
ONE_THIRD = 715827883
INT32_MAX = (1 << 31) - 1
FORTY_EIGHT_SEVENTEENTHS = 1515870810  # 48/17 with 2 integer bits
MINUS_THIRTY_TWO_SEVENTEENTHS = -1010580540
ONE_Q29 = 1 << 29  # 1 with 2 integer bits
HALF_Q31 = 1 << 30


def _product(a: int, b: int) -> int:
    """gemmlowp's SaturatingRoundingDoublingHighMul for operands of any sign (never both the minimum)."""
    return shift_right(a * b, 31, Rounding.HALF_UP)


def _barrel(result: int, remainder: int, bit: int, factor: int) -> int:
    return _product(result, factor) if remainder & (1 << bit) else result


def exp_on_negative_values(a: S32, integer_bits: int) -> int:
    """exp(a) with 0 integer bits, for a <= 0 with 4 or 5 integer bits.

    The fraction in [-1/4, 0) by a polynomial around -1/8, the rest by one factor per set bit.
    """
    quarter = 29 - integer_bits  # the bit that is worth 1/4
    fraction = (a & ((1 << quarter) - 1)) - (1 << quarter)
    x = (fraction << integer_bits) + (1 << 28)
    x2 = _product(x, x)
    x3 = _product(x2, x)
    x4 = _product(x2, x2)
    fourth = shift_right(x4, 2, Rounding.HALF_AWAY)
    tail = shift_right(_product(fourth + x3, ONE_THIRD) + x2, 1, Rounding.HALF_AWAY)
    result = EXP_MINUS_EIGHTH + _product(EXP_MINUS_EIGHTH, x + tail)
    remainder = fraction - a
    result = _barrel(result, remainder, quarter, 1672461947)
    result = _barrel(result, remainder, quarter + 1, 1302514674)
    result = _barrel(result, remainder, quarter + 2, 790015084)
    result = _barrel(result, remainder, quarter + 3, 290630308)
    result = _barrel(result, remainder, quarter + 4, 39332535)
    result = _barrel(result, remainder, quarter + 5, 720401)
    result = _barrel(result, remainder, quarter + 6, 242)
    return INT32_MAX if a == 0 else result


def one_over_one_plus(a: U31) -> int:
    """1 / (1 + a) with 0 integer bits, for 0 <= a < 1 with 0 integer bits."""
    return min(_two_over_one_plus(a) << 1, INT32_MAX)


def one_minus_over_one_plus(a: U31) -> int:
    """(1 - a) / (1 + a) with 0 integer bits, for 0 <= a < 1 with 0 integer bits."""
    return min((_two_over_one_plus(a) - ONE_Q29) << 2, INT32_MAX)


def _two_over_one_plus(a: int) -> int:
    """2 / (1 + a) with 2 integer bits, by three Newton steps."""
    half_denominator = shift_right(a + INT32_MAX, 1, Rounding.HALF_AWAY)
    x = FORTY_EIGHT_SEVENTEENTHS + _product(half_denominator, MINUS_THIRTY_TWO_SEVENTEENTHS)
    x = _newton(x, half_denominator)
    x = _newton(x, half_denominator)
    return _newton(x, half_denominator)


def _newton(x: int, half_denominator: int) -> int:
    one_minus = ONE_Q29 - _product(half_denominator, x)
    return x + (_product(x, one_minus) << 2)


def logistic(a: S32) -> int:
    """1 / (1 + exp(-a)) with 0 integer bits, for a with 4 integer bits."""
    share = one_over_one_plus(exp_on_negative_values(-abs(a), 4))
    if a == 0:
        return HALF_Q31
    return share if a > 0 else INT32_MAX - share


def tanh(a: S32) -> int:
    """The hyperbolic tangent of a with 4 integer bits, with 0 integer bits: (1 - t) / (1 + t) of t = exp(-2 |a|)."""
    magnitude = one_minus_over_one_plus(exp_on_negative_values(-abs(a), 5))
    if a == 0:
        return 0
    return magnitude if a > 0 else -magnitude

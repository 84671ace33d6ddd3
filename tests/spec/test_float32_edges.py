"""exp, log and power step by step: every constant to its last bit, every rounding, every end."""

from __future__ import annotations

import math
from decimal import Context, Decimal
from fractions import Fraction

import pytest

from int8sim.spec import float32 as spec
from int8sim.spec.float32 import (
    exp,
    exp_binary64,
    float16,
    float32,
    float32_bits,
    float32_from_bits,
    fma,
    half_even,
    log,
    power,
)

from .exact import INFINITY, from_bits, nearest_float32, to_bits
from .exact import half_even as exact_half_even

DIGITS = Context(prec=50)
GREATEST = from_bits(0x7F7FFFFF)
LOG2_E, LN2_HIGH, LN2_LOW = (from_bits(bits) for bits in (0x3FB8AA3B, 0x3F317200, 0x35BFBE8E))
COEFFICIENTS = (0x39506967, 0x3AB743CE, 0x3C088908, 0x3D2AA9C1, 0x3E2AAAAA, 0x3F000000)  # Cephes' expf


def test_constants():
    """The float32 nearest to log2(e); ln(2) in 16 bits and its rest; in binary64."""
    ln2 = DIGITS.ln(Decimal(2))
    assert spec.LOG2_E == LOG2_E == nearest_float32(Fraction(DIGITS.divide(Decimal(1), ln2)))
    assert spec.LN2_HIGH == LN2_HIGH == math.floor(ln2 * 2**16 + Decimal(1) / 2) / 2**16
    assert spec.LN2_LOW == LN2_LOW == nearest_float32(Fraction(ln2) - Fraction(LN2_HIGH))
    assert (float(ln2), float(DIGITS.sqrt(Decimal(2)))) == (spec.LN2, spec.SQRT2)
    assert float32_bits(float32_from_bits(spec.NAN_BITS)) == spec.NAN_BITS == 0x7FC00000
    assert list(spec.ODD_RECIPROCALS) == [float(Fraction(1, k)) for k in (21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1)]
    assert list(spec.RECIPROCAL_FACTORIALS) == [float(Fraction(1, math.factorial(13 - i))) for i in range(14)]


def fused(x: float, y: float, z: float) -> float:
    return nearest_float32(Fraction(x) * Fraction(y) + Fraction(z))


def exp_definition(x: float) -> float:
    """The steps of the docstring on exact values, rounded once each."""
    bounded = -104.0 if x < -104.0 else 89.0 if x > 89.0 else x
    n = exact_half_even(Fraction(nearest_float32(Fraction(bounded) * Fraction(LOG2_E))))
    r = fused(-n, LN2_LOW, fused(-n, LN2_HIGH, bounded))
    p = from_bits(COEFFICIENTS[0])
    for bits in COEFFICIENTS[1:]:
        p = fused(p, r, from_bits(bits))
    p = nearest_float32(Fraction(fused(nearest_float32(Fraction(p) * Fraction(r)), r, r)) + 1)
    low = nearest_float32(Fraction(p) * Fraction(2) ** (n // 2))
    return nearest_float32(Fraction(low) * Fraction(2) ** (n - n // 2))


ARGUMENTS = [from_bits(bits ^ sign) for sign in (0, 1 << 31) for bits in range(0x3D000000, 0x42B20000, 215_107)]


LAST_BITS = [  # of each coefficient from the second to the fifth; where n is a tie, or is made one by rounding
    *(0x3E68CE8E, 0x3E9989A3, 0x3E1A216F, 0x3E043F0E, 0x3E5FF0D6, 0x3D7425A0, 0x3DFC7692, 0x3C509AD6),
    *(0x40BC8939, 0x40E8E5BF, 0x40D2B77C, 0x40FF1402),
]


def test_exp_is_its_steps():
    """All magnitudes from 1/32 to 89, of both signs, the ends, and arguments that notice the smallest change."""
    ends = [0.0, -0.0, 88.7229, 89.0, 90.0, -103.9, -103.99, -104.0, -104.1, -150.0, -87.5, -88.0, 2.0**-149]
    values = [x for x in ARGUMENTS if x > -105.0] + [nearest_float32(Fraction(end)) for end in ends]
    values += map(from_bits, LAST_BITS)
    assert len(values) > 800
    assert [x for x in values if exp(x) != exp_definition(x)] == []


@pytest.mark.parametrize(
    ("x", "y", "z", "expected"),
    [
        (1 + 2.0**-12, 1 + 2.0**-12, 2.0**-60, 1 + 2.0**-11 + 2.0**-23),  # above a tie by less than binary64 sees
        (1 + 2.0**-12, 1 + 2.0**-12, -(2.0**-60), 1 + 2.0**-11),
        (-1 - 2.0**-12, 1 + 2.0**-12, 2.0**-60, -1 - 2.0**-11),
        (-1 - 2.0**-12, 1 + 2.0**-12, -(2.0**-60), -1 - 2.0**-11 - 2.0**-23),
        (1 + 2.0**-12, 1 + 2.0**-12, 2.0**-23, 1 + 2.0**-11 + 2.0**-22),  # exact sums are left alone
        (2.0**-75, 2.0**-75, 1.0, 1.0),
        (2.0**-75, 2.0**-75, 2.0**-149, 2.0**-148),  # one and a half of it, to even
        (2.0**-75, -(2.0**-75), 2.0**-149, 0.0),  # half of it is a tie, to even
        (3.0, 2.0**-151, 2.0**-149, 2.0**-148),
        (GREATEST, 1.0, GREATEST, INFINITY),
        # 2**30 + 1 = 32513 * 33025: above the tie of z and 1 + 2**-23 by less than binary64 sees, and |z| > |x * y|
        (32513 * 2.0**-27, 33025 * 2.0**-27, 1.0, 1 + 2.0**-23),
        (-32513 * 2.0**-27, 33025 * 2.0**-27, -1.0, -1 - 2.0**-23),
        # 2**30 - 1 = 32767 * 32769: below the tie, which would be rounded up
        (32767 * 2.0**-27, 32769 * 2.0**-27, 1 + 2.0**-23, 1 + 2.0**-23),
        # 3 * (2**30 - 1) = 217 * 14844357: the binary64 sum is odd, 2**-52 below the tie 1 + 3 * 2**-24
        (217 * 2.0**-27, 14844357 * 2.0**-27, 1.0, 1 + 2.0**-23),
        # 3 * (2**30 + 1) = 195 * 16519105: the binary64 sum is odd, 2**-52 above the tie 1 + 5 * 2**-24
        (195 * 2.0**-27, 16519105 * 2.0**-27, 1 + 2.0**-23, 1 + 3 * 2.0**-23),
    ],
)
def test_fma_written_out(x, y, z, expected):
    assert fma(x, y, z) == expected
    assert fma(y, x, z) == expected


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (1.0, "0x0.0p+0"),
        (2.0, "0x1.62e42fefa39efp-1"),
        (0.5, "-0x1.62e42fefa39efp-1"),
    ],
)
def test_log_written_out(x, expected):
    assert log(x) == float.fromhex(expected)


def log_definition(x: float) -> float:
    """The steps of the docstring on exact values, rounded to binary64 once each."""
    m, n = math.frexp(x)
    m, n = (m, n) if m > math.sqrt(0.5) else (2 * m, n - 1)
    s = float((Fraction(m) - 1) / (Fraction(m) + 1))
    square, p = Fraction(float(Fraction(s) ** 2)), 0.0
    for k in range(21, 0, -2):
        p = float(Fraction(float(Fraction(p) * square)) + Fraction(float(Fraction(1, k))))
    of_m = Fraction(float(Fraction(2 * s) * Fraction(p)))
    return float(Fraction(float(n * Fraction(spec.LN2))) + of_m)


SERIES_ENDS = [0x3F35B81B, 0x3F354850, 0x3F369C44, 0x3FB24402, 0x3FAE2CB6]  # where a term s**22 would show


def test_log_is_its_steps():
    """m near both of its ends, powers of two times them, a subnormal."""
    ends = [from_bits(bits) for bits in (*SERIES_ENDS, 0x3F3504F3, 0x3F3504F4, 0x3FB504F3, 0x3FB504F4)]
    values = [*ends, *(x * 2.0**n for x in ends for n in (-125, -1, 1, 126)), 3 * 2.0**-149, GREATEST]
    assert [x for x in values if log(x) != log_definition(x)] == []


def exp_binary64_definition(x: float) -> float:
    """The steps of the docstring on exact values, rounded to binary64 once each, and for n to float32."""
    n = exact_half_even(Fraction(nearest_float32(Fraction(float(Fraction(x) * Fraction(LOG2_E))))))
    r = Fraction(float(Fraction(x) - Fraction(float(n * Fraction(spec.LN2)))))
    p = 0.0
    for k in range(13, -1, -1):
        p = float(Fraction(float(Fraction(p) * r)) + Fraction(float(Fraction(1, math.factorial(k)))))
    return float(Fraction(p) * Fraction(2) ** n)


def test_exp_binary64_is_its_steps():
    """Around the ties of n, which the rounding to float32 makes of their neighbours; and the ends."""
    ties = [(k + 0.5) / LOG2_E * (1 + side * 2.0**-26) for k in range(-151, 151, 5) for side in (-1, 1)]
    values = [x for x in ties if abs(x) <= 105.0] + [0.0, 105.0, -105.0]
    assert len(values) > 100
    assert [x for x in values if exp_binary64(x) != exp_binary64_definition(x)] == []


@pytest.mark.parametrize("x", [0.0, 0.3, 0.49, 0.5, -0.5, 1.5, 2.5, -1.5, 3.7, -3.7, 8388607.5, -8388607.5, 2.0**30])
def test_half_even_gives_ints(x):
    assert half_even(x) == exact_half_even(Fraction(x))
    assert type(half_even(x)) is int


@pytest.mark.parametrize("x", [65504.0, 65519.0, 65520.0, 1e6, 3e38, INFINITY])
def test_float16_beyond_the_range(x):
    expected = 65504.0 if x < 65520.0 else INFINITY
    assert (float16(x), float16(-x)) == (expected, -expected)


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (2.0, 3.0, 8.0),
        (-2.0, 3.0, -8.0),
        (-2.0, 2.0, 4.0),
        (-2.0, -1.0, -0.5),
        (-1.0, 16777215.0, -1.0),  # the greatest odd float32
        (-1.0, 16777216.0, 1.0),
        (-1.0, 16777218.0, 1.0),
        (-1.0, -16777215.0, -1.0),
        (1.5, 0.0, 1.0),
        (-1.5, 0.0, 1.0),
        (0.0, 0.0, 1.0),
        (0.0, 1.0, 0.0),
        (0.0, -1.0, INFINITY),
        (0.0, 0.5, 0.0),
        (0.0, -0.5, INFINITY),
        (0.0, 2.0**-149, 0.0),
        (0.0, -(2.0**-149), INFINITY),
        (4.0, 0.5, 2.0),
        (2.0, -126.0, 2.0**-126),
        (2.0, -149.0, 2.0**-149),
        (2.0, 127.0, 2.0**127),
        (2.0, 128.0, INFINITY),
        (2.0, -151.0, 0.0),
        (2.0, 1e6, INFINITY),
        (2.0, -1e6, 0.0),
        (2.0**-149, 1.0, 2.0**-149),
        (GREATEST, 1.0, GREATEST),
    ],
)
def test_power_written_out(x, y, expected):
    assert power(x, y) == expected


def test_power_of_negative_values_to_fractions_is_nan():
    assert math.isnan(power(-1.0, 0.5))
    assert math.isnan(power(-1.0, 8388607.5))
    assert math.isnan(power(-(2.0**-149), 0.5))
    assert to_bits(abs(power(-0.0, 3.0))) == 0
    assert math.copysign(1.0, power(-0.0, 3.0)) == -1.0
    assert math.copysign(1.0, power(-0.0, 2.0)) == 1.0
    assert math.copysign(1.0, power(-0.0, 0.75)) == 1.0  # 0.75 is not odd, the integer nearest to it is
    assert float32(power(3.0, 0.5)) == power(3.0, 0.5)

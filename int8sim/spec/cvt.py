"""PTX cvt to 8-bit integers, by integer arithmetic on the bit pattern.

The result is always clamped to the destination (`.sat` changes nothing), NaN gives 0, and only the flush of subnormals
(`.ftz`) can be chosen. Source: NVIDIA PTX ISA, cvt and cvt.pack.
"""

from __future__ import annotations

from int8sim.spec.integers import S32, U32, saturate
from int8sim.spec.rounding import Rounding, shift_right

RNI = Rounding.HALF_EVEN
RZI = Rounding.TOWARD_ZERO
RMI = Rounding.FLOOR
RPI = Rounding.CEIL

EXPONENT_BIAS = 150  # 127, and the 23 fraction bits
MANTISSA_ONE = 1 << 23


def float32_to_int8(bits: U32, rounding: int, signed: bool = True, flush: bool = False) -> int:
    """cvt.{rni,rzi,rmi,rpi}[.ftz].{s8,u8}.f32: a float32 bit pattern to -128 .. 127 or 0 .. 255.

    rounding: HALF_EVEN (.rni), TOWARD_ZERO (.rzi), FLOOR (.rmi), CEIL (.rpi); any other `Rounding` works too.
    flush: subnormal inputs become 0 before rounding (.ftz).
    """
    exponent = (bits >> 23) & 0xFF
    fraction = bits & (MANTISSA_ONE - 1)
    magnitude = fraction + (MANTISSA_ONE if exponent > 0 else 0)
    if exponent == 0 and flush:
        magnitude = 0
    if exponent == 255 and fraction != 0:
        magnitude = 0
    value = -magnitude if bits >> 31 else magnitude
    left = min(max(exponent - EXPONENT_BIAS, 0), 16)  # 2**23 << 16 is as far beyond the range as any
    right = min(max(EXPONENT_BIAS - max(exponent, 1), 0), 32)  # 2**24 >> 32 rounds as any smaller fraction
    return saturate(shift_right(value << left, right, rounding), 8, signed)


def float32_to_int8_is_defined(bits: int, rounding: int) -> bool:
    """PTX has four of the roundings; a NaN gives 0 by the manual, but devices were reported to disagree."""
    is_nan = (bits >> 23) & 0xFF == 0xFF and bits & (MANTISSA_ONE - 1) != 0
    return rounding in {RNI, RZI, RMI, RPI} and not is_nan


def int32_to_int8(value: S32, signed: bool = True) -> int:
    """cvt.sat.{s8,u8}.s32: clamp."""
    return saturate(value, 8, signed)


def pack_saturate(a: S32, b: S32, c: U32, signed: bool = True) -> int:
    """cvt.pack.sat.{s8,u8}.s32.b32: clamp(b) in bits 7..0, clamp(a) in 15..8, c shifted left by 16 above.

    Returns the 32-bit pattern. Four words x0 .. x3 pack as pack(x1, x0, pack(x3, x2, 0)).
    """
    low = saturate(b, 8, signed) & 0xFF
    high = saturate(a, 8, signed) & 0xFF
    return (c << 16) & 0xFFFF0000 | high << 8 | low

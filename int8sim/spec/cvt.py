"""PTX cvt and cvt.pack, by integer arithmetic on bit patterns.

One function per direction; a float format is named by its width: 16 (f16), 32 (f32), 64 (f64).

| PTX | function |
| --- | --- |
| cvt.{rni,rzi,rmi,rpi}[.ftz][.sat].{s,u}{8,16,32,64}.{f16,f32,f64} | float_to_integer |
| cvt[.sat].{s,u}{8,16,32,64}.{s,u}{8,16,32,64} | integer_to_integer |
| cvt.{rn,rz,rm,rp}[.sat].{f16,f32,f64}.{s,u}{8,16,32,64} | integer_to_float |
| cvt[.rn,.rz,.rm,.rp][.ftz][.sat].{f16,f32,f64}.{f16,f32,f64} | float_to_float |
| cvt.{rni,rzi,rmi,rpi}[.ftz][.sat].{f16.f16,f32.f32,f64.f64} | float_to_integral |
| cvt.pack.sat.{s16,u16}.s32, cvt.pack.sat.{s8,u8,s4,u4,s2,u2}.s32.b32 | pack_saturate_to |

A float becomes an integer that is always clamped to its destination (`.sat` changes nothing); an integer is clamped
with `.sat` and loses its upper bits without; a float result is clamped to 0 .. 1 with `.sat`. Source: NVIDIA PTX ISA,
cvt and cvt.pack. Words of 64 bits are for the interpreter: compiled functions hold sources and results of up to 32
bits, and f64 sources.
"""

from __future__ import annotations

from int8sim.spec.float_format import (
    compose,
    exponent_bias,
    exponent_field,
    fraction_bits,
    infinity,
    is_infinite_or_nan,
    is_nan,
    is_negative,
    last_place,
    signed_pattern,
    significand,
)
from int8sim.spec.integers import S32, S33, S64, U16, U32, saturate, wrap
from int8sim.spec.rounding import Rounding, shift_right

RNI = RN = Rounding.HALF_EVEN
RZI = RZ = Rounding.TOWARD_ZERO
RMI = RM = Rounding.FLOOR
RPI = RP = Rounding.CEIL
ROUNDINGS = (Rounding.HALF_EVEN, Rounding.TOWARD_ZERO, Rounding.FLOOR, Rounding.CEIL)


def float_to_integer(bits: S64, source: int, width: int, signed: bool, rounding: int, flush: bool = False) -> int:
    """cvt.{rni,rzi,rmi,rpi}[.ftz].{s,u}{width}.f{source}: rounded, then clamped to the destination.

    bits: a pattern of `source` bits. flush: subnormal inputs become 0 before rounding (.ftz, f32 only). A NaN gives 0,
    or, if source or destination has 64 bits, the destination's top bit alone.
    """
    if is_nan(bits, source):
        value = (1 << (width - 1)) if max(source, width) == 64 else 0
        return -value if signed else value
    magnitude = significand(bits, source, flush)
    value = -magnitude if is_negative(bits, source) else magnitude
    beyond = max(width - fraction_bits(source), 0)  # any normal number, shifted so far, is outside the range
    far = is_infinite_or_nan(bits, source)
    left = beyond if far else min(max(last_place(bits, source), 0), beyond)
    right = min(max(-last_place(bits, source), 0), fraction_bits(source) + 2)  # below a half, as anything smaller
    return saturate(shift_right(value << left, right, rounding), width, signed)


def float_to_integer_is_defined(bits: int, source: int, rounding: int, flush: bool = False) -> bool:
    """PTX has four of the roundings, and .ftz for f32 alone; devices were reported to disagree about NaN."""
    return rounding in ROUNDINGS and not is_nan(bits, source) and (source == 32 or not flush)


def float32_to_int8(bits: U32, rounding: int, signed: bool = True, flush: bool = False) -> int:
    """cvt.{rni,rzi,rmi,rpi}[.ftz].{s8,u8}.f32: a float32 bit pattern to -128 .. 127 or 0 .. 255.

    rounding: HALF_EVEN (.rni), TOWARD_ZERO (.rzi), FLOOR (.rmi), CEIL (.rpi); any other `Rounding` works too.
    flush: subnormal inputs become 0 before rounding (.ftz).
    """
    return float_to_integer(bits, 32, 8, signed, rounding, flush)


def float32_to_int8_is_defined(bits: int, rounding: int) -> bool:
    """PTX has four of the roundings; a NaN gives 0 by the manual, but devices were reported to disagree."""
    return float_to_integer_is_defined(bits, 32, rounding)


def float16_to_int8(bits: U16, rounding: int, signed: bool = True) -> int:
    """cvt.{rni,rzi,rmi,rpi}.{s8,u8}.f16: a float16 bit pattern to -128 .. 127 or 0 .. 255. It has no .ftz."""
    return float_to_integer(bits, 16, 8, signed, rounding)


def read(register: S64, width: int, signed: bool) -> int:
    """The low `width` bits of a register as a signed or unsigned word: how an operand narrower than it is read."""
    return wrap(register, width) if signed else register & ((1 << width) - 1)


def extend(value: S64, width: int = 32) -> int:
    """The pattern of a result in a register of `width` bits: extended by its sign, an unsigned one by zeros."""
    return value & ((1 << width) - 1)


def integer_to_integer(
    register: S64, source: int, source_signed: bool, width: int, signed: bool, saturating: bool = False
) -> int:
    """cvt[.sat].{s,u}{width}.{s,u}{source}: the low bits of the source operand, or the nearest value (.sat)."""
    value = read(register, source, source_signed)
    return saturate(value, width, signed) if saturating else read(value, width, signed)


def integer_to_integer_is_defined(
    source: int, source_signed: bool, width: int, signed: bool, saturating: bool = False
) -> bool:
    """.sat is illegal where the destination holds every value of the source."""
    holds = width >= source if signed == source_signed else signed and width > source
    return not (saturating and holds)


def int32_to_int8(value: S32, signed: bool = True) -> int:
    """cvt.sat.{s8,u8}.s32: clamp."""
    return saturate(value, 8, signed)


def integer_to_float(value: S33, width: int, rounding: int, saturating: bool = False) -> int:
    """cvt.{rn,rz,rm,rp}[.sat].f{width}.{s,u}{8,16,32,64}: the pattern of an integer as a float; .sat: of 0 .. 1.

    An integer beyond f16's range becomes infinity or the greatest number, as IEEE 754 has it for each rounding.
    """
    bits = compose(value < 0, abs(value), 0, width, rounding)
    return clamp_to_one(bits, width) if saturating else bits


def integer_to_float_is_defined(rounding: int) -> bool:
    """PTX has four of the roundings."""
    return rounding in ROUNDINGS


def float_to_float(
    bits: S64, source: int, width: int, rounding: int, flush: bool = False, saturating: bool = False
) -> int:
    """cvt[.rn,.rz,.rm,.rp][.ftz][.sat].f{width}.f{source}: the pattern of the nearest float.

    flush: f32 operands and f32 results that are subnormal become 0 of their sign (.ftz). saturating: .sat, see
    `clamp_to_one`. A NaN becomes the canonical one, all ones below the sign.
    """
    if is_nan(bits, source):
        return 0 if saturating else (1 << (width - 1)) - 1
    if is_infinite_or_nan(bits, source):
        found = signed_pattern(is_negative(bits, source), infinity(width), width)
    else:
        magnitude = significand(bits, source, flush and source == 32)
        found = compose(is_negative(bits, source), magnitude, last_place(bits, source), width, rounding)
    if flush and width == 32 and exponent_field(found, width) == 0:
        found = signed_pattern(is_negative(found, width), 0, width)
    return clamp_to_one(found, width) if saturating else found


def float_to_float_is_defined(
    bits: int, source: int, width: int, rounding: int, flush: bool = False, saturating: bool = False
) -> bool:
    """As `float_to_integer_is_defined`, with .ftz for f32 on either side; the payload of a NaN is no architecture's."""
    legal = rounding in ROUNDINGS and (32 in {source, width} or not flush)
    return legal and (saturating or not is_nan(bits, source))


def float_to_integral(bits: S64, width: int, rounding: int, flush: bool = False, saturating: bool = False) -> int:
    """cvt.{rni,rzi,rmi,rpi}[.ftz][.sat].f{width}.f{width}: the nearest integer in the same format, a zero signed."""
    if last_place(bits, width) >= 0:  # infinities and NaN among them
        return float_to_float(bits, width, width, rounding, flush, saturating)
    magnitude = significand(bits, width, flush and width == 32)
    value = -magnitude if is_negative(bits, width) else magnitude
    right = min(-last_place(bits, width), fraction_bits(width) + 2)
    found = compose(is_negative(bits, width), abs(shift_right(value, right, rounding)), 0, width, rounding)
    return clamp_to_one(found, width) if saturating else found


def pack_saturate(a: S32, b: S32, c: U32, signed: bool = True) -> int:
    """cvt.pack.sat.{s8,u8}.s32.b32: clamp(b) in bits 7..0, clamp(a) in 15..8, c shifted left by 16 above.

    Returns the 32-bit pattern. Four words x0 .. x3 pack as pack(x1, x0, pack(x3, x2, 0)).
    """
    return pack_saturate_to(a, b, c, 8, signed)


def pack_saturate_to(a: S32, b: S32, c: U32, width: int, signed: bool) -> int:
    """cvt.pack.sat to fields of 16, 8, 4 or 2 bits: clamp(b) lowest, clamp(a) next, c above (which 16 bits push out).

    Returns the 32-bit pattern.
    """
    low = extend(saturate(b, width, signed), width)
    high = extend(saturate(a, width, signed), width)
    return extend(c << (2 * width), 32) | high << width | low


def clamp_to_one(bits: S64, width: int) -> int:
    """.sat of a float result: the nearest of 0 .. 1; every negative one, -0 too, becomes +0."""
    return 0 if is_negative(bits, width) else min(bits, exponent_bias(width) << fraction_bits(width))

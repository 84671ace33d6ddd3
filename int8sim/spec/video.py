"""PTX's saturating 32-bit sums, and its SIMD video instructions on four bytes at once.

add.sat and sub.sat exist for s32 alone. A video instruction picks four bytes for each side out of the eight of {b, a},
extends them by that side's type, operates exactly, and merges the results into c or adds them to it:
vop4.dtype.atype.btype[.sat] d{.mask}, a{.asel}, b{.bsel}, c, or vop4.dtype.atype.btype.add. Every function takes

    a, b, c      32-bit words, signed or unsigned spelling
    d_signed ..  .s32, else .u32: of dtype, which only .sat reads, and of atype and btype
    saturating   .sat: a result is clamped to s8 or u8; without it, only its low byte is merged
    adding       .add: c plus the exact results, modulo 2**32; not together with .sat
    mask         four bits: which lanes are merged or added; the others are c's, or nothing. .b3210 is 0b1111
    a_select ..  the selector's digits as hexadecimal ones: .b3210 is 0x3210, .b7654 is 0x7654; 4 .. 7 are b's bytes

and returns the 32-bit pattern. Source: NVIDIA PTX ISA, add, sub, and SIMD Video Instructions.
"""

from __future__ import annotations

from enum import IntEnum

from int8sim.spec.dp4a import WORD, lane
from int8sim.spec.integers import S32, U4, U16, U32, saturate

FROM_A = 0x3210
FROM_B = 0x7654
ALL = 0b1111


class Operation(IntEnum):
    """What a video instruction does in one lane."""

    ADD = 0
    SUBTRACT = 1
    AVERAGE = 2
    ABSOLUTE_DIFFERENCE = 3
    MINIMUM = 4
    MAXIMUM = 5


def add_sat_s32(a: S32, b: S32) -> int:
    """add.sat.s32: the sum, clamped to 32 bits."""
    return saturate(a + b, 32)


def sub_sat_s32(a: S32, b: S32) -> int:
    """sub.sat.s32: the difference, clamped to 32 bits."""
    return saturate(a - b, 32)


def lane_result(operation: int, x: S32, y: S32) -> int:
    """One lane's exact result. An average rounds a tie away from zero: up, and a negative sum's down."""
    if operation == Operation.ADD:
        return x + y
    if operation == Operation.SUBTRACT:
        return x - y
    if operation == Operation.AVERAGE:
        return (x + y + (x + y >= 0)) >> 1
    if operation == Operation.ABSOLUTE_DIFFERENCE:
        return abs(x - y)
    return min(x, y) if operation == Operation.MINIMUM else max(x, y)


def selected(a: U32, b: U32, selector: U16, index: int, signed: bool) -> int:
    """The byte of {b, a} that hexadecimal digit `index` of the selector names, sign- or zero-extended."""
    digit = (selector >> (4 * index)) & 7
    return lane(b if digit > 3 else a, digit & 3, signed)


def vop4(
    operation: int,
    a: U32,
    b: U32,
    c: U32,
    d_signed: bool = True,
    a_signed: bool = True,
    b_signed: bool = True,
    saturating: bool = False,
    adding: bool = False,
    mask: U4 = ALL,
    a_select: U16 = FROM_A,
    b_select: U16 = FROM_B,
) -> int:
    """Any of the six instructions. operation: an `Operation`."""
    total = c if adding else 0
    for i in range(4):
        x = selected(a, b, a_select, i, a_signed)
        y = selected(a, b, b_select, i, b_signed)
        result = lane_result(operation, x, y)
        if saturating:
            result = saturate(result, 8, d_signed)
        chosen = (mask >> i) & 1
        if adding:
            total += result * chosen
        else:
            total |= (result & 0xFF if chosen else lane(c, i, False)) << (8 * i)
    return total & WORD


def vop4_is_defined(saturating: bool, adding: bool) -> bool:
    """.sat and .add are never together."""
    return not (saturating and adding)


def vadd4(
    a: U32,
    b: U32,
    c: U32 = 0,
    d_signed: bool = True,
    a_signed: bool = True,
    b_signed: bool = True,
    saturating: bool = False,
    adding: bool = False,
    mask: U4 = ALL,
    a_select: U16 = FROM_A,
    b_select: U16 = FROM_B,
) -> int:
    """Four sums."""
    return vop4(Operation.ADD, a, b, c, d_signed, a_signed, b_signed, saturating, adding, mask, a_select, b_select)


def vsub4(
    a: U32,
    b: U32,
    c: U32 = 0,
    d_signed: bool = True,
    a_signed: bool = True,
    b_signed: bool = True,
    saturating: bool = False,
    adding: bool = False,
    mask: U4 = ALL,
    a_select: U16 = FROM_A,
    b_select: U16 = FROM_B,
) -> int:
    """Four differences, a - b."""
    return vop4(Operation.SUBTRACT, a, b, c, d_signed, a_signed, b_signed, saturating, adding, mask, a_select, b_select)


def vavrg4(
    a: U32,
    b: U32,
    c: U32 = 0,
    d_signed: bool = True,
    a_signed: bool = True,
    b_signed: bool = True,
    saturating: bool = False,
    adding: bool = False,
    mask: U4 = ALL,
    a_select: U16 = FROM_A,
    b_select: U16 = FROM_B,
) -> int:
    """Four averages, (a + b) / 2, ties away from zero."""
    return vop4(Operation.AVERAGE, a, b, c, d_signed, a_signed, b_signed, saturating, adding, mask, a_select, b_select)


def vabsdiff4(
    a: U32,
    b: U32,
    c: U32 = 0,
    d_signed: bool = True,
    a_signed: bool = True,
    b_signed: bool = True,
    saturating: bool = False,
    adding: bool = False,
    mask: U4 = ALL,
    a_select: U16 = FROM_A,
    b_select: U16 = FROM_B,
) -> int:
    """Four absolute differences, |a - b|."""
    return vop4(
        Operation.ABSOLUTE_DIFFERENCE,
        a,
        b,
        c,
        d_signed,
        a_signed,
        b_signed,
        saturating,
        adding,
        mask,
        a_select,
        b_select,
    )


def vmin4(
    a: U32,
    b: U32,
    c: U32 = 0,
    d_signed: bool = True,
    a_signed: bool = True,
    b_signed: bool = True,
    saturating: bool = False,
    adding: bool = False,
    mask: U4 = ALL,
    a_select: U16 = FROM_A,
    b_select: U16 = FROM_B,
) -> int:
    """The smaller of each pair."""
    return vop4(Operation.MINIMUM, a, b, c, d_signed, a_signed, b_signed, saturating, adding, mask, a_select, b_select)


def vmax4(
    a: U32,
    b: U32,
    c: U32 = 0,
    d_signed: bool = True,
    a_signed: bool = True,
    b_signed: bool = True,
    saturating: bool = False,
    adding: bool = False,
    mask: U4 = ALL,
    a_select: U16 = FROM_A,
    b_select: U16 = FROM_B,
) -> int:
    """The greater of each pair."""
    return vop4(Operation.MAXIMUM, a, b, c, d_signed, a_signed, b_signed, saturating, adding, mask, a_select, b_select)

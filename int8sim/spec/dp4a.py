"""PTX dp4a and dp2a: four, or two, byte products added to a 32-bit accumulator modulo 2**32.

Words are 32-bit patterns, given as signed or unsigned ints; lane 0 is bits 7..0. Each operand's lanes are sign- or
zero-extended by that operand's own type. Source: NVIDIA PTX ISA, dp4a and dp2a (no saturating form exists).
"""

from __future__ import annotations

from int8sim.spec.integers import U32, wrap

WORD = 0xFFFFFFFF


def lane(word: U32, index: int, signed: bool) -> int:
    """Byte `index` (0 lowest .. 3) of a 32-bit word, sign- or zero-extended."""
    byte = (word >> (8 * index)) & 0xFF
    return byte - ((byte >> 7) << 8) if signed else byte


def half(word: U32, index: int, signed: bool) -> int:
    """16-bit half `index` (0 lower, 1 upper) of a 32-bit word, sign- or zero-extended."""
    value = (word >> (16 * index)) & 0xFFFF
    return value - ((value >> 15) << 16) if signed else value


def accumulate(total: int, a_signed: bool, b_signed: bool) -> int:
    """The result register: u32 if both types are unsigned, else s32; wraps either way."""
    return wrap(total, 32) if a_signed or b_signed else total & WORD


def dp4a(a: U32, b: U32, c: U32, a_signed: bool = True, b_signed: bool = True) -> int:
    """c + a0*b0 + a1*b1 + a2*b2 + a3*b3 modulo 2**32, as s32 (as u32 if both operands are unsigned)."""
    total = c
    for i in range(4):
        total += lane(a, i, a_signed) * lane(b, i, b_signed)
    return accumulate(total, a_signed, b_signed)


def dp2a(a: U32, b: U32, c: U32, high: bool = False, a_signed: bool = True, b_signed: bool = True) -> int:
    """c + the two 16-bit halves of a times bytes 0, 1 of b (.lo), or bytes 2, 3 (.hi), modulo 2**32."""
    first = 2 if high else 0
    total = c
    for i in range(2):
        total += half(a, i, a_signed) * lane(b, first + i, b_signed)
    return accumulate(total, a_signed, b_signed)


def pack4(lane0: int, lane1: int, lane2: int, lane3: int) -> int:
    """Four bytes, int8 or uint8, as a 32-bit pattern 0 .. 2**32 - 1; lane 0 is the lowest byte."""
    return (lane0 & 0xFF) | (lane1 & 0xFF) << 8 | (lane2 & 0xFF) << 16 | (lane3 & 0xFF) << 24


def unpack4(word: U32, signed: bool = True) -> tuple[int, int, int, int]:
    """The four bytes of a 32-bit word, lane 0 first, sign- or zero-extended."""
    return lane(word, 0, signed), lane(word, 1, signed), lane(word, 2, signed), lane(word, 3, signed)

"""Two's complement words as plain ints.

Three words for overflow, never mixed: `wrap` keeps the low bits, `saturate` clips to the word's range, and a plain `+`
or `*` is exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Word:
    """The range an operand may take: the annotation that the operand-limit test reads.

    bits: width, 1 to 64. signed: two's complement, else 0 .. 2**bits - 1.
    """

    bits: int
    signed: bool

    @property
    def low(self) -> int:
        """The smallest value."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        """The greatest value."""
        return (1 << (self.bits - self.signed)) - 1


S5 = Annotated[int, Word(5, signed=True)]
S6 = Annotated[int, Word(6, signed=True)]
S8 = Annotated[int, Word(8, signed=True)]
S9 = Annotated[int, Word(9, signed=True)]
S11 = Annotated[int, Word(11, signed=True)]
S14 = Annotated[int, Word(14, signed=True)]
S15 = Annotated[int, Word(15, signed=True)]
S16 = Annotated[int, Word(16, signed=True)]
S17 = Annotated[int, Word(17, signed=True)]
S19 = Annotated[int, Word(19, signed=True)]
S23 = Annotated[int, Word(23, signed=True)]
S25 = Annotated[int, Word(25, signed=True)]
S32 = Annotated[int, Word(32, signed=True)]
S33 = Annotated[int, Word(33, signed=True)]
S34 = Annotated[int, Word(34, signed=True)]
S48 = Annotated[int, Word(48, signed=True)]
S50 = Annotated[int, Word(50, signed=True)]
S62 = Annotated[int, Word(62, signed=True)]
S64 = Annotated[int, Word(64, signed=True)]
U1 = Annotated[int, Word(1, signed=False)]
U2 = Annotated[int, Word(2, signed=False)]
U3 = Annotated[int, Word(3, signed=False)]
U4 = Annotated[int, Word(4, signed=False)]
U5 = Annotated[int, Word(5, signed=False)]
U6 = Annotated[int, Word(6, signed=False)]
U8 = Annotated[int, Word(8, signed=False)]
U10 = Annotated[int, Word(10, signed=False)]
U15 = Annotated[int, Word(15, signed=False)]
U16 = Annotated[int, Word(16, signed=False)]
U17 = Annotated[int, Word(17, signed=False)]
U31 = Annotated[int, Word(31, signed=False)]
U32 = Annotated[int, Word(32, signed=False)]
U35 = Annotated[int, Word(35, signed=False)]


def wrap(value: int, bits: int) -> int:
    """The low `bits` bits of `value`, read as a signed word. Two's complement addition and multiplication do this."""
    sign = 1 << (bits - 1)
    return ((value & ((1 << bits) - 1)) ^ sign) - sign


def saturate(value: int, bits: int, signed: bool = True) -> int:
    """The value of a `bits`-wide word that is nearest to `value`: -2**(bits-1) .. 2**(bits-1)-1, or 0 .. 2**bits-1."""
    if signed:
        return min(max(value, -(1 << (bits - 1))), (1 << (bits - 1)) - 1)
    return min(max(value, 0), (1 << bits) - 1)


def clamp(value: int, low: int, high: int) -> int:
    """The value in low .. high that is nearest to `value`; low <= high."""
    return min(max(value, low), high)


def clamp_offset(value: S32, offset: S16, low: S16, high: S16) -> int:
    """clamp(value + offset, low, high), with no sum wider than 32 bits."""
    bottom: S32 = low - offset
    top: S32 = high - offset
    code: S32 = clamp(value, bottom, top) + offset
    return code


def sign_extend(value: int, bits: int) -> int:
    """The low `bits` bits read as a signed word: `wrap` under the name hardware uses when it widens a field."""
    return wrap(value, bits)


def leading_zeros_32(value: U32) -> int:
    """How many zero bits lie above the highest one of a 32-bit unsigned word: 0 .. 32 (32 for 0).

    Written as five comparisons, so that it vectorises.
    """
    count = 0
    rest = value
    if rest >> 16 == 0:
        count, rest = count + 16, rest << 16
    if rest >> 24 == 0:
        count, rest = count + 8, rest << 8
    if rest >> 28 == 0:
        count, rest = count + 4, rest << 4
    if rest >> 30 == 0:
        count, rest = count + 2, rest << 2
    if rest >> 31 == 0:
        count = count + 1 + (rest == 0)
    return count


def saturating_add(acc: S34, product: S34, bits: int) -> int:
    """acc + product, saturated to `bits`: one step of an accumulator that saturates at every step."""
    return saturate(acc + product, bits)

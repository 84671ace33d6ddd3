"""Integer and logic instructions, and comparisons: what each does to arrays of its type.

Source: NVIDIA, PTX ISA 9.0, Integer Arithmetic, Logic and Shift, Comparison and Selection Instructions.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping

import numpy as np

from int8sim.kernels.cuda.interpreter.program import Kind
from int8sim.model.step import Array

Function = Callable[..., Array]
"""(kind, values of the sources ...) -> values of the result."""


def multiply_low(kind: Kind, a: Array, b: Array) -> Array:
    """The lower half of the product."""
    del kind
    found: Array = a * b
    return found


def multiply_wide(kind: Kind, a: Array, b: Array) -> Array:
    """The whole product, in twice the bits."""
    wide = Kind(kind.letter, 2 * kind.bits).dtype
    found: Array = a.astype(wide) * b.astype(wide)
    return found


def multiply_high(kind: Kind, a: Array, b: Array) -> Array:
    """The upper half of the product."""
    if kind.bits < 64:
        whole: Array = multiply_wide(kind, a, b) >> kind.bits
        return whole.astype(kind.dtype)
    x, y = a.view(np.uint64), b.view(np.uint64)
    low, high = np.uint64(0xFFFFFFFF), np.uint64(32)
    cross = (x & low) * (y >> high) + ((x & low) * (y & low) >> high)
    middle = (x >> high) * (y & low) + (cross & low)
    found: Array = (x >> high) * (y >> high) + (cross >> high) + (middle >> high)
    if kind.letter == "s":
        found = found - np.where(a < 0, y, np.uint64(0)) - np.where(b < 0, x, np.uint64(0))
    return found.view(kind.dtype)


def multiply_24(kind: Kind, a: Array, b: Array) -> Array:
    """mul24.lo: of the low 24 bits, by their own sign."""
    found: Array = _low_24(kind, a) * _low_24(kind, b)
    return found


def _low_24(kind: Kind, a: Array) -> Array:
    shifted: Array = (a << 8) >> 8 if kind.letter == "s" else a & 0xFFFFFF
    return shifted


def divide(kind: Kind, a: Array, b: Array) -> Array:
    """Toward zero; by zero all ones, of which the manual says nothing."""
    x, y = _magnitude(a), _magnitude(b)
    quotient = np.where(y == 0, ~x.dtype.type(0), x // np.maximum(y, x.dtype.type(1)))
    found: Array = np.where((a < 0) != (b < 0), -quotient, quotient).view(kind.dtype)
    return found


def remainder(kind: Kind, a: Array, b: Array) -> Array:
    """With the sign of a."""
    x, y = _magnitude(a), _magnitude(b)
    rest = np.where(y == 0, x, x % np.maximum(y, x.dtype.type(1)))
    found: Array = np.where(a < 0, -rest, rest).view(kind.dtype)
    return found


def _magnitude(a: Array) -> Array:
    word = np.dtype(f"u{a.dtype.itemsize}")
    return np.where(a < 0, -a.view(word), a.view(word))


def shift_left(kind: Kind, a: Array, count: Array) -> Array:
    """By more than there are bits: 0."""
    inside = np.minimum(count, kind.bits - 1).astype(kind.dtype)
    found: Array = np.where(count < kind.bits, a << inside, kind.dtype.type(0))
    return found


def shift_right(kind: Kind, a: Array, count: Array) -> Array:
    """By more than there are bits: 0, or the sign."""
    inside = np.minimum(count, kind.bits - 1).astype(kind.dtype)
    found: Array = a >> inside
    if kind.letter != "s":
        found = np.where(count < kind.bits, found, kind.dtype.type(0))
    return found


def funnel(left: bool, wrap: bool) -> Function:
    """shf: 32 bits out of the 64 of {b, a}, shifted by a count modulo 32 or of at most 32."""

    def shift(kind: Kind, a: Array, b: Array, count: Array) -> Array:
        amount = (count & 31 if wrap else np.minimum(count, 32)).astype(np.uint64)
        both = b.astype(np.uint64) << np.uint64(32) | a
        found = (both << amount) >> np.uint64(32) if left else both >> amount
        return found.astype(kind.word)

    return shift


def extract(kind: Kind, a: Array, position: Array, length: Array) -> Array:
    """bfe: `length` bits of a from `position` on, extended by zeros, or by the topmost of them."""
    at, count = (each & 0xFF for each in (position, length))
    word = a.view(kind.word)
    mask = ~_ones(kind, count)
    found = shift_right(Kind("u", kind.bits), word, at) & ~mask
    if kind.letter == "s":
        top = np.minimum(at.astype(np.int64) + count - 1, kind.bits - 1).astype(np.uint32)
        sign = (shift_right(Kind("u", kind.bits), word, top) & 1).astype(bool) & (count > 0)
        beyond = np.minimum(count, np.maximum(kind.bits - at.astype(np.int64), 0)).astype(np.uint32)
        found = np.where(sign, found | ~_ones(kind, beyond), found)
    return found.view(kind.dtype)


def insert(kind: Kind, a: Array, b: Array, position: Array, length: Array) -> Array:
    """bfi: the low `length` bits of a in the place of those of b from `position` on."""
    at, count = (each & 0xFF for each in (position, length))
    mask = shift_left(kind, _ones(kind, count), at)
    return (shift_left(kind, a, at) & mask) | (b & ~mask)


def _ones(kind: Kind, count: Array) -> Array:
    """So many ones, from the low end."""
    return ~shift_left(Kind("u", kind.bits), np.full(count.shape, ~kind.word.type(0)), count)


def permute(kind: Kind, a: Array, b: Array, selector: Array) -> Array:
    """prmt: each byte any of the eight of {b, a}, or its sign, by four bits each."""
    both = b.astype(np.uint64) << np.uint64(32) | a
    found = np.zeros(np.broadcast(a, b, selector).shape, kind.word)
    for i in range(4):
        chosen = (selector >> (4 * i)).astype(np.uint64) & np.uint64(15)
        byte = (both >> ((chosen & np.uint64(7)) * np.uint64(8))).astype(np.uint32) & 0xFF
        signs = np.where(byte > 0x7F, np.uint32(0xFF), np.uint32(0))
        found |= np.where(chosen > 7, signs, byte) << np.uint32(8 * i)
    return found


def any_logic(kind: Kind, a: Array, b: Array, c: Array, table: Array) -> Array:
    """lop3: bit by bit, the bit of the table at place 4 a + 2 b + c."""
    found = np.zeros(np.broadcast(a, b, c).shape, kind.word)
    for place in range(8):
        if int(table[0]) >> place & 1:
            found |= (a if place & 4 else ~a) & (b if place & 2 else ~b) & (c if place & 1 else ~c)
    return found


def bits_set(kind: Kind, a: Array) -> Array:
    """popc."""
    del kind
    return np.bitwise_count(a).astype(np.uint32)


def leading_zeros(kind: Kind, a: Array) -> Array:
    """clz; of 0 all bits."""
    filled = a
    for shift in (1, 2, 4, 8, 16, 32):
        filled = filled | shift_right(kind, filled, np.array([shift], np.uint32))
    return np.uint32(kind.bits) - bits_set(kind, filled)


def reverse(kind: Kind, a: Array) -> Array:
    """brev."""
    found = np.zeros_like(a)
    for i in range(kind.bits):
        found |= (a >> a.dtype.type(i) & a.dtype.type(1)) << a.dtype.type(kind.bits - 1 - i)
    return found


def add_saturating(kind: Kind, a: Array, b: Array) -> Array:
    """add.sat.s32: clamped."""
    return _clamped(kind, a.astype(np.int64) + b)


def subtract_saturating(kind: Kind, a: Array, b: Array) -> Array:
    """sub.sat.s32: clamped."""
    return _clamped(kind, a.astype(np.int64) - b)


def _clamped(kind: Kind, values: Array) -> Array:
    ends = np.iinfo(kind.dtype)
    return np.clip(values, ends.min, ends.max).astype(kind.dtype)


def _plain(function: Callable[..., Array]) -> Function:
    return lambda _kind, *values: function(*values)


def _sum_with(product: Function) -> Function:
    return lambda kind, a, b, c: product(kind, a, b) + c


ARITHMETIC: Mapping[str, Function] = {
    "add": _plain(np.add),
    "sub": _plain(np.subtract),
    "mul.lo": multiply_low,
    "mul.hi": multiply_high,
    "mul.wide": multiply_wide,
    "mul24.lo": multiply_24,
    "mad.lo": _sum_with(multiply_low),
    "mad.hi": _sum_with(multiply_high),
    "mad.wide": _sum_with(multiply_wide),
    "div": divide,
    "rem": remainder,
    "min": _plain(np.minimum),
    "max": _plain(np.maximum),
    "abs": _plain(np.abs),
    "neg": _plain(np.negative),
    "add.sat": add_saturating,
    "sub.sat": subtract_saturating,
    "bfe": extract,
    "bfi": insert,
    "shr": shift_right,
}
"""Of s and u; shr and bfi of b too."""

LOGIC: Mapping[str, Function] = {
    "and": _plain(np.bitwise_and),
    "or": _plain(np.bitwise_or),
    "xor": _plain(np.bitwise_xor),
    "not": _plain(np.invert),
    "shl": shift_left,
    "shr": shift_right,
    "bfi": insert,
    "shf.l.wrap": funnel(True, True),
    "shf.r.wrap": funnel(False, True),
    "shf.l.clamp": funnel(True, False),
    "shf.r.clamp": funnel(False, False),
    "prmt": permute,
    "lop3": any_logic,
    "popc": bits_set,
    "clz": leading_zeros,
    "brev": reverse,
}
"""Of b."""

COMPARISONS: Mapping[str, Callable[[Array, Array], Array]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "lo": operator.lt,
    "ls": operator.le,
    "hi": operator.gt,
    "hs": operator.ge,
}
"""Of integers. Those of reals are in floats.py."""

"""The 8-bit instructions of one thread: dp4a, dp2a, packed sums, and packing with saturation.

Source: NVIDIA, PTX ISA 9.0, dp4a, dp2a, vadd4, cvt.pack.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from int8sim.kernels.cuda.interpreter.program import Instruction, Kind
from int8sim.model.step import Array

U32 = Kind("u", 32)


def lane(words: Array, index: int, bits: int, signed: bool) -> Array:
    """Field `index` of words of 32 bits, int64, extended."""
    field = words.view(np.uint32) >> np.uint32(bits * index)
    return field.astype(f"{'i' if signed else 'u'}{bits // 8}").astype(np.int64)


def dot(instruction: Instruction) -> Callable[[Array, Array, Array], Array]:
    """dp4a or dp2a: words of a, of b, and of the sum, modulo 2**32."""
    a_signed, b_signed = (each.letter == "s" for each in instruction.kinds)
    if instruction.opcode == "dp4a":
        pairs, bits = [(i, i) for i in range(4)], 8
    else:
        first = 2 if instruction.name == "dp2a.hi" else 0
        pairs, bits = [(i, first + i) for i in range(2)], 16

    def product(a: Array, b: Array, c: Array) -> Array:
        total = c.astype(np.int64)
        for i, j in pairs:
            total = total + lane(a, i, bits, a_signed) * lane(b, j, 8, b_signed)
        return total.astype(np.uint32)

    return product


def packed_sum(instruction: Instruction) -> Callable[[Array, Array, Array], Array]:
    """vadd4: four bytes of a and of b, added, clamped to the type of the result (.sat), or modulo 256."""
    to, a_kind, b_kind = (each.letter == "s" for each in instruction.kinds)
    ends = np.iinfo(np.int8 if to else np.uint8)

    def add(a: Array, b: Array, _: Array) -> Array:
        found = np.zeros(np.broadcast(a, b).shape, np.uint32)
        for i in range(4):
            total = lane(a, i, 8, a_kind) + lane(b, i, 8, b_kind)
            byte = np.clip(total, ends.min, ends.max) if instruction.name.endswith("sat") else total
            found |= (byte & 0xFF).astype(np.uint32) << np.uint32(8 * i)
        return found

    return add


def pack(to: Kind) -> Callable[[Array, Array, Array], Array]:
    """cvt.pack.sat to fields of 8 or 4 bits: b lowest, a above it, c above them; to 16 bits: b and a."""
    top = to.bits - 1 if to.letter == "s" else to.bits
    ends = (-(1 << top) if to.letter == "s" else 0, (1 << top) - 1)

    def fields(a: Array, b: Array, c: Array) -> Array:
        low, high = (np.clip(each.view(np.int32).astype(np.int64), *ends) & ((1 << to.bits) - 1) for each in (b, a))
        above = c.astype(np.int64) << (2 * to.bits)
        return (above | high << to.bits | low).astype(np.uint32)

    return fields

"""PTX mma.sync with 8-bit integers: the arithmetic of an element, and where a warp's registers hold the matrices.

D = A * B + C, A [m, k] and B [k, n] of s8 or u8, each by its own type, C and D [m, n] of s32. The fragments of thread
0 .. 31, its elements numbered from the low byte of its first register:

| shape | A | B | C, D | where |
| --- | --- | --- | --- | --- |
| m8n8k16 | 1 register, elements 0 .. 3 | 1, 0 .. 3 | 2 registers | sm_75 |
| m16n8k16 | 2 registers, 0 .. 7 | 1, 0 .. 3 | 4 registers | sm_80 |
| m16n8k32 | 4 registers, 0 .. 15 | 2, 0 .. 7 | 4 registers | sm_80 |

Source: NVIDIA PTX ISA, mma and Matrix Fragments for mma.m8n8k16, mma.m16n8k16 and mma.m16n8k32.
"""

from __future__ import annotations

from collections.abc import Sequence

from int8sim.spec.dp4a import lane
from int8sim.spec.integers import S32, U2, U3, U4, U5, saturate, wrap

Registers = Sequence[Sequence[int]]
"""[thread][register]: 32-bit words, signed or unsigned spelling."""

THREADS = 32


def mma_accumulate(c: S32, total: S32, satfinite: bool = False) -> int:
    """c plus the exact sum of an element's k products: modulo 2**32, or clamped to 32 bits (.satfinite)."""
    return saturate(c + total, 32) if satfinite else wrap(c + total, 32)


def a_position(thread: U5, element: U4) -> tuple[int, int]:
    """(row, column) in A of an element of a thread's fragment."""
    return (thread >> 2) + 8 * ((element >> 2) & 1), 4 * (thread & 3) + (element & 3) + 16 * (element >> 3)


def b_position(thread: U5, element: U3) -> tuple[int, int]:
    """(row, column) in B."""
    return 4 * (thread & 3) + (element & 3) + 16 * (element >> 2), thread >> 2


def c_position(thread: U5, element: U2) -> tuple[int, int]:
    """(row, column) in C and D, whose elements are whole registers."""
    return (thread >> 2) + 8 * (element >> 1), 2 * (thread & 3) + (element & 1)


def mma(
    a: Registers, b: Registers, c: Registers, a_signed: bool = True, b_signed: bool = True, satfinite: bool = False
) -> list[list[int]]:
    """The whole instruction: D's registers of 32 threads, s32, from A's, B's and C's. Their number tells the shape."""
    rows = {a_position(t, i): lane(a[t][i >> 2], i & 3, a_signed) for t, i in _elements(a, 4)}
    columns = {b_position(t, i): lane(b[t][i >> 2], i & 3, b_signed) for t, i in _elements(b, 4)}
    found = [list(registers) for registers in c]
    for thread, element in _elements(c, 1):
        row, column = c_position(thread, element)
        total = sum(rows[row, k] * columns[k, column] for k in range(16 * len(b[0])))
        found[thread][element] = mma_accumulate(c[thread][element], total, satfinite)
    return found


def _elements(registers: Registers, each: int) -> list[tuple[int, int]]:
    """Every (thread, element) of a fragment, `each` elements to the register."""
    return [(thread, element) for thread in range(THREADS) for element in range(each * len(registers[0]))]

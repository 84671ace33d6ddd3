"""x86's dot-product instructions on bytes, one lane each, and what they add to an accumulator.

The first byte operand is unsigned, the second signed; lane 0 is bits 7..0. Intel's manual writes them as
vpdpbusd acc, a, b and vpmaddubsw dest, a, b.

| instructions | products summed exactly | then | as a step |
| --- | --- | --- | --- |
| vpdpbusd (VNNI) | 4 | added, modulo 2**32 | add_vpdpbusd |
| vpdpbusds (VNNI) | 4 | added, clamped to 32 bits | add_vpdpbusds |
| vpmaddubsw, vpmaddwd by ones, vpaddd (AVX2) | 2 | clamped to 16 bits, added modulo 2**32 | add_vpmaddubsw_pair |

Two products of bytes reach 2 * 255 * -128, which 16 bits do not hold: the last is where a machine without VNNI answers
otherwise. The steps have the shape accumulate(acc, group), for groups of that many consecutive products. Source: Intel
64 and IA-32 Architectures Software Developer's Manual, volume 2, VPDPBUSD, VPDPBUSDS, PMADDUBSW, PMADDWD.
"""

from __future__ import annotations

from int8sim.spec.dp4a import dp4a, half, lane
from int8sim.spec.integers import S17, S19, S32, U16, U32, saturate, wrap

ONES = 0x00010001
"""A word of two int16 ones."""


def vpdpbusd(acc: S32, a: U32, b: U32) -> int:
    """acc + four products of unsigned by signed bytes, modulo 2**32, as s32."""
    return dp4a(a, b, acc, a_signed=False, b_signed=True)


def vpdpbusds(acc: S32, a: U32, b: U32) -> int:
    """acc + four products of unsigned by signed bytes, clamped to s32 once, after the sum of all five."""
    total = acc
    for i in range(4):
        total += lane(a, i, signed=False) * lane(b, i, signed=True)
    return saturate(total, 32)


def vpmaddubsw(a: U16, b: U16) -> int:
    """Two products of unsigned by signed bytes, their sum clamped to s16."""
    first = lane(a, 0, signed=False) * lane(b, 0, signed=True)
    return saturate(first + lane(a, 1, signed=False) * lane(b, 1, signed=True), 16)


def vpmaddwd(a: U32, b: U32) -> int:
    """Two products of signed 16-bit halves, their sum modulo 2**32, as s32: only (-2**15)**2 twice over wraps."""
    first = half(a, 0, signed=True) * half(b, 0, signed=True)
    return wrap(first + half(a, 1, signed=True) * half(b, 1, signed=True), 32)


def vpaddd(a: S32, b: S32) -> int:
    """The sum modulo 2**32, as s32."""
    return wrap(a + b, 32)


def dot_without_vnni(acc: S32, a: U32, b: U32) -> int:
    """acc + four products of unsigned by signed bytes as AVX2 has them: vpmaddubsw, vpmaddwd by ones, vpaddd.

    Source: microsoft/onnxruntime:onnxruntime/core/mlas/lib/x86_64/QgemmU8S8KernelAvx2.S.
    """
    low, high = vpmaddubsw(a & 0xFFFF, b & 0xFFFF), vpmaddubsw(a >> 16 & 0xFFFF, b >> 16 & 0xFFFF)
    return vpaddd(acc, vpmaddwd((high & 0xFFFF) << 16 | (low & 0xFFFF), ONES))


def add_vpdpbusd(acc: S32, four: S19) -> int:
    """acc + the sum of four products, modulo 2**32: `vpdpbusd` as a step of accumulation."""
    return wrap(acc + four, 32)


def add_vpdpbusds(acc: S32, four: S19) -> int:
    """acc + the sum of four products, clamped to s32: `vpdpbusds` as a step of accumulation."""
    return saturate(acc + four, 32)


def add_vpmaddubsw_pair(acc: S32, pair: S17) -> int:
    """acc + the sum of two products clamped to s16, modulo 2**32: half of `dot_without_vnni` as a step."""
    return wrap(acc + saturate(pair, 16), 32)

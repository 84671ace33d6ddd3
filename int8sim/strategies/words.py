"""Words as hardware sees them: full range, boundaries often, by bit pattern where that matters."""

from __future__ import annotations

import functools
import struct
from collections.abc import Callable

from hypothesis import strategies as st

from int8sim.model.tensor import dtype_range
from int8sim.spec.float32 import float32, float32_bits
from int8sim.strategies.checks import require_size

HALVES = st.integers(-600, 600)
"""Half-integers, doubled: the ties of a conversion to eight bits, and some beyond."""


def words(bits: int, *, signed: bool = True) -> st.SearchStrategy[int]:
    """Every value of a `bits`-wide word; a third of the draws at its ends, a third next to a power of two.

    bits: 1 .. 64, else InvalidArgument. Shrinks toward 0.
    """
    require_size("bits", bits, 1, 64)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
    return weighted(low, high)


@functools.cache
def weighted(low: int, high: int) -> st.SearchStrategy[int]:
    """The integers low .. high: anywhere, at the ends and around 0, next to a power of two, one third each."""
    ends = sorted({value for value in (0, 1, -1, low, low + 1, high - 1, high) if low <= value <= high}, key=abs)
    steps = (sign * (1 << place) + beside for place in range(64) for sign in (1, -1) for beside in (0, 1, -1))
    powers = sorted({value for value in steps if low <= value <= high} | {ends[0]}, key=abs)
    return st.one_of(st.integers(low, high), st.sampled_from(ends), st.sampled_from(powers))


def int8s(*, signed: bool = True, narrow: bool = False) -> st.SearchStrategy[int]:
    """int8 or uint8 codes, boundaries often; narrow leaves out -128. Shrinks toward 0."""
    return weighted(*dtype_range("int8" if signed else "uint8", narrow))


def uint8s() -> st.SearchStrategy[int]:
    """uint8 codes, 0 .. 255, boundaries often. Shrinks toward 0."""
    return int8s(signed=False)


def int16s(*, signed: bool = True) -> st.SearchStrategy[int]:
    """16-bit words, boundaries often. Shrinks toward 0."""
    return words(16, signed=signed)


def int32s(*, signed: bool = True) -> st.SearchStrategy[int]:
    """32-bit words, boundaries often. Shrinks toward 0."""
    return words(32, signed=signed)


def packed_words(*, signed: bool = True) -> st.SearchStrategy[int]:
    """32-bit patterns of four bytes, each drawn as `int8s`: dp4a operands. Shrinks toward 0."""
    lanes = int8s(signed=signed)
    return st.tuples(lanes, lanes, lanes, lanes).map(
        lambda four: sum((value & 0xFF) << (8 * place) for place, value in enumerate(four))
    )


def float32_patterns(*, ties: bool = True) -> st.SearchStrategy[int]:
    """float32 bit patterns: all of them, and often NaNs with payloads, subnormals, the ends of both and infinities.

    ties: often also half-integers up to 300 and the patterns beside them. Shrinks toward 0.
    """
    return _patterns(8, 23, (lambda doubled: float32_bits(float32(doubled / 2))) if ties else None)


def float16_patterns(*, ties: bool = True) -> st.SearchStrategy[int]:
    """float16 bit patterns, 0 .. 65535, drawn as `float32_patterns` draws. Shrinks toward 0."""
    return _patterns(5, 10, _half_bits if ties else None)


def _half_bits(doubled: int) -> int:
    (pattern,) = struct.unpack("<H", struct.pack("<e", doubled / 2))
    return int(pattern)


def _patterns(exponent: int, fraction: int, half: Callable[[int], int] | None) -> st.SearchStrategy[int]:
    """Of a format with so many bits of exponent and fraction; half: a doubled half-integer to its pattern."""
    sign, infinity, one = 1 << (exponent + fraction), ((1 << exponent) - 1) << fraction, 1 << fraction
    ends = [0, 1, one - 1, one, infinity - 1, infinity, infinity | (one >> 1)]
    signs = st.sampled_from([0, sign])
    kinds = st.one_of(st.sampled_from(ends), st.integers(1, one - 1), st.integers(infinity + 1, sign - 1))
    special = st.tuples(kinds, signs).map(sum)
    everything = st.one_of(st.integers(0, 2 * sign - 1), special)
    if half is None:
        return everything
    near = st.tuples(HALVES.map(half), st.integers(-1, 1)).map(lambda pair: sum(pair) % (2 * sign))
    return st.one_of(everything, near)

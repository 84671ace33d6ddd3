"""Words as hardware sees them: full range, corners included, by bit pattern where that matters."""

from __future__ import annotations

from hypothesis import strategies as st

from int8sim.model.tensor import dtype_range
from int8sim.spec.float32 import float32, float32_bits

SPECIALS = tuple(
    sign | bits for sign in (0, 1 << 31) for bits in (0, 1, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x7F800000, 0x7FC00000)
)
"""Zero, the ends of the subnormals and of the normals, infinity and a NaN, both signs."""


def words(bits: int, *, signed: bool = True) -> st.SearchStrategy[int]:
    """Every value of a `bits`-wide word, 1 .. 64."""
    if not 1 <= bits <= 64:
        msg = f"bits is {bits!r}, but only 1 .. 64 are valid"
        raise ValueError(msg)
    if signed:
        return st.integers(-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    return st.integers(0, (1 << bits) - 1)


def int8s(*, signed: bool = True, narrow: bool = False) -> st.SearchStrategy[int]:
    """int8 or uint8 codes; narrow leaves out -128."""
    return st.integers(*dtype_range("int8" if signed else "uint8", narrow))


def packed_words(*, signed: bool = True) -> st.SearchStrategy[int]:
    """32-bit patterns of four bytes, each drawn as `int8s`: dp4a operands."""
    lanes = int8s(signed=signed)
    return st.tuples(lanes, lanes, lanes, lanes).map(
        lambda four: sum((value & 0xFF) << (8 * place) for place, value in enumerate(four))
    )


def float32_patterns(*, ties: bool = True) -> st.SearchStrategy[int]:
    """float32 bit patterns: all of them (NaN payloads, subnormals), and with `ties` half-integers."""
    everything = st.one_of(st.integers(0, (1 << 32) - 1), st.sampled_from(SPECIALS))
    if not ties:
        return everything
    halves = st.integers(-600, 600).map(lambda doubled: float32_bits(float32(doubled / 2)))
    near = st.tuples(halves, st.integers(-1, 1)).map(lambda pair: (pair[0] + pair[1]) & 0xFFFFFFFF)
    return st.one_of(everything, near)

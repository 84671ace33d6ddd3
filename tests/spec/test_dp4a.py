from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.dp4a import accumulate, dp2a, dp4a, half, lane, pack4, unpack4

from .exact import signed, word

WORDS = word(32, is_signed=False)
MIXES = [(True, True), (True, False), (False, True), (False, False)]


def lanes(pattern: int, code: str) -> tuple[int, ...]:
    """The lanes of a 32-bit pattern as the machine's own memory layout has them; code: of struct."""
    return struct.unpack("<" + code, struct.pack("<I", pattern % 2**32))


def register(total: int, a_signed: bool, b_signed: bool) -> int:
    return signed(total, 32) if a_signed or b_signed else total % 2**32


@pytest.mark.parametrize(("a_signed", "b_signed"), MIXES)
@given(a=WORDS, b=WORDS, c=WORDS | word(32))
def test_dp4a(a_signed, b_signed, a, b, c):
    pairs = zip(lanes(a, "4b" if a_signed else "4B"), lanes(b, "4b" if b_signed else "4B"), strict=True)
    expected = register(c + sum(x * y for x, y in pairs), a_signed, b_signed)
    assert dp4a(a, b, c, a_signed, b_signed) == expected


@pytest.mark.parametrize("high", [False, True])
@pytest.mark.parametrize(("a_signed", "b_signed"), MIXES)
@given(a=WORDS, b=WORDS, c=WORDS | word(32))
def test_dp2a(a_signed, b_signed, high, a, b, c):
    halves = lanes(a, "2h" if a_signed else "2H")
    chosen = lanes(b, "4b" if b_signed else "4B")[2 if high else 0 :][:2]
    expected = register(c + sum(x * y for x, y in zip(halves, chosen, strict=True)), a_signed, b_signed)
    assert dp2a(a, b, c, high, a_signed, b_signed) == expected


@given(st.integers(-(2**40), 2**40))
def test_result_register(total):
    for a_signed, b_signed in MIXES:
        assert accumulate(total, a_signed, b_signed) == register(total, a_signed, b_signed)


def test_published_examples():
    assert dp4a(0x80808080, 0x80808080, 0x7FFFFFFF) == -2147418113
    assert dp4a(0xFFFFFFFF, 0xFFFFFFFF, 0, a_signed=False, b_signed=False) == 4 * 255 * 255
    assert dp4a(0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, a_signed=False, b_signed=False) == 4 * 255 * 255 - 1
    assert dp4a(0x80808080, 0xFFFFFFFF, 0, b_signed=False) == -4 * 128 * 255
    assert dp2a(0x80008000, 0x00008080, -(2**31)) == -(2**31) + 2 * 32768 * 128
    assert dp2a(0x80008000, 0x80807F7F, -(2**31)) == 2**31 - 2 * 32768 * 127


@given(WORDS | word(32))
def test_signed_and_unsigned_spellings_of_a_word_are_the_same(a):
    assert dp4a(a, 0x01020304, 5) == dp4a(a % 2**32, 0x01020304, 5)


@given(WORDS, st.booleans())
def test_pack_and_unpack(pattern, is_signed):
    expected = lanes(pattern, "4b" if is_signed else "4B")
    assert unpack4(pattern, is_signed) == expected
    assert tuple(lane(pattern, i, is_signed) for i in range(4)) == expected
    assert pack4(*expected) == pattern
    assert tuple(half(pattern, i, is_signed) for i in range(2)) == lanes(pattern, "2h" if is_signed else "2H")

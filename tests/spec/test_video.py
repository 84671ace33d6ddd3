"""Saturating sums and the video instructions, against the manual's pseudo-code over bytes of the machine's memory."""

from __future__ import annotations

import itertools
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.spec.video import (
    Operation,
    add_sat_s32,
    lane_result,
    selected,
    sub_sat_s32,
    vabsdiff4,
    vadd4,
    vavrg4,
    vmax4,
    vmin4,
    vop4,
    vop4_is_defined,
    vsub4,
)

from .exact import clip, word

INT32 = (-(2**31), 2**31 - 1)
EXACT = {
    vadd4: lambda x, y: x + y,
    vsub4: lambda x, y: x - y,
    vavrg4: lambda x, y: (x + y + 1) // 2 if x + y >= 0 else (x + y) // 2,
    vabsdiff4: lambda x, y: max(x - y, y - x),
    vmin4: lambda x, y: sorted([x, y])[0],
    vmax4: lambda x, y: sorted([x, y])[1],
}
OPERATIONS = dict(zip(EXACT, Operation, strict=True))
NAMES = [function.__name__ for function in EXACT]
WORDS = word(32, is_signed=False) | st.sampled_from([0x80808080, 0x7F7F7F7F, 0x80FF7F00, 0xFF7F8001])
BOOL = st.booleans()
LANES = (0, 1, 2, 3)
EDGES = [0, 1, 2, 126, 127, 128, 129, 254, 255]


def data(*words: int) -> bytes:
    return b"".join(struct.pack("<I", each % 2**32) for each in words)


def extended(byte: int, is_signed: bool) -> int:
    return byte - 256 if is_signed and byte > 127 else byte


def defined(function, a, b, c, types, mode, lanes, a_digits, b_digits) -> int:
    """The manual's semantics. types: of d, a, b. mode: "", "sat" or "add". lanes: those of the mask."""
    d_signed, a_signed, b_signed = types
    found, total = bytearray(data(c)), c
    for i in lanes:
        x, y = data(a, b)[a_digits[i]], data(a, b)[b_digits[i]]
        exact = EXACT[function](extended(x, a_signed), extended(y, b_signed))
        total += exact
        low, high = (-128, 127) if d_signed else (0, 255)
        found[i] = (clip(exact, low, high) if mode == "sat" else exact) % 256
    return total % 2**32 if mode == "add" else int.from_bytes(found, "little")


def selector(digits: tuple[int, ...]) -> int:
    """.bxyzw: the digit of lane 3 first."""
    return int("".join(str(digits[i]) for i in (3, 2, 1, 0)), 16)


@pytest.mark.parametrize("function", EXACT, ids=NAMES)
@settings(max_examples=50)
@given(
    st.tuples(WORDS, WORDS, WORDS),
    st.tuples(BOOL, BOOL, BOOL),
    st.sampled_from(["", "sat", "add"]),
    st.sets(st.sampled_from(LANES)),
    st.tuples(*[st.integers(0, 7)] * 4),
    st.tuples(*[st.integers(0, 7)] * 4),
)
def test_every_form(function, words, types, mode, lanes, a_digits, b_digits):
    mask = sum(1 << lane for lane in lanes)
    form = (mode == "sat", mode == "add", mask, selector(a_digits), selector(b_digits))
    expected = defined(function, *words, types, mode, lanes, a_digits, b_digits)
    assert function(*words, *types, *form) == expected
    assert vop4(OPERATIONS[function], *words, *types, *form) == expected


@pytest.mark.parametrize("types", list(itertools.product([True, False], repeat=3)), ids=str)
@pytest.mark.parametrize("function", EXACT, ids=NAMES)
def test_edges_of_bytes(function, types):
    """All pairs of edges, four at a time, clamped and not; by default every lane, a's bytes with b's."""
    for x, y in itertools.product(EDGES, EDGES):
        a, b = x | y << 8 | (x ^ 255) << 16 | x << 24, y | x << 8 | y << 16 | (y ^ 1) << 24
        for mode in ("", "sat"):
            expected = defined(function, a, b, 0, types, mode, LANES, LANES, (4, 5, 6, 7))
            assert function(a, b, 0, *types, saturating=mode == "sat") == expected


@pytest.mark.parametrize("every", [EDGES, pytest.param(range(256), marks=pytest.mark.slow)], ids=len)
@pytest.mark.parametrize("types", list(itertools.product([True, False], repeat=2)), ids=str)
@pytest.mark.parametrize("function", EXACT, ids=NAMES)
def test_pairs_of_bytes(function, types, every):
    for x, y in itertools.product(every, range(256)):
        left, right = extended(x, types[0]), extended(y, types[1])
        assert lane_result(OPERATIONS[function], left, right) == EXACT[function](left, right)


def test_defaults_are_signed_and_take_no_c():
    assert [function(0x80FF7F01, 0x81017F02) for function in EXACT] == [
        0x0100FE03,
        0xFFFE00FF,
        0x80007F02,
        0x01020001,
        0x80FF7F01,
        0x81017F02,
    ]


@pytest.mark.parametrize("a_signed", [{}, {"a_signed": False}])
@pytest.mark.parametrize("b_signed", [{}, {"b_signed": False}])
@pytest.mark.parametrize("function", EXACT, ids=NAMES)
def test_each_default(function, a_signed, b_signed):
    """What is not given: signed types, every lane of a with its lane of b, c as 0, neither .sat nor .add."""
    types = True, not a_signed, not b_signed
    for a, b in ((0x80FF7F01, 0x017F80FF), (0x807F01FF, 0x80807F00), (0xC8C8C8C8, 0xC9C9C9C9), (0, 0x02020202)):
        for mode, form in {"": {}, "sat": {"saturating": True}, "add": {"adding": True}}.items():
            expected = defined(function, a, b, 0, types, mode, LANES, LANES, (4, 5, 6, 7))
            assert function(a, b, **a_signed, **b_signed, **form) == expected
            assert vop4(OPERATIONS[function], a, b, 0, **a_signed, **b_signed, **form) == expected
        assert function(a, b, mask=0) == 0


def test_the_manuals_examples():
    assert vadd4(0x7F800102, 0x01FF0304, 0, b_signed=False, saturating=True) == 0x7F7F0406
    assert vsub4(0x000000FF, 0x00000001, 0x11223344, saturating=True, mask=0b0001) == 0x112233FE
    both = {"a_signed": False, "b_signed": False, "adding": True, "mask": 0b0011}
    assert vmin4(0x000000C8, 0x00090000, 1000, **both, a_select=0x0000, b_select=0x6666) == 1018


def test_sum_of_absolute_differences():
    assert vabsdiff4(0x000000FF, 0xFF00FF00, 7, False, False, False, adding=True) == 7 + 3 * 255


@given(WORDS, WORDS, st.integers(0, 0xFFFF), st.sampled_from(LANES), BOOL)
def test_selected(a, b, digits, lane, is_signed):
    """Of a digit only three bits count."""
    digit = int(f"{digits:04x}"[3 - lane], 16) % 8
    assert selected(a, b, digits, lane, is_signed) == extended(data(a, b)[digit], is_signed)


def test_saturation_and_accumulation_exclude_each_other():
    assert [vop4_is_defined(*form) for form in itertools.product([False, True], repeat=2)] == [True, True, True, False]


@given(word(32), word(32))
def test_saturating_sums(a, b):
    assert add_sat_s32(a, b) == clip(a + b, *INT32)
    assert sub_sat_s32(a, b) == clip(a - b, *INT32)


@pytest.mark.parametrize("end", INT32)
def test_saturating_sums_at_the_ends(end):
    for a, b in itertools.product(range(-3, 4), range(-3, 4)):
        start = clip(end + a, *INT32)
        assert add_sat_s32(start, b) == clip(start + b, *INT32)
        assert sub_sat_s32(start, b) == clip(start - b, *INT32)

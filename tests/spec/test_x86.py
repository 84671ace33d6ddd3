"""x86's dot-product instructions against unbounded integers, and against the processor's own."""

from __future__ import annotations

import itertools
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec import x86
from int8sim.spec.dp4a import pack4
from int8sim.spec.x86 import (
    add_vpdpbusd,
    add_vpdpbusds,
    add_vpmaddubsw_pair,
    dot_without_vnni,
    vpaddd,
    vpdpbusd,
    vpdpbusds,
    vpmaddubsw,
    vpmaddwd,
)

from .compiled_loops import evaluate
from .exact import clip, signed, word
from .x86_instructions import OUT, instruction, missing

INT16, INT32 = (-(2**15), 2**15 - 1), (-(2**31), 2**31 - 1)
EXTREMES = st.sampled_from([0x00000000, 0xFFFFFFFF, 0x80808080, 0x7F7F7F7F, 0x80FF80FF, 0x7FFF7FFF, 0xFF7FFF80])
WORDS = word(32, is_signed=False) | EXTREMES
EDGES = [0, 1, 2, 126, 127, 128, 129, 254, 255]


def products(a: int, b: int, count: int = 4) -> list[int]:
    """Unsigned by signed bytes, as the machine's memory layout has them."""
    left = struct.unpack("<4B", struct.pack("<I", a))
    right = struct.unpack("<4b", struct.pack("<I", b))
    return [x * y for x, y in zip(left, right, strict=True)][:count]


@given(word(32), WORDS, WORDS)
def test_four_products(acc, a, b):
    total = acc + sum(products(a, b))
    assert vpdpbusd(acc, a, b) == signed(total, 32)
    assert vpdpbusds(acc, a, b) == clip(total, *INT32)
    assert add_vpdpbusd(acc, sum(products(a, b))) == signed(total, 32)
    assert add_vpdpbusds(acc, sum(products(a, b))) == clip(total, *INT32)


@pytest.mark.parametrize("acc", [*INT32, -1, 0, 1, INT32[0] + 130_560, INT32[1] - 129_540])
def test_four_products_at_the_ends_of_the_accumulator(acc):
    """255 * -128 four times over is -130,560; 255 * 127 is 129,540."""
    for a, b in itertools.product((0x00000001, 0xFFFFFFFF), (0x7F7F7F7F, 0x80808080, 0x00000001, 0x000000FF)):
        for near in (acc - 1, acc, acc + 1):
            start = clip(near, *INT32)
            total = start + sum(products(a, b))
            assert vpdpbusd(start, a, b) == add_vpdpbusd(start, sum(products(a, b))) == signed(total, 32)
            assert vpdpbusds(start, a, b) == add_vpdpbusds(start, sum(products(a, b))) == clip(total, *INT32)


@given(word(32), WORDS, WORDS)
def test_signed_and_unsigned_spellings_of_a_word_are_the_same(acc, a, b):
    for function in (vpdpbusd, vpdpbusds, dot_without_vnni):
        assert function(acc, signed(a, 32), signed(b, 32)) == function(acc, a, b)
    assert vpmaddwd(signed(a, 32), signed(b, 32)) == vpmaddwd(a, b)


def test_saturation_is_of_the_whole_sum():
    """Not of each product: the second pair brings the sum back into the range."""
    assert vpdpbusds(INT32[1], 0xFFFFFFFF, pack4(127, 127, -128, -128)) == INT32[1] - 510
    assert vpmaddubsw(0xFFFF, 0x807F) == -255


@pytest.mark.parametrize("x", EDGES)
def test_pairs_of_bytes(x):
    """Every edge by every byte, in both lanes: 255 * -128 * 2 is -65,280, 255 * 127 * 2 is 64,770."""
    for y, first, second in itertools.product(EDGES, range(-128, 128, 5), [-128, -127, -1, 0, 1, 126, 127]):
        exact = x * first + y * second
        assert vpmaddubsw(x | y << 8, first & 0xFF | (second & 0xFF) << 8) == clip(exact, *INT16)


@given(st.integers(0, 2**16 - 1), st.integers(0, 2**16 - 1))
def test_any_pair_of_bytes(a, b):
    assert vpmaddubsw(a, b) == clip(sum(products(a, b, 2)), *INT16)


@given(WORDS | st.just(0x80008000), WORDS | st.just(0x80008000))
def test_pairs_of_halves(a, b):
    left, right = (struct.unpack("<2h", struct.pack("<I", each)) for each in (a, b))
    assert vpmaddwd(a, b) == signed(left[0] * right[0] + left[1] * right[1], 32)


def test_the_one_pair_of_halves_that_wraps():
    assert vpmaddwd(0x80008000, 0x80008000) == INT32[0]
    assert vpmaddwd(0x80008000, 0x80017FFF) == 2**15 * (2**15 - 1) - 2**15 * (2**15 - 1)
    assert vpmaddwd(0x7FFF7FFF, 0x7FFF7FFF) == 2 * (2**15 - 1) ** 2


@given(word(32), word(32))
def test_vpaddd(a, b):
    assert vpaddd(a, b) == signed(a + b, 32)


@given(word(32), WORDS, WORDS)
def test_without_vnni_each_pair_saturates(acc, a, b):
    low, high = sum(products(a, b)[:2]), sum(products(a, b)[2:])
    expected = signed(acc + clip(low, *INT16) + clip(high, *INT16), 32)
    assert dot_without_vnni(acc, a, b) == expected
    assert add_vpmaddubsw_pair(add_vpmaddubsw_pair(acc, low), high) == expected
    assert add_vpmaddubsw_pair(add_vpmaddubsw_pair(acc, high), low) == expected


@pytest.mark.parametrize("pair", [-65_280, *(end + off for end in INT16 for off in (-1, 0, 1)), -1, 0, 1, 64_770])
@pytest.mark.parametrize("acc", [*INT32, 0, INT32[1] - 32_767, INT32[1] - 32_766, INT32[0] + 32_768, INT32[0] + 32_767])
def test_pairs_as_a_step(acc, pair):
    assert add_vpmaddubsw_pair(acc, pair) == signed(acc + clip(pair, *INT16), 32)


def test_where_the_two_machines_differ():
    """Only where a pair leaves 16 bits."""
    assert dot_without_vnni(0, 0x8080FFFF, 0x7F7F7F7F) == 32_767 + 2 * 128 * 127
    assert vpdpbusd(0, 0x8080FFFF, 0x7F7F7F7F) == 2 * 255 * 127 + 2 * 128 * 127


def operands(count: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Words a, b and accumulators: half of them random, half made of extreme bytes and accumulators near the ends."""
    source = np.random.default_rng(seed)
    random = [source.integers(0, 2**32, count // 2, np.uint64) for _ in range(3)]
    edges = np.array([0, 1, 127, 128, 129, 254, 255], np.uint8)
    aimed = [source.choice(edges, count // 2 * 4).view(np.uint32).astype(np.uint64) for _ in range(2)]
    near = 2**31 + source.integers(-140_000, 140_000, count // 2)
    parts = zip(random, [*aimed, near.astype(np.uint64)], strict=True)
    return tuple(np.concatenate(part).astype(np.int64) for part in parts)


def as_signed(words: np.ndarray) -> np.ndarray:
    return (words ^ 2**31) - 2**31


def pieces(name: str, a: np.ndarray, b: np.ndarray, acc: np.ndarray) -> list[np.ndarray]:
    """The columns of the spec function of an instruction."""
    if name == "vpmaddubsw":
        return [np.stack([each & 0xFFFF, each >> 16], -1).reshape(-1) for each in (a, b)]
    return [a, b] if name == "vpmaddwd" else [as_signed(acc), a, b]


COUNT = 1 << 20


@pytest.mark.parametrize("width", [256, 512])
@pytest.mark.parametrize("name", OUT)
def test_the_instruction_itself(name, width, tmp_path, compared):
    lacks = missing(name, width)
    if lacks:
        pytest.skip(f"this processor has no {name} of {width} bits: {lacks}")
    a, b, acc = operands(COUNT, width)
    found = instruction(name, width)(a, b, acc).astype(np.int64)
    expected = evaluate(getattr(x86, name), pieces(name, a, b, acc), tmp_path)
    assert np.array_equal(found, expected), np.flatnonzero(found != expected)[:5]
    compared(found.size, least=1_000_000, what=f"{name}, {width} bits")


@pytest.mark.parametrize("width", [256, 512])
def test_the_three_instructions_without_vnni(width, tmp_path, compared):
    lacks = missing("vpmaddubsw", width)
    if lacks:
        pytest.skip(f"this processor has no vpmaddubsw of {width} bits: {lacks}")
    a, b, acc = operands(COUNT, width + 1)
    pairs = instruction("vpmaddubsw", width)(a, b, acc).view(np.uint32)
    sums = instruction("vpmaddwd", width)(pairs, np.full(COUNT, x86.ONES), acc)
    found = (acc.astype(np.uint32) + sums.view(np.uint32)).view(np.int32).astype(np.int64)
    expected = evaluate(dot_without_vnni, [as_signed(acc), a, b], tmp_path)
    assert np.array_equal(found, expected), np.flatnonzero(found != expected)[:5]
    other = evaluate(vpdpbusd, [as_signed(acc), a, b], tmp_path)
    assert 0.05 < np.mean(found != other) < 0.95  # the data reaches the saturation of pairs
    compared(found.size, least=1_000_000)

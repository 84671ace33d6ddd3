"""mma.sync with 8-bit integers: the sum, the manual's layouts lane by lane, and whole tiles against NumPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.spec.mma import a_position, b_position, c_position, mma, mma_accumulate

from .exact import clip, signed, word

INT32 = (-(2**31), 2**31 - 1)
SHAPES = {"m8n8k16": (8, 16), "m16n8k16": (16, 16), "m16n8k32": (16, 32)}
TYPES = {True: np.int8, False: np.uint8}


def manual_a(shape: str, thread: int, i: int) -> tuple[int, int]:
    """Row and column of ai as the manual's three pages write them."""
    group, within = divmod(thread, 4)
    if shape == "m8n8k16":
        return group, within * 4 + i
    if shape == "m16n8k16":
        return (group if i < 4 else group + 8), within * 4 + i % 4
    row = group if i in range(4) or i in range(8, 12) else group + 8
    return row, within * 4 + i % 4 + (0 if i < 8 else 16)


def manual_b(shape: str, thread: int, i: int) -> tuple[int, int]:
    group, within = divmod(thread, 4)
    return within * 4 + i % 4 + (16 if shape == "m16n8k32" and i >= 4 else 0), group


def manual_c(shape: str, thread: int, i: int) -> tuple[int, int]:
    group, within = divmod(thread, 4)
    return (group if shape == "m8n8k16" or i < 2 else group + 8), within * 2 + i % 2


@pytest.mark.parametrize("shape", SHAPES)
def test_layouts(shape):
    """As the manual has them, and every element of a matrix exactly once."""
    rows, depth = SHAPES[shape]
    sizes = (
        (a_position, manual_a, (rows, depth)),
        (b_position, manual_b, (depth, 8)),
        (c_position, manual_c, (rows, 8)),
    )
    for position, manual, size in sizes:
        count = size[0] * size[1] // 32
        places = [position(thread, i) for thread in range(32) for i in range(count)]
        assert places == [manual(shape, thread, i) for thread in range(32) for i in range(count)]
        assert sorted(places) == sorted(np.ndindex(size))


@given(word(32), st.integers(-(2**21), 2**21))
def test_accumulate(c, total):
    assert mma_accumulate(c, total) == signed(c + total, 32)
    assert mma_accumulate(c, total, satfinite=True) == clip(c + total, *INT32)


@pytest.mark.parametrize("total", [-32 * 255 * 128, -1, 0, 1, 32 * 255 * 255])
@pytest.mark.parametrize("end", INT32)
def test_accumulate_at_the_ends(end, total):
    for c in (clip(end - total + off, *INT32) for off in (-2, -1, 0, 1, 2)):
        assert mma_accumulate(c, total) == signed(c + total, 32)
        assert mma_accumulate(c, total, satfinite=True) == clip(c + total, *INT32)


def scattered(matrix: np.ndarray, manual, shape: str) -> list[list[int]]:
    """A matrix of bytes as the registers of 32 threads, by the manual's layout."""
    count = matrix.size // 32
    taken = [[matrix[manual(shape, thread, i)] for i in range(count)] for thread in range(32)]
    return np.array(taken, matrix.dtype).view(np.uint32).tolist()


def test_by_default_signed_and_wrapping():
    """The first element leaves 32 bits by 16 * -1 * -1, in all of C."""
    ones, ends = [[0xFFFFFFFF]] * 32, [[2**31 - 1] * 2] * 32
    assert mma(ones, ones, ends) == [[-(2**31) + 15] * 2] * 32


@pytest.mark.parametrize("satfinite", [False, True])
@pytest.mark.parametrize("types", [(a, b) for a in TYPES for b in TYPES], ids=str)
@pytest.mark.parametrize("shape", SHAPES)
def test_whole_tiles(shape, types, satfinite, compared):
    rows, depth = SHAPES[shape]
    source = np.random.default_rng(depth + rows)
    for trial in range(4):
        a, b = (source.integers(0, 256, size, np.uint8) for size in ((rows, depth), (depth, 8)))
        a, b = (
            each.view(TYPES[kind]) if trial else np.full_like(each, 128).view(TYPES[kind])
            for each, kind in zip((a, b), types, strict=True)
        )
        c = source.choice([*INT32, 0, -5, 2**31 - 70_000, -(2**31) + 70_000], (rows, 8))
        total = c + a.astype(np.int64) @ b.astype(np.int64)
        expected = np.clip(total, *INT32) if satfinite else (total + 2**31) % 2**32 - 2**31
        count = c.size // 32
        registers = [[int(c[manual_c(shape, t, i)]) for i in range(count)] for t in range(32)]
        found = mma(scattered(a, manual_a, shape), scattered(b, manual_b, shape), registers, *types, satfinite)
        assert found == [[int(expected[manual_c(shape, t, i)]) for i in range(count)] for t in range(32)]
        assert registers == [[int(c[manual_c(shape, t, i)]) for i in range(count)] for t in range(32)]
        compared(expected.size)

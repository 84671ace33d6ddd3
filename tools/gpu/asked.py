"""Kernels of one instruction each, of int8sim.kernels.cuda.ptx: the role is bound to it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

from int8sim.kernels.cuda.primitives import as_int, as_real
from int8sim.kernels.cuda.ptx import (
    cp_async_4,
    cp_async_16,
    cp_async_commit,
    cp_async_wait,
    ldmatrix_x4,
    load_16,
    shared_words,
    store_16,
    word,
)
from int8sim.kernels.roles import Parameters, combine, convert, convert_at
from int8sim.spec.cvt import float32_to_int8, float_to_integer


def of_float(x: Any, out: Any) -> None:
    """float32 [n] to the register, int64 [n]."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert(as_real(x[i]))  # type: ignore[call-arg]


def of_one(x: Any, out: Any) -> None:
    """uint32 [n, 3] to the register of the first word, int64 [n]."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert(as_int(x[i, 0]))  # type: ignore[call-arg]


def of_two(x: Any, out: Any) -> None:
    """Of the first two."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = combine(as_int(x[i, 0]), as_int(x[i, 1]))  # type: ignore[call-arg]


def of_three(x: Any, out: Any) -> None:
    """Of all."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert_at(as_int(x[i, 0]), as_int(x[i, 1]), as_int(x[i, 2]))  # type: ignore[call-arg]


def step_of_one(x: Any, p: Parameters, out: Any) -> None:
    """As `of_one`, by a step of the specification, which becomes the instruction."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert(as_int(x[i, 0]), p, 0)


def step_of_two(x: Any, p: Parameters, out: Any) -> None:
    """Of the first two words."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = combine(as_int(x[i, 0]), as_int(x[i, 1]), p, 0)


def step_of_three(x: Any, p: Parameters, out: Any) -> None:
    """Of all."""
    i = cuda.grid(1)
    if i < out.shape[0]:
        out[i] = convert_at(as_int(x[i, 0]), as_int(x[i, 1]), as_int(x[i, 2]), p, 0)


def sweep(start: int, each: int, modes: tuple[int, int, int], counts: Any, totals: Any) -> None:
    """Every thread converts `each` float32 patterns in a row, by the instruction and by its definition.

    start: the first thread's first pattern. modes: signed, rounding, flush. counts: int64 [256], how many registers had
    each low byte. totals: uint64 [3], the hash of all (tests/spec/gpu_recording.py), registers that differ from the
    definition, NaN that gave another than 0.
    """
    first = start + cuda.grid(1) * each
    digest = np.uint64(0)
    wrong, numbers, run = 0, 0, 0
    last = -1
    for bits in range(first, first + each):
        register = float32_to_int8(bits, modes[1], modes[0], modes[2])
        if register != float_to_integer(bits, 32, 8, modes[0], modes[1], modes[2]):
            wrong += 1
        if (bits & 0x7FFFFFFF) > 0x7F800000 and register != 0:
            numbers += 1
        low = register & 255
        if low != last:
            if run:
                cuda.atomic.add(counts, last, run)
            last, run = low, 0
        run += 1
        z = np.uint64(bits << 8 | low)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        digest += z ^ (z >> np.uint64(31))
    cuda.atomic.add(counts, last, run)
    cuda.atomic.add(totals, 0, digest)
    if wrong:
        cuda.atomic.add(totals, 1, np.uint64(wrong))
    if numbers:
        cuda.atomic.add(totals, 2, np.uint64(numbers))


def of_m16n8k32(x: Any, out: Any) -> None:
    """uint32 [tiles * 32, 10], a thread's A, B and C, to D, int64 [tiles * 32, 4]."""
    i = cuda.grid(1)
    r = x[i]
    a = (as_int(r[0]), as_int(r[1]), as_int(r[2]), as_int(r[3]))
    c = (as_int(r[6]), as_int(r[7]), as_int(r[8]), as_int(r[9]))
    found = convert_at(a, (as_int(r[4]), as_int(r[5])), c)  # type: ignore[call-arg]
    for k in range(4):
        out[i, k] = found[k]


def of_m16n8k16(x: Any, out: Any) -> None:
    """uint32 [tiles * 32, 7] to int64 [tiles * 32, 4]."""
    i = cuda.grid(1)
    r = x[i]
    c = (as_int(r[3]), as_int(r[4]), as_int(r[5]), as_int(r[6]))
    found = convert_at((as_int(r[0]), as_int(r[1])), (as_int(r[2]),), c)  # type: ignore[call-arg]
    for k in range(4):
        out[i, k] = found[k]


def of_m8n8k16(x: Any, out: Any) -> None:
    """uint32 [tiles * 32, 4] to int64 [tiles * 32, 2]."""
    i = cuda.grid(1)
    r = x[i]
    found = convert_at((as_int(r[0]),), (as_int(r[1]),), (as_int(r[2]), as_int(r[3])))  # type: ignore[call-arg]
    for k in range(2):
        out[i, k] = found[k]


def copies(x: Any, lengths: Any, out: Any) -> None:
    """uint8 [512] through shared memory, by one warp, to the words that ldmatrix gives, int32 [32, 4].

    Thread t copies 16 bytes, lengths[t] of them, and once more by fours; the one copy is changed by the other.
    """
    t = cuda.threadIdx.x
    first = shared_words(128)
    second = shared_words(128)
    cp_async_16(first, 4 * t, x, 16 * t, as_int(lengths[t]))
    cp_async_commit()
    for k in range(4):
        cp_async_4(second, 4 * t + k, x, 16 * t + 4 * k, 4)
    cp_async_commit()
    cp_async_wait(1)
    words = load_16(first, 4 * t)
    cp_async_wait(0)
    again = load_16(second, 4 * t)
    store_16(first, 4 * t, (words[0] ^ again[0], words[1] ^ again[1], words[2] ^ again[2], word(words[3] ^ again[3])))
    cuda.syncthreads()
    found = ldmatrix_x4(first, 4 * t)
    for k in range(4):
        out[t, k] = found[k]

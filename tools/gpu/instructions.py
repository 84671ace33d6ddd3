"""Every instruction of int8sim.kernels.cuda.ptx on the device, beside the specification."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from gpu import asked, expected
from gpu.budget import Budget
from gpu.report import Compared
from int8sim.kernels.compile import bind
from int8sim.kernels.compile import build as build_for_cpu
from int8sim.kernels.cuda import ptx
from int8sim.kernels.cuda.build import build
from int8sim.kernels.cuda.device import parameters, place
from int8sim.model.step import Array
from int8sim.spec.cvt import float32_to_int8

ROLES = ("convert", "combine", "convert_at")
"""Of one, two and three operands."""
CORNERS = (0, 1, 0xFFFFFFFF, 0x80808080, 0x7F7F7F7F, 0x80000000, 0x7FFFFFFF, 0x0080FF7F, 127, 128, 0xFFFFFF7F, 255)
ENDS = (0x7FFFFFFF, 0x80000000, 0x7FFF0000, 0x8000FFFF)
"""Accumulators next to an overflow."""
STARTS = (0x0, 0x007FFFC0, 0x42FDFFC0, 0x7F7FFFC0, 0x7FC00000, 0x80000000, 0xC2FFFFC0, 0xFFFFFF80)
"""Where a sweep of a few patterns looks: around zero, subnormals, 127, infinity and NaN of both signs."""
SPECIAL = (
    *(0, 1, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x7F800000, 0x7F800001, 0x7FC00000, 0x7FFFFFFF),
    *(0x80000000, 0x80000001, 0x807FFFFF, 0xFF7FFFFF, 0xFF800000, 0xFFC00000, 0xFFFFFFFF, 0x4F000000, 0xCF000000),
)
"""float32 patterns."""
TILE_WORDS = (0x80808080, 0x7F7F7F7F)


def words(budget: Budget) -> Iterator[Compared]:
    """dp4a, dp2a, cvt, cvt.pack, vadd4, add.sat of 32-bit registers: corners, then random ones."""
    random = np.random.default_rng(1)
    count = budget.size(1 << 20, 32)
    rows = random.integers(0, 2**32, (count, 3), np.uint32)
    rows[: count // 2] = random.choice(CORNERS, (count // 2, 3))
    yield from _beside_spec(budget, expected.WORDS, rows)


def conversions(budget: Budget) -> Iterator[Compared]:
    """cvt of every float16, and of float32 numbers around every tie, every bound and every kind of number."""
    values = float_values(budget)
    for name, (signed, rounding, flush) in expected.FLOATS.items():
        out = place(np.zeros(len(values), np.int64))
        build(asked.of_float, {"convert": (getattr(ptx, name), ())}).launch_each(len(values), place(values), out)
        steps = [float32_to_int8(bits, rounding, bool(signed), bool(flush)) for bits in values.view(np.uint32).tolist()]
        yield Compared.arrays(name, out.fetch(), np.array(steps, np.int64))
    rows = np.repeat(np.arange(0, 2**16, budget.size(1, 997), np.uint32)[:, None], 3, 1)
    yield from _beside_spec(budget, expected.HALVES, rows)


def _beside_spec(budget: Budget, names: Iterable[str], rows: Array) -> Iterator[Compared]:
    """Each by its own name, and as a step of the specification that a kernel is built for."""
    for name in names:
        answer = expected.registers(name, rows, compiled=not budget.reduced)
        yield Compared.arrays(name, _registers(name, rows), answer)
        if name in expected.TWINNED:
            yield Compared.arrays(f"{name}, as a step", _by_step(name, rows), answer)


def _registers(name: str, rows: Array) -> Array:
    kernel = (asked.of_one, asked.of_two, asked.of_three)[expected.operands(name) - 1]
    out = place(np.zeros(len(rows), np.int64))
    bound = {ROLES[expected.operands(name) - 1]: (getattr(ptx, name), ())}
    build(kernel, bound).launch_each(len(rows), place(rows), out, threads=32)
    return out.fetch()


def _by_step(name: str, rows: Array) -> Array:
    kernel = (asked.step_of_one, asked.step_of_two, asked.step_of_three)[expected.operands(name) - 1]
    built, values = bind(expected.TWINNED[name])
    out = place(np.zeros(len(rows), np.int64))
    bound = {ROLES[expected.operands(name) - 1]: built}
    build(kernel, bound).launch_each(len(rows), place(rows), parameters(values), out, threads=32)
    return out.fetch()


def float_values(budget: Budget) -> Array:
    """float32 [n]: ties and their neighbours, infinities, NaN payloads, subnormals."""
    ties = (np.arange(-600, 601, budget.size(1, 40)) / 2).astype(np.float32).view(np.uint32).astype(np.int64)
    near = np.concatenate([ties + step for step in (-1, 0, 1)]) & 0xFFFFFFFF
    return np.concatenate([near.astype(np.uint32), np.array(SPECIAL, np.uint32)]).view(np.float32)


def floats(budget: Budget) -> Iterator[Compared]:
    """cvt of every float32: whole registers against the definition on the device, and its hash by the processor."""
    for name, modes in expected.FLOATS.items():
        counts, totals = place(np.zeros(256, np.int64)), place(np.zeros(3, np.uint64))
        kernel = build(asked.sweep)
        blocks, threads, each = budget.size((1 << 12, 256, 1 << 12), (1, 16, 8))
        for start in budget.size((0,), STARTS):
            kernel.launch(blocks, threads, start, each, modes, counts, totals)
        digest, wrong, numbers = totals.fetch().tolist()
        lows = counts.fetch()
        facts = {"hash": f"{digest:016x}", "NaN not 0": numbers, "low bytes": lows.tolist()}
        yield Compared(name, int(lows.sum()), wrong, facts)


def hashes(budget: Budget) -> Iterator[Compared]:
    """The same hashes and counts by the compiled specification, on all cores, as many as there is time for."""
    found = {each.name: each for each in budget.earlier("floats")}
    kernel = budget.size(build_for_cpu(expected.digest), expected.digest)
    seconds = 0.0 if budget.reduced else estimated(kernel)
    for name, modes in ((name, expected.FLOATS[name]) for name in found):
        if not budget.left(1.2 * seconds):
            yield Compared(f"no time was left for {name} and what comes after it, {seconds:.0f} s each")
            return
        digest, counts = swept(kernel, modes, budget.size([(0, 1 << 32)], [(s, s + 128) for s in STARTS]))
        same = found[name].facts["hash"] == f"{digest:016x}" and found[name].facts["low bytes"] == counts.tolist()
        yield Compared(name, int(counts.sum()), 0 if same else int(counts.sum()), {"hash": f"{digest:016x}"})


def estimated(kernel: Any) -> float:
    """Seconds of one sweep, by a part of one on every core."""
    modes, parts = next(iter(expected.FLOATS.values())), 1 << 22
    swept(kernel, modes, [(0, 1)])  # compiles it
    begun, cores = time.monotonic(), os.cpu_count() or 1
    swept(kernel, modes, [(start * parts, (start + 1) * parts) for start in range(cores)])
    return (time.monotonic() - begun) * (1 << 32) / (parts * cores)


def swept(kernel: Any, modes: tuple[int, int, int], ranges: list[tuple[int, int]]) -> tuple[int, Array]:
    """The hash and the counts of ranges of patterns, by all cores."""
    parts = [(s, min(s + (1 << 26), stop)) for start, stop in ranges for s in range(start, stop, 1 << 26)]

    def work(part: tuple[int, int]) -> tuple[int, Array]:
        counts = np.zeros(256, np.int64)
        return int(kernel(*part, modes, counts)), counts

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(work, parts))
    return sum(each for each, _ in done) % 2**64, sum(counts for _, counts in done)


def products(budget: Budget) -> Iterator[Compared]:
    """mma of every shape, sign mix and overflow mode; half of the accumulators next to an overflow."""
    random = np.random.default_rng(2)
    for name, (shape, *_) in expected.PRODUCTS.items():
        if not budget.has(shape):
            continue
        a, b, c = expected.SHAPES[shape]
        count = budget.size(128, 2)
        given = random.integers(0, 2**32, (count, 32, a + b + c), np.uint32)
        given[: count // 2, :, : a + b] = random.choice(TILE_WORDS, (count // 2, 32, a + b))
        given[: count // 2, :, a + b :] = random.choice(ENDS, (count // 2, 32, c))
        out = place(np.zeros((count * 32, c), np.int64))
        kernel = build(getattr(asked, f"of_{shape}"), {"convert_at": (getattr(ptx, name), ())})
        kernel.launch(count // 2, 64, place(given.reshape(count * 32, -1)), out)
        yield Compared.arrays(name, out.fetch().reshape(count, 32, c), expected.tiles(name, given))


def copies(budget: Budget) -> Iterator[Compared]:
    """cp.async group by group, zeros behind the bytes that are given; ldmatrix."""
    if not budget.has("cp.async"):
        return
    random = np.random.default_rng(3)
    source = random.integers(0, 256, 512).astype(np.uint8)
    lengths = random.integers(0, 17, 32).astype(np.int32)
    out = place(np.zeros((32, 4), np.int32))
    build(asked.copies).launch(1, 32, place(source), place(lengths), out)
    given = source.reshape(32, 16).copy()
    given[np.arange(16) >= lengths[:, None]] = 0
    rows = (given ^ source.reshape(32, 16)).view(np.int32)
    yield Compared.arrays("copies", out.fetch(), rows.reshape(4, 8, 4).transpose(1, 2, 0).reshape(32, 4))

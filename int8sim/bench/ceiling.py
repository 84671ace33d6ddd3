"""What the machine can do: the widest tile over and over, all of its operands in the first-level cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from int8sim.bench.job import CEILING, Contender
from int8sim.kernels.compile import build
from int8sim.kernels.cpu.amx_tile import HALF, ROW_BYTES, amx_tile, configuration, configure, release
from int8sim.kernels.cpu.emitter import Shape
from int8sim.kernels.cpu.memory import empty_on_a_cache_line
from int8sim.kernels.cpu.threads import LEAST_PRODUCTS, in_parts, on_threads
from int8sim.kernels.cpu.tile import GROUP, TILES, WIDEST, Tiles, instruction_set
from int8sim.kernels.roles import tile
from int8sim.model.step import Array

DEPTH, TIMES = 256, 400


def ceiling(threads: int = 1) -> Contender:
    """The machine's instruction set, or a forced one, on each of the threads."""
    tiles = TILES[instruction_set()]
    shape = tiles.shapes[0]
    columns = shape.columns if tiles.intrinsic else HALF
    calls = [_tiles(tiles, shape) if tiles.intrinsic else _amx_tiles(shape) for _ in range(threads)]
    return Contender(CEILING, lambda: _at_once(calls), work=threads * shape.rows * columns * DEPTH * TIMES / 1e9)


def _at_once(calls: Sequence[Callable[[], None]]) -> None:
    with on_threads(len(calls)):
        in_parts(lambda part, _: calls[part](), LEAST_PRODUCTS)


def _operands(shape: Shape) -> tuple[Array, Array, Array, Array]:
    """Windows a cache line more than their depth apart, weights, biases, room for accumulators."""
    windows = empty_on_a_cache_line((shape.rows, DEPTH + ROW_BYTES), np.uint8)
    weights = empty_on_a_cache_line((DEPTH * WIDEST,), np.int8)
    windows[:], weights[:] = 1, 1
    return windows, weights, np.zeros(WIDEST, np.int32), empty_on_a_cache_line((shape.rows * WIDEST,), np.int32)


def _tiles(tiles: Tiles, shape: Shape) -> Callable[[], None]:
    kernel, (windows, *others) = build(repeat_tile, {}, {"tile": tiles.intrinsic}), _operands(shape)
    pixels, runs = np.arange(shape.rows) * windows.shape[1], np.array([[0, 0, DEPTH // GROUP]])
    return lambda: kernel(windows.reshape(-1), pixels, runs, *others, TIMES)


def _amx_tiles(shape: Shape) -> Callable[[], None]:
    kernel, (windows, *others), settings = build(repeat_amx), _operands(shape), configuration()
    runs = np.array([[0, DEPTH // ROW_BYTES]])
    return lambda: kernel(settings, windows, runs, *others, TIMES)


def repeat_tile(x: Array, pixels: Array, runs: Array, weights: Array, bias: Array, acc: Array, times: int) -> None:
    """The first tile of an instruction set."""
    under = runs.ctypes.data
    for _ in range(times):
        tile((0, x.ctypes.data, pixels.ctypes.data, under, 1, weights.ctypes.data, bias.ctypes.data, acc.ctypes.data))


def repeat_amx(
    settings: Array, windows: Array, runs: Array, weights: Array, bias: Array, acc: Array, times: int
) -> None:
    """AMX's tile."""
    configure(settings.ctypes.data)
    apart, under = windows.shape[1], runs.ctypes.data
    for _ in range(times):
        amx_tile((windows.ctypes.data, apart, under, 1, weights.ctypes.data, bias.ctypes.data, acc.ctypes.data))
    release()

"""The depthwise tile: one pixel by up to 64 channels, four taps a step. Written as LLVM IR.

acc[n] = bias[n] + sum over t of x[t, n] * weights[t, n] modulo 2**32, x uint8, weights int8: every channel has its own
values. vpdpbusd adds four products a lane, and four taps lie in four places of memory: so four loads are interleaved,
as unpack instructions do it, within every 16 bytes. `lanes_of` says which channel is then in which lane; weights and
biases are packed in that order, and the sums put back into the channels' own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from llvmlite import ir
from numba.extending import intrinsic

from int8sim.kernels.cpu.emitter import BYTE, SIZE, SIZE_BYTES, WORD, WORD_BYTES, Emitter, Shape, numbered
from int8sim.kernels.cpu.tile import GROUP, VectorBytes
from int8sim.model.step import Array

WIDTHS = tuple(Shape(lanes, 1, GROUP) for lanes in (16, 8, 4))
"""64, 32 and 16 channels: four vectors of sums each."""
OPERANDS = 7
"""Of a tile: its number, the address of a pixel's first value, those that roles.depthwise_tile names."""
QUARTER = 4
"""Words of 16 bytes, within which an unpack instruction works."""


def lanes_of(shape: Shape) -> Array:
    """The channel in every lane, int64 [4, lanes]."""
    lane = np.arange(shape.lanes)
    return lane // QUARTER * GROUP * QUARTER + np.arange(GROUP)[:, None] * QUARTER + lane % QUARTER


class _DepthwiseTile(Emitter):
    """Writes the loop over steps of four taps, with four vectors of sums as phi nodes."""

    def __init__(self, builder: Any, shape: Shape, addresses: Sequence[Any]) -> None:
        super().__init__(builder, shape, WORD)
        self.dot = VectorBytes(self)
        self.x, self.taps, self.steps, self.weights, self.bias, self.acc = addresses
        self.loaded = ir.VectorType(BYTE, shape.columns)

    def emit(self) -> None:
        """At least one step; the builder is behind the loop afterwards."""
        builder, places = self.builder, [self.bytes(v) for v in range(GROUP)]
        firsts = [self.constant(0), *(self.load(self.bias, place, self.vector) for place in places)]

        def turn(number: Any, *sums: Any) -> list[Any]:
            weights = self.at(self.weights, number, self.bytes(GROUP))
            factors = [self.dot.weights(weights, place) for place in places]
            operands = zip(sums, self._values(number), factors, strict=True)
            return [builder.add(number, self.constant(1)), *(self.dot.add(*each) for each in operands)]

        self._store(self.loop(firsts, turn, self.steps)[1:])

    def _values(self, number: Any) -> list[Any]:
        """Four taps of every channel side by side, in four vectors."""
        taps = self.at(self.taps, number, GROUP * SIZE_BYTES)
        behind = [self.load(taps, SIZE_BYTES * j, SIZE) for j in range(GROUP)]
        first, second, third, fourth = [self.load(self.builder.add(self.x, each), 0, self.loaded) for each in behind]
        left, right = self._unpacked(first, second, 1), self._unpacked(third, fourth, 1)
        vectors = [half for low, high in zip(left, right, strict=True) for half in self._unpacked(low, high, 2)]
        return [self.builder.bitcast(each, self.dot.packed) for each in vectors]

    def _unpacked(self, a: Any, b: Any, size: int) -> list[Any]:
        """Elements of `size` bytes of a and b in turn: of the lower halves of every 16 bytes, and of the upper ones."""
        total, half = self.shape.columns, GROUP * QUARTER // size // 2
        starts = range(0, total // size, 2 * half)
        kind = ir.VectorType(ir.IntType(BYTE.width * size), total // size)
        halves = []
        for upper in (0, half):
            places = [start + upper + i for start in starts for i in range(half)]
            lanes = [lane for place in places for lane in (place, place + total // size)]
            merged = self.merge(self.builder.bitcast(a, kind), self.builder.bitcast(b, kind), lanes)
            halves.append(self.builder.bitcast(merged, self.loaded))
        return halves

    def _store(self, sums: list[Any]) -> None:
        """In the order of channels: four lanes of every vector in turn."""
        for i, total in enumerate(sums):
            for lane in range(0, self.shape.lanes, QUARTER):
                part = self.shuffle(total, list(range(lane, lane + QUARTER)))
                self.store(part, self.acc, (lane * GROUP + i * QUARTER) * WORD_BYTES)


def _tile(shape: Shape) -> Callable[[Any, Sequence[Any]], None]:
    return lambda builder, addresses: _DepthwiseTile(builder, shape, addresses).emit()


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def avx512_vnni(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """64, 32 or 16 channels of one pixel."""
    return numbered(OPERANDS, [_tile(shape) for shape in WIDTHS])

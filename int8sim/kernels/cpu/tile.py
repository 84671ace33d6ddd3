"""The dot-product tiles: some pixels by some output channels, accumulated in vector registers. Written as LLVM IR.

acc[r, n] = bias[n] + sum over k of x[r, k] * weights[k, n] modulo 2**32, x uint8, weights int8. The channels are the
lanes of a vector, four bytes of the depth are one step, and what lies under a pixel is not copied together: `runs` says
how many values behind the pixel's first one a run of contiguous bytes begins, and how many steps it is long. The tiles
of every instruction set give the same integers: x86's vpdpbusd (unsigned by signed bytes, four at a time, no
saturation), or 16-bit pairs (vpmaddwd), or 32-bit products.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from int8sim.kernels.cpu.emitter import BYTE, HALF, SIZE, SIZE_BYTES, WORD, WORD_BYTES, Emitter, Shape, numbered
from int8sim.kernels.cpu.instruction_sets import InstructionSets, amx_is_permitted

GROUP = 4
"""Bytes of one step of the depth; a run is padded to a multiple of it with weights of 0."""
STRIP, WIDEST = 6, 64
"""Every tile's rows are a multiple of the one; its accumulators lie so many words apart, row by row."""
OPERANDS = 8
"""Of a tile: its number, then the addresses that roles.tile names."""
RUN = 3
"""Numbers of a run: bytes behind a pixel's first value, steps before its weights, steps."""


class _Tile(Emitter):
    """Writes the loops over runs and steps, with the accumulators as phi nodes."""

    def __init__(self, builder: Any, shape: Shape, dot: Dot, addresses: Sequence[Any]) -> None:
        super().__init__(builder, shape, WORD)
        self.dot = dot(self)
        self.x, self.pixels, self.runs, self.count, self.weights, self.bias, self.acc = addresses

    def emit(self) -> None:
        """The builder is behind the loops afterwards."""
        builder, shape = self.builder, self.shape
        rows = [builder.add(self.x, self.load(self.pixels, SIZE_BYTES * r, SIZE)) for r in range(shape.rows)]
        start = [self.load(self.bias, self.bytes(v), self.vector) for v in range(shape.vectors)] * shape.rows
        entry, run, done = builder.block, builder.append_basic_block("run"), builder.append_basic_block("done")
        builder.branch(run)
        builder.position_at_end(run)
        number, *sums = [builder.phi(each.type) for each in (self.constant(0), *start)]
        begin = builder.append_basic_block("begin")
        builder.cbranch(builder.icmp_unsigned("<", number, self.count), begin, done)
        builder.position_at_end(begin)
        totals = self._steps(rows, self.at(self.runs, number, RUN * SIZE_BYTES), sums)
        following = builder.add(number, self.constant(1))
        for phi, first, last in zip([number, *sums], [self.constant(0), *start], [following, *totals], strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(last, builder.block)
        builder.branch(run)
        builder.position_at_end(done)
        for i, total in enumerate(sums):
            row, vector = divmod(i, shape.vectors)
            self.store(total, self.acc, row * WIDEST * WORD_BYTES + self.bytes(vector))

    def _steps(self, rows: list[Any], run: Any, sums: list[Any]) -> list[Any]:
        """The loop over one run's steps: the sums behind it, where the builder is then."""
        behind, line, steps = (self.load(run, SIZE_BYTES * i, SIZE) for i in range(RUN))
        add, group, size = self.builder.add, self.constant(GROUP), self.constant(self.shape.columns * GROUP)

        def turn(place: Any, weights: Any, *running: Any) -> list[Any]:
            totals = self._step(place, weights, rows, running)
            return [add(place, group), add(weights, size), *totals]

        firsts = [behind, self.at(self.weights, line, self.shape.columns * GROUP), *sums]
        return self.loop(firsts, turn, self.at(behind, steps, GROUP))[2:]

    def _step(self, place: Any, weights: Any, rows: list[Any], sums: Sequence[Any]) -> list[Any]:
        factors = [self.dot.weights(weights, self.bytes(v)) for v in range(self.shape.vectors)]
        totals = []
        for r, row in enumerate(rows):
            values = self.dot.values(self.load(self.builder.add(row, place), 0, WORD))
            own = sums[r * self.shape.vectors : (r + 1) * self.shape.vectors]
            totals += [self.dot.add(total, values, factor) for total, factor in zip(own, factors, strict=True)]
        return totals


class VectorBytes:
    """vpdpbusd: one instruction for four products a lane."""

    def __init__(self, tile: Emitter) -> None:
        self.tile, bits = tile, tile.shape.lanes * WORD.width
        self.packed = ir.VectorType(BYTE, bits // BYTE.width)
        kind = ir.FunctionType(tile.vector, [tile.vector, self.packed, self.packed])
        name = f"llvm.x86.avx512.vpdpbusd.{bits}"
        self.function = cgutils.get_or_insert_function(tile.builder.module, kind, name)

    def weights(self, address: Any, offset: int) -> Any:
        """Four bytes a lane."""
        return self.tile.load(address, offset, self.packed)

    def values(self, word: Any) -> Any:
        """The same four bytes in every lane."""
        return self.tile.builder.bitcast(self.tile.splat(word, self.tile.vector), self.packed)

    def add(self, total: Any, values: Any, weights: Any) -> Any:
        """total + the four products of every lane."""
        return self.tile.builder.call(self.function, [total, values, weights])


class _Pairs:
    """vpmaddwd of bytes widened to 16 bits, which hold every product of two: exact, unlike vpmaddubsw."""

    def __init__(self, tile: _Tile) -> None:
        self.tile, lanes = tile, tile.shape.lanes
        self.packed, self.wide = ir.VectorType(BYTE, 2 * lanes), ir.VectorType(HALF, 2 * lanes)
        kind = ir.FunctionType(tile.vector, [self.wide, self.wide])
        self.function = cgutils.get_or_insert_function(tile.builder.module, kind, "llvm.x86.avx2.pmadd.wd")

    def weights(self, address: Any, offset: int) -> Any:
        """The first two bytes of every lane, and the last two, widened."""
        places = (offset, offset + 2 * self.tile.shape.lanes)
        return [self.tile.builder.sext(self.tile.load(address, each, self.packed), self.wide) for each in places]

    def values(self, word: Any) -> Any:
        """The first two of four bytes in every lane, and the last two, widened."""
        lanes, builder = self.tile.shape.lanes, self.tile.builder
        words = self.tile.splat(word, ir.VectorType(WORD, lanes // 2))
        wide = builder.zext(builder.bitcast(words, self.packed), self.wide)
        pairs = builder.bitcast(wide, self.tile.vector)
        return [builder.bitcast(self.tile.shuffle(pairs, [i, i] * (lanes // 2)), self.wide) for i in range(2)]

    def add(self, total: Any, values: Any, weights: Any) -> Any:
        """total + two sums of two products of every lane."""
        for value, weight in zip(values, weights, strict=True):
            total = self.tile.builder.add(total, self.tile.builder.call(self.function, [value, weight]))
        return total


class _Words:
    """Any machine: byte j of every lane, widened to 32 bits, times value j."""

    def __init__(self, tile: _Tile) -> None:
        self.tile = tile
        self.packed = ir.VectorType(BYTE, GROUP * tile.shape.lanes)

    def weights(self, address: Any, offset: int) -> Any:
        """By byte, widened."""
        loaded, lanes = self.tile.load(address, offset, self.packed), range(self.tile.shape.lanes)
        bytes_ = [self.tile.shuffle(loaded, [GROUP * lane + j for lane in lanes]) for j in range(GROUP)]
        return [self.tile.builder.sext(each, self.tile.vector) for each in bytes_]

    def values(self, word: Any) -> Any:
        """By byte, in every lane."""
        builder, low = self.tile.builder, ir.Constant(WORD, 255)
        shifted = [builder.lshr(word, ir.Constant(WORD, BYTE.width * j)) for j in range(GROUP)]
        return [self.tile.splat(builder.and_(each, low), self.tile.vector) for each in shifted]

    def add(self, total: Any, values: Any, weights: Any) -> Any:
        """total + four products of every lane."""
        for value, weight in zip(values, weights, strict=True):
            total = self.tile.builder.add(total, self.tile.builder.mul(weight, value))
        return total


Dot = Callable[[_Tile], "VectorBytes | _Pairs | _Words"]


def _typed(shapes: Sequence[Shape], dot: Dot) -> Any:
    """Signature and code of an instruction set's intrinsic."""

    def tile(shape: Shape) -> Callable[[Any, Sequence[Any]], None]:
        return lambda builder, addresses: _Tile(builder, shape, dot, addresses).emit()

    return numbered(OPERANDS, [tile(shape) for shape in shapes])


class Tiles(NamedTuple):
    """Of one instruction set: shapes, for many output channels first; the intrinsic; how weights lie.

    pairs: a vector of weights is two bytes of every lane and then the other two, and not four of every lane. lines:
    steps of the depth that a vector of channels has side by side, before the next vector's.
    """

    shapes: tuple[Shape, ...]
    intrinsic: Any
    pairs: bool = False
    lines: int = 1


AMX = Shape(16, 32, 4)
AVX512 = Shape(16, 6, 4), Shape(16, 12, 2), Shape(16, 12, 1)
AVX, AVX2, PORTABLE = (Shape(8, 6, 2),), (Shape(8, 6, 1),), (Shape(4, 6, 1),)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def avx512_vnni(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """6 pixels by 64 channels, 12 by 32 or 16, in 32 registers of 16 lanes."""
    return _typed(AVX512, VectorBytes)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def avx_vnni(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """6 pixels by 16 channels, in 16 registers of 8 lanes."""
    return _typed(AVX, VectorBytes)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def avx2(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """6 pixels by 8 channels: weights and values have to be widened as well."""
    return _typed(AVX2, _Pairs)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def portable(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """6 pixels by 4 channels, in registers of 4 lanes, or in whatever the machine has."""
    return _typed(PORTABLE, _Words)


TILES = {
    "amx_int8": Tiles((AMX,), None, lines=16),  # amx_tile.py
    "avx512_vnni": Tiles(AVX512, avx512_vnni),
    "avx_vnni": Tiles(AVX, avx_vnni),
    "avx2": Tiles(AVX2, avx2, pairs=True),
    "portable": Tiles(PORTABLE, portable),
}
DOT_PRODUCTS = InstructionSets(
    "dot product",
    {
        "amx_int8": frozenset({"+amx-int8", "+amx-tile", "+avx512vnni", "+avx512f", "+avx512bw", "+avx512vl"}),
        "avx512_vnni": frozenset({"+avx512vnni", "+avx512f", "+avx512vl"}),
        "avx_vnni": frozenset({"+avxvnni"}),
        "avx2": frozenset({"+avx2"}),
        "portable": frozenset(),
    },
    {"amx_int8": amx_is_permitted},
)
"""`with DOT_PRODUCTS.forced("portable"):` prepares integer convolutions with those tiles."""


def instruction_set() -> str:
    """The tiles that kernels are prepared with: the processor's fastest, or forced ones."""
    return DOT_PRODUCTS.chosen()

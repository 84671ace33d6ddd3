"""The float32 tiles: some pixels by some output channels, every sum one chain of FMAs in its order. Written as LLVM IR.

acc[r, n] = fma(x[r, k], w[k, n], acc[r, n]) for k = 0, 1, 2 ...: the channels are the lanes of a vector and every sum
has its own lane, so tiles of any shape give the same bits. A processor with 32 vector registers of 16 lanes holds 24
accumulators, one with 16 registers holds 12. Where it has no FMA, LLVM calls C's fmaf for every lane.

What lies under a pixel is not copied together: `taps` says, for every k, how many values behind the pixel's first one
the k-th lies, and in which row of the packed weights its weights do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, NamedTuple

from llvmlite import ir
from numba.core import cgutils
from numba.extending import intrinsic

from int8sim.kernels.cpu.emitter import FLOAT, SIZE, SIZE_BYTES, WORD_BYTES, Emitter, Shape, numbered
from int8sim.kernels.cpu.instruction_sets import InstructionSets

WIDE, NARROW, DEPTHWISE = 0, 1, 2
"""The tiles by number: for many output channels, for few, and where every output channel has one input of its own."""
OPERANDS = 7
"""Of a tile: its number, then the addresses that roles.products names."""


class _FloatTile(Emitter):
    """Writes the loop over k with the accumulators as phi nodes."""

    def __init__(self, builder: Any, shape: Shape, operands: Operands, addresses: Any) -> None:
        super().__init__(builder, shape, FLOAT)
        self.operands = operands
        self.x, self.pixels, self.taps, self.depth, self.weights, self.acc = addresses
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        self.fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{shape.lanes}f32")

    def emit(self) -> None:
        """The builder is behind the loop afterwards."""
        builder, places = self.builder, [self.bytes(i) for i in range(self.shape.rows * self.shape.vectors)]
        starts = [self.load(self.pixels, SIZE_BYTES * r, SIZE) for r in range(self.shape.rows)]
        rows = [self.at(self.x, start, WORD_BYTES) for start in starts]
        firsts = [self.constant(0), *(self.load(self.acc, place, self.vector) for place in places)]

        def turn(k: Any, *sums: Any) -> list[Any]:
            return [builder.add(k, self.constant(1)), *self._step(k, rows, sums)]

        totals = self.loop(firsts, turn, self.depth)[1:]
        for place, total in zip(places, totals, strict=True):
            self.store(total, self.acc, place)

    def _step(self, k: Any, rows: list[Any], sums: Sequence[Any]) -> list[Any]:
        tap = self.at(self.taps, k, 2 * SIZE_BYTES)
        behind, line = self.load(tap, 0, SIZE), self.load(tap, SIZE_BYTES, SIZE)
        weights = self.vectors(self.at(self.weights, line, self.bytes(self.shape.vectors)))
        values = chain.from_iterable(self.operands(self, self.at(row, behind, WORD_BYTES)) for row in rows)
        factors = zip(values, weights * self.shape.rows, sums, strict=True)
        return [self.builder.call(self.fma, each) for each in factors]

    def vectors(self, address: Any) -> list[Any]:
        """Values side by side, one for every channel of the tile."""
        return [self.load(address, self.bytes(v), self.vector) for v in range(self.shape.vectors)]

    def splats(self, address: Any) -> list[Any]:
        """One value for all channels."""
        return [self.splat(self.load(address, 0, FLOAT), self.vector)] * self.shape.vectors


Operands = Callable[[_FloatTile, Any], list[Any]]
"""What the weights are multiplied by: values at an address."""


def _typed(wide: Shape, narrow: Shape) -> Any:
    """Signature and code of an instruction set's intrinsic: the three tiles."""

    def tile(shape: Shape, operands: Operands) -> Callable[[Any, Sequence[Any]], None]:
        return lambda builder, addresses: _FloatTile(builder, shape, operands, addresses).emit()

    by_number = {
        WIDE: tile(wide, _FloatTile.splats),
        NARROW: tile(narrow, _FloatTile.splats),
        DEPTHWISE: tile(narrow, _FloatTile.vectors),
    }
    return numbered(OPERANDS, [by_number[number] for number in sorted(by_number)])


class Tiles(NamedTuple):
    """The shapes of the wide tile, and of the narrow and the depthwise one; the intrinsic, `products` of roles.py."""

    wide: Shape
    narrow: Shape
    products: Any

    def shape(self, number: int) -> Shape:
        """Of WIDE, NARROW or DEPTHWISE."""
        return self.wide if number == WIDE else self.narrow


AVX512, AVX2, PORTABLE = (Shape(16, 6, 4), Shape(16, 8, 2)), (Shape(8, 6, 2),) * 2, (Shape(4, 6, 2),) * 2


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def avx512(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """6 pixels by 64 channels, 8 by 32, in 32 registers of 16 lanes."""
    return _typed(*AVX512)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def avx2(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """6 pixels by 16 channels, in 16 registers of 8 lanes."""
    return _typed(*AVX2)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def portable(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """6 pixels by 8 channels, in 16 registers of 4 lanes, or in whatever the machine has."""
    return _typed(*PORTABLE)


FLOAT_TILES = {
    "avx512": Tiles(*AVX512, avx512),
    "avx2": Tiles(*AVX2, avx2),
    "portable": Tiles(*PORTABLE, portable),
}
FLOAT_SUMS = InstructionSets(
    "float32 sum",
    {"avx512": frozenset({"+avx512f"}), "avx2": frozenset({"+avx2", "+fma"}), "portable": frozenset()},
)
"""`with FLOAT_SUMS.forced("avx2"):` prepares and runs float32 sums of products with those tiles."""


def float_instruction_set() -> str:
    """The float32 tiles that kernels are prepared with: the processor's fastest, or forced ones."""
    return FLOAT_SUMS.chosen()

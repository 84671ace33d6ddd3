"""The float32 tiles: some pixels by some output channels, every sum one chain of FMAs in its order. Written as LLVM IR.

acc[r, n] = fma(x[r, k], w[k, n], acc[r, n]) for k = 0, 1, 2 ...: the channels are the lanes of a vector and every sum
has its own lane, so tiles of any shape give the same bits. A processor with 32 vector registers of 16 lanes holds 24
accumulators, one with 16 registers holds 12. Where it has no FMA, LLVM calls C's fmaf for every lane.

What lies under a pixel is not copied together: `taps` says, for every k, how many values behind the pixel's first one
the k-th lies, and in which row of the packed weights its weights do.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from int8sim.kernels.cpu.instruction_sets import InstructionSets

FLOAT, WORD, SIZE = ir.FloatType(), ir.IntType(32), ir.IntType(64)
FLOAT_BYTES, SIZE_BYTES = 4, 8
WIDE, NARROW, DEPTHWISE = 0, 1, 2
"""The tiles by number: for many output channels, for few, and where every output channel has one input of its own."""


class Shape(NamedTuple):
    """Lanes of a vector, pixels per tile, vectors of channels per tile."""

    lanes: int
    rows: int
    vectors: int

    @property
    def columns(self) -> int:
        """Output channels per tile."""
        return self.lanes * self.vectors


class _Emitter:
    """Writes the loop over k with the accumulators as phi nodes."""

    def __init__(self, builder: Any, shape: Shape, operands: Operands, addresses: Any) -> None:
        self.builder, self.shape, self.operands = builder, shape, operands
        self.x, self.pixels, self.taps, self.depth, self.weights, self.acc = addresses
        self.vector = ir.VectorType(FLOAT, shape.lanes)
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        self.fma = cgutils.get_or_insert_function(builder.module, kind, f"llvm.fma.v{shape.lanes}f32")

    def emit(self) -> None:
        """At the builder's place; the builder is behind the loop afterwards."""
        builder, places = self.builder, [self._bytes(i) for i in range(self.shape.rows * self.shape.vectors)]
        starts = [self._load(self.pixels, SIZE_BYTES * r, SIZE) for r in range(self.shape.rows)]
        rows = [self._at(self.x, start, FLOAT_BYTES) for start in starts]
        firsts = [ir.Constant(SIZE, 0), *(self._load(self.acc, place, self.vector) for place in places)]
        entry, loop, done = builder.block, builder.append_basic_block("taps"), builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        phis = [builder.phi(first.type) for first in firsts]
        following = builder.add(phis[0], ir.Constant(SIZE, 1))
        totals = self._step(phis[0], rows, phis[1:])
        for phi, first, last in zip(phis, firsts, [following, *totals], strict=True):
            phi.add_incoming(first, entry)
            phi.add_incoming(last, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, self.depth), loop, done)
        builder.position_at_end(done)
        for place, total in zip(places, totals, strict=True):
            builder.store(total, self._pointer(self.acc, place, self.vector)).align = FLOAT_BYTES

    def _step(self, k: Any, rows: list[Any], sums: list[Any]) -> list[Any]:
        tap = self._at(self.taps, k, 2 * SIZE_BYTES)
        behind, line = self._load(tap, 0, SIZE), self._load(tap, SIZE_BYTES, SIZE)
        weights = self.vectors(self._at(self.weights, line, self._bytes(self.shape.vectors)))
        values = chain.from_iterable(self.operands(self, self._at(row, behind, FLOAT_BYTES)) for row in rows)
        factors = zip(values, weights * self.shape.rows, sums, strict=True)
        return [self.builder.call(self.fma, each) for each in factors]

    def vectors(self, address: Any) -> list[Any]:
        """Values side by side, one for every channel of the tile."""
        return [self._load(address, self._bytes(v), self.vector) for v in range(self.shape.vectors)]

    def splats(self, address: Any) -> list[Any]:
        """One value for all channels."""
        undefined, lanes = ir.Constant(self.vector, ir.Undefined), ir.VectorType(WORD, self.shape.lanes)
        first = self.builder.insert_element(undefined, self._load(address, 0, FLOAT), ir.Constant(WORD, 0))
        splat = self.builder.shuffle_vector(first, undefined, ir.Constant(lanes, [0] * self.shape.lanes))
        return [splat] * self.shape.vectors

    def _bytes(self, vectors: int) -> int:
        return vectors * self.shape.lanes * FLOAT_BYTES

    def _at(self, address: Any, index: Any, size: int) -> Any:
        return self.builder.add(address, self.builder.mul(index, ir.Constant(SIZE, size)))

    def _load(self, address: Any, offset: int, kind: Any) -> Any:
        value = self.builder.load(self._pointer(address, offset, kind), typ=kind)
        value.align = FLOAT_BYTES
        return value

    def _pointer(self, address: Any, offset: int, kind: Any) -> Any:
        return self.builder.inttoptr(self.builder.add(address, ir.Constant(SIZE, offset)), ir.PointerType(kind))


Operands = Callable[[_Emitter, Any], list[Any]]
"""What the weights are multiplied by: values at an address."""


def _typed(wide: Shape, narrow: Shape) -> Any:
    """Signature and code of an intrinsic: a switch over the three tiles."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        done = builder.append_basic_block("computed")
        switch = builder.switch(arguments[0], done)
        cases = (WIDE, wide, _Emitter.splats), (NARROW, narrow, _Emitter.splats), (DEPTHWISE, narrow, _Emitter.vectors)
        for number, shape, operands in cases:
            block = builder.append_basic_block("tile")
            switch.add_case(ir.Constant(SIZE, number), block)
            builder.position_at_end(block)
            _Emitter(builder, shape, operands, arguments[1:]).emit()
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(*[types.intp] * 7), code


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
def avx512(_: Any, tile: Any, x: Any, pixels: Any, taps: Any, depth: Any, weights: Any, acc: Any) -> Any:  # noqa: ARG001
    """6 pixels by 64 channels, 8 by 32, in 32 registers of 16 lanes."""
    return _typed(*AVX512)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def avx2(_: Any, tile: Any, x: Any, pixels: Any, taps: Any, depth: Any, weights: Any, acc: Any) -> Any:  # noqa: ARG001
    """6 pixels by 16 channels, in 16 registers of 8 lanes."""
    return _typed(*AVX2)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def portable(_: Any, tile: Any, x: Any, pixels: Any, taps: Any, depth: Any, weights: Any, acc: Any) -> Any:  # noqa: ARG001
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

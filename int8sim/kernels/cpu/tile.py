"""The dot-product tile: six windows by 32 output channels, accumulated in vector registers. Written as LLVM IR.

acc[r, n] = sum over k of windows[r, k] * weights[k, n] modulo 2**32, windows uint8, weights int8. The depth is in
groups of four bytes, weights packed as [depth / 4][32][4], so that x86's vpdpbusd (unsigned by signed bytes, four at
a time, no saturation) does one group for 16 channels. The portable form multiplies the same four bytes in int32
vectors, which LLVM lowers to whatever the machine has. Both give the same integers.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from int8sim.kernels.cpu.instruction_sets import InstructionSets

ROWS = 6
"""Windows per tile: with two vectors of accumulators each, enough independent sums to hide the latency."""
LANES = 16
VECTORS = 2
COLUMNS = LANES * VECTORS
"""Output channels per tile; weights are padded to a multiple of it."""
GROUP = 4
"""Bytes per dot-product step; the depth is padded to a multiple of it."""

BYTE, WORD, SIZE = ir.IntType(8), ir.IntType(32), ir.IntType(64)
BYTES = ir.VectorType(BYTE, LANES * GROUP)
WORDS = ir.VectorType(WORD, LANES)
Dot = Callable[[Any, Any, Any, Any], Any]
"""(builder, accumulator <16 x i32>, four activations as i32, weights <64 x i8>) -> accumulator."""


def _splat(builder: Any, word: Any) -> Any:
    undefined = ir.Constant(WORDS, ir.Undefined)
    first = builder.insert_element(undefined, word, ir.Constant(WORD, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(WORDS, [0] * LANES))


def _dot_vnni(builder: Any, acc: Any, activations: Any, weights: Any) -> Any:
    """AVX512-VNNI: one instruction."""
    kind = ir.FunctionType(WORDS, [WORDS, BYTES, BYTES])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpdpbusd.512")
    return builder.call(function, [acc, builder.bitcast(_splat(builder, activations), BYTES), weights])


def _dot_portable(builder: Any, acc: Any, activations: Any, weights: Any) -> Any:
    """Any machine: byte j of every group, widened to 32 bits, times activation j."""
    undefined = ir.Constant(BYTES, ir.Undefined)
    for j in range(GROUP):
        places = ir.Constant(ir.VectorType(WORD, LANES), [GROUP * lane + j for lane in range(LANES)])
        wide = builder.sext(builder.shuffle_vector(weights, undefined, places), WORDS)
        byte = builder.and_(builder.lshr(activations, ir.Constant(WORD, 8 * j)), ir.Constant(WORD, 255))
        acc = builder.add(acc, builder.mul(wide, _splat(builder, byte)))
    return acc


class _Emitter:
    """Writes the loop over depth groups with ROWS x VECTORS accumulators as phi nodes."""

    def __init__(self, builder: Any, dot: Dot, arguments: Any) -> None:
        self.builder, self.dot = builder, dot
        self.windows, self.groups, self.weights, self.acc = arguments

    def emit(self) -> None:
        entry, builder = self.builder.block, self.builder
        loop, done = builder.append_basic_block("groups"), builder.append_basic_block("done")
        builder.branch(loop)
        builder.position_at_end(loop)
        k = builder.phi(SIZE)
        k.add_incoming(ir.Constant(SIZE, 0), entry)
        sums = [[builder.phi(WORDS) for _ in range(VECTORS)] for _ in range(ROWS)]
        totals = self._step(k, sums)
        following = builder.add(k, ir.Constant(SIZE, 1))
        k.add_incoming(following, loop)
        for phi, total in zip(chain(*sums), chain(*totals), strict=True):
            phi.add_incoming(ir.Constant(WORDS, [0] * LANES), entry)
            phi.add_incoming(total, loop)
        builder.cbranch(builder.icmp_unsigned("<", following, self.groups), loop, done)
        builder.position_at_end(done)
        self._store(totals)

    def _step(self, k: Any, sums: list[list[Any]]) -> list[list[Any]]:
        builder = self.builder
        base = builder.add(self.weights, builder.mul(k, ir.Constant(SIZE, COLUMNS * GROUP)))
        weights = [self._load(base, LANES * GROUP * v, BYTES) for v in range(VECTORS)]
        totals = []
        for r, row in enumerate(sums):
            group = builder.add(builder.mul(self.groups, ir.Constant(SIZE, r)), k)
            start = builder.add(self.windows, builder.mul(group, ir.Constant(SIZE, GROUP)))
            activations = self._load(start, 0, WORD)
            totals.append([self.dot(builder, acc, activations, w) for acc, w in zip(row, weights, strict=True)])
        return totals

    def _load(self, address: Any, offset: int, kind: Any) -> Any:
        pointer = self.builder.inttoptr(self.builder.add(address, ir.Constant(SIZE, offset)), ir.PointerType(kind))
        value = self.builder.load(pointer, typ=kind)
        value.align = 1
        return value

    def _store(self, totals: list[list[Any]]) -> None:
        for place, total in enumerate(chain(*totals)):
            address = self.builder.add(self.acc, ir.Constant(SIZE, place * LANES * 4))
            stored = self.builder.store(total, self.builder.inttoptr(address, ir.PointerType(WORDS)))
            stored.align = 4


def _signature() -> Any:
    return types.void(types.intp, types.intp, types.intp, types.intp)


def _code(dot: Dot) -> Any:
    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        _Emitter(builder, dot, arguments).emit()
        return context.get_dummy_value()

    return code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def tile_vnni(_: Any, windows: Any, groups: Any, weights: Any, acc: Any) -> Any:  # noqa: ARG001
    """Addresses of windows [6][groups * 4], of one packed block of weights, and of acc, int32 [6][32]; groups > 0."""
    return _signature(), _code(_dot_vnni)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def tile_portable(_: Any, windows: Any, groups: Any, weights: Any, acc: Any) -> Any:  # noqa: ARG001
    """The same integers on any machine."""
    return _signature(), _code(_dot_portable)


TILES = {"avx512_vnni": tile_vnni, "portable": tile_portable}
DOT_PRODUCTS = InstructionSets(
    "dot product",
    {"avx512_vnni": frozenset({"+avx512vnni", "+avx512f"}), "portable": frozenset()},
)
"""`with DOT_PRODUCTS.forced("portable"):` prepares integer convolutions with that tile."""


def instruction_set() -> str:
    """The tile that kernels are prepared with: the processor's fastest, or a forced one."""
    return DOT_PRODUCTS.chosen()

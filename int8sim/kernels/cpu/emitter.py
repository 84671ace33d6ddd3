"""What every tile's generator has in common: addresses, loads, stores, splats and loops in LLVM IR."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.core import cgutils

BYTE, HALF, WORD, SIZE, FLOAT = ir.IntType(8), ir.IntType(16), ir.IntType(32), ir.IntType(64), ir.FloatType()
SIZE_BYTES, WORD_BYTES = 8, 4


class Shape(NamedTuple):
    """Lanes of a vector of 32-bit numbers, pixels per tile, vectors of channels per tile."""

    lanes: int
    rows: int
    vectors: int

    @property
    def columns(self) -> int:
        """Output channels per tile."""
        return self.lanes * self.vectors


class Emitter:
    """At the builder's place. Addresses are 64-bit integers; nothing is assumed to be aligned."""

    def __init__(self, builder: Any, shape: Shape, element: Any) -> None:
        self.builder, self.shape, self.vector = builder, shape, ir.VectorType(element, shape.lanes)

    def constant(self, value: int) -> Any:
        """A 64-bit integer."""
        return ir.Constant(SIZE, value)

    def at(self, address: Any, index: Any, size: int) -> Any:
        """The address of the index-th element of `size` bytes."""
        return self.builder.add(address, self.builder.mul(index, self.constant(size)))

    def bytes(self, vectors: int) -> int:
        """Of so many vectors."""
        return vectors * self.shape.lanes * WORD_BYTES

    def load(self, address: Any, offset: int, kind: Any) -> Any:
        """A value so many bytes behind an address."""
        value = self.builder.load(self.pointer(address, offset, kind), typ=kind)
        value.align = 1
        return value

    def store(self, value: Any, address: Any, offset: int) -> None:
        """A value to so many bytes behind an address."""
        self.builder.store(value, self.pointer(address, offset, value.type)).align = 1

    def pointer(self, address: Any, offset: int, kind: Any) -> Any:
        """An address as a pointer."""
        return self.builder.inttoptr(self.builder.add(address, self.constant(offset)), ir.PointerType(kind))

    def splat(self, value: Any, kind: Any) -> Any:
        """A vector of the kind, the value in every lane."""
        undefined, places = ir.Constant(kind, ir.Undefined), ir.VectorType(WORD, kind.count)
        first = self.builder.insert_element(undefined, value, ir.Constant(WORD, 0))
        return self.builder.shuffle_vector(first, undefined, ir.Constant(places, [0] * kind.count))

    def shuffle(self, value: Any, lanes: list[int]) -> Any:
        """Lanes of one vector."""
        return self.merge(value, ir.Constant(value.type, ir.Undefined), lanes)

    def merge(self, a: Any, b: Any, lanes: list[int]) -> Any:
        """Lanes of two vectors, those of b numbered behind those of a."""
        places = ir.Constant(ir.VectorType(WORD, len(lanes)), lanes)
        return self.builder.shuffle_vector(a, b, places)

    def loop(self, firsts: Sequence[Any], turn: Callable[..., Sequence[Any]], end: Any) -> list[Any]:
        """turn(*values) -> the next values, at least once, and while the first is below `end`: those of the last turn.

        The values are phi nodes: registers. The builder is behind the loop afterwards.
        """
        builder, entry = self.builder, self.builder.block
        again, behind = builder.append_basic_block("again"), builder.append_basic_block("behind")
        builder.branch(again)
        builder.position_at_end(again)
        values = [builder.phi(first.type) for first in firsts]
        lasts = list(turn(*values))
        for value, first, last in zip(values, firsts, lasts, strict=True):
            value.add_incoming(first, entry)
            value.add_incoming(last, builder.block)
        builder.cbranch(builder.icmp_unsigned("<", lasts[0], end), again, behind)
        builder.position_at_end(behind)
        return lasts


def numbered(operands: int, tiles: Sequence[Callable[[Any, Sequence[Any]], None]]) -> Any:
    """Signature and code of an intrinsic: a switch over tiles.

    operands: how many 64-bit integers its one argument, a tuple, has; the first is the number of a tile. tiles: by
    number, what writes one where a builder is, for the other operands.
    """

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        done, (tile, *addresses) = builder.append_basic_block("computed"), cgutils.unpack_tuple(builder, arguments[0])
        switch = builder.switch(tile, done)
        for number, emit in enumerate(tiles):
            block = builder.append_basic_block("tile")
            switch.add_case(ir.Constant(SIZE, number), block)
            builder.position_at_end(block)
            emit(builder, addresses)
            builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return types.void(types.UniTuple(types.intp, operands)), code

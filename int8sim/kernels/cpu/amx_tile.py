"""AMX: 32 pixels by 32 channels, half a panel, or 16 by 64; sixteen steps of four bytes an instruction. In LLVM IR.

The same sums as tile.py's, of windows that lie equally far apart (amx_windows.py): each is some runs of contiguous
bytes, whole steps of 64.
Source: Intel's Software Developer's Manual, chapter 18, and TDPBUSD.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from int8sim.kernels.cpu.emitter import BYTE, SIZE, SIZE_BYTES, WORD_BYTES, Emitter
from int8sim.kernels.cpu.tile import AMX, WIDEST
from int8sim.model.step import Array

SIDE = 16
"""Rows of a register, and its 32-bit columns."""
ROW_BYTES = 64
HALF = 2 * SIDE
"""Channels of a tile."""
HALF_BYTES = HALF * ROW_BYTES
PANEL_BYTES = AMX.columns * ROW_BYTES
"""Of one step's weights: of a tile's channels, and of a panel's."""
RUN = 2
"""Numbers of a run: bytes behind a window's beginning, steps."""
OPERANDS = 7
"""Of the tile: addresses of windows; bytes between them; addresses of runs, int64 [count, RUN]; count; addresses of
weights, of biases and of accumulators."""
REGISTERS = 8


def configuration() -> Array:
    """All registers whole: 16 rows of 64 bytes. uint8 [64]."""
    found = np.zeros(64, np.uint8)
    found[0] = 1
    found[16 : 16 + 2 * REGISTERS : 2] = ROW_BYTES
    found[48 : 48 + REGISTERS] = SIDE
    return found


class _Tile(Emitter):
    """The loops over runs and steps."""

    def __init__(self, builder: Any) -> None:
        super().__init__(builder, AMX, SIZE)

    def call(self, name: str, *operands: Any) -> None:
        """One of LLVM's llvm.x86 intrinsics that returns nothing."""
        kind = ir.FunctionType(ir.VoidType(), [each.type for each in operands])
        self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, f"llvm.x86.{name}"), operands)

    def register(self, number: int) -> Any:
        """Its number, an immediate operand."""
        return ir.Constant(BYTE, number)

    def move(self, name: str, number: int, address: Any, offset: int, apart: Any) -> None:
        """Load or store a register whose rows lie `apart` bytes apart."""
        self.call(name, self.register(number), self.pointer(address, offset, BYTE), apart)

    def emit(self, windows: Any, apart: Any, runs: Any, count: Any, weights: Any, bias: Any, acc: Any) -> None:
        """At least one run, of at least one step."""
        add = self.builder.add
        for number in range(4):  # every row begins as the biases
            self.move("tileloadd64", number, bias, self.place(number)[1] * ROW_BYTES, self.constant(0))

        def step(place: Any, factors: Any) -> list[Any]:
            self.step(add(windows, place), apart, factors)
            return [add(place, self.constant(ROW_BYTES)), add(factors, self.constant(PANEL_BYTES))]

        def run(number: Any, factors: Any) -> list[Any]:
            behind, steps = (
                self.load(self.at(runs, number, RUN * SIZE_BYTES), SIZE_BYTES * i, SIZE) for i in range(RUN)
            )
            _, following = self.loop([behind, factors], step, self.at(behind, steps, ROW_BYTES))
            return [add(number, self.constant(1)), following]

        self.loop([self.constant(0), weights], run, count)
        for number in range(4):
            row, column = self.place(number)
            place = row * SIDE * WIDEST * WORD_BYTES + column * ROW_BYTES
            self.move("tilestored64", number, acc, place, self.constant(WIDEST * WORD_BYTES))

    def place(self, number: int) -> tuple[int, int]:
        """Row and column of a register of sums among the four: two by two."""
        return divmod(number, 2)

    def step(self, windows: Any, apart: Any, factors: Any) -> None:
        """Two registers of windows by two of weights."""
        half = self.builder.mul(apart, self.constant(SIDE))
        for number, address, offset, gap in (
            (4, windows, 0, apart),
            (6, factors, 0, self.constant(ROW_BYTES)),
            (7, factors, SIDE * ROW_BYTES, self.constant(ROW_BYTES)),
            (5, self.builder.add(windows, half), 0, apart),
        ):
            self.move("tileloadd64", number, address, offset, gap)
        for number in range(4):
            self.call("tdpbusd", *map(self.register, (number, 4 + number // 2, 6 + number % 2)))


class _FlatTile(_Tile):
    """Half as many windows, by twice as many channels: a whole panel's weights as they lie in memory."""

    def place(self, number: int) -> tuple[int, int]:
        """Side by side."""
        return 0, number

    def step(self, windows: Any, apart: Any, factors: Any) -> None:
        """One register of windows by four of weights, in turn in three."""
        self.move("tileloadd64", 4, windows, 0, apart)
        for number in range(4):
            own = 5 + number % 3
            self.move("tileloadd64", own, factors, number * SIDE * ROW_BYTES, self.constant(ROW_BYTES))
            self.call("tdpbusd", *map(self.register, (number, 4, own)))


def _typed(tile: type[_Tile]) -> Any:
    """Signature and code of an intrinsic."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        tile(builder).emit(*cgutils.unpack_tuple(builder, arguments[0]))
        return context.get_dummy_value()

    return types.void(types.UniTuple(types.intp, OPERANDS)), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def amx_tile(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """32 rows of accumulators, WIDEST words apart, 32 in each."""
    return _typed(_Tile)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def amx_flat_tile(_: Any, operands: Any) -> Any:  # noqa: ARG001
    """16 rows of accumulators, WIDEST words apart, 64 in each."""
    return _typed(_FlatTile)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def configure(_: Any, address: Any) -> Any:  # noqa: ARG001
    """Before the first tile of a thread: the address of `configuration()`."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        tile = _Tile(builder)
        tile.call("ldtilecfg", tile.pointer(arguments[0], 0, BYTE))
        return context.get_dummy_value()

    return types.void(types.intp), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def release(_: Any) -> Any:
    """Behind the last tile, so that the system need not save the registers."""

    def code(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        _Tile(builder).call("tilerelease")
        return context.get_dummy_value()

    return types.void(), code

"""Tables of 256 bytes, looked up 64 places at a time where one instruction takes bytes out of two registers."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from int8sim.kernels.compile import build
from int8sim.kernels.cpu.emitter import BYTE, Emitter, Shape
from int8sim.kernels.cpu.instruction_sets import InstructionSets
from int8sim.model.step import Array

TOGETHER = 64
LOOK_UPS = InstructionSets("look-up", {"avx512_vbmi": frozenset({"+avx512vbmi", "+avx512bw"}), "portable": frozenset()})
"""`with LOOK_UPS.forced("portable"):` prepares tables of bytes with the loop that any machine runs."""


def prepare_look_up(table: Array) -> Any:
    """(x, table, out): uint8 [n] to the entries of the table, [256] of any type."""
    vectors = table.dtype == np.uint8 and LOOK_UPS.chosen() == "avx512_vbmi"
    return build(look_up_bytes if vectors else look_up)


def look_up(x: Array, table: Array, out: Array) -> None:
    """uint8 [n] to whatever the 256 entries are."""
    for i in range(np.uint64(x.shape[0])):
        out[i] = table[x[i]]


def look_up_bytes(x: Array, table: Array, out: Array) -> None:
    """uint8 [n] to uint8 [n]."""
    whole = x.shape[0] // TOGETHER * TOGETHER
    for i in range(0, whole, TOGETHER):
        permuted(x.ctypes.data + i, table.ctypes.data, out.ctypes.data + i)
    look_up(x[whole:], table, out[whole:])


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def permuted(_: Any, x: Any, table: Any, out: Any) -> Any:  # noqa: ARG001
    """64 look-ups, by addresses: vpermi2b takes 7 bits of a place, the upper one chooses between two of them."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        emitter = Emitter(builder, Shape(TOGETHER, 1, 1), BYTE)
        vector, (x, table, out) = emitter.vector, arguments
        kind = ir.FunctionType(vector, [vector] * 3)
        take = cgutils.get_or_insert_function(builder.module, kind, "llvm.x86.avx512.vpermi2var.qi.512")
        places, parts = emitter.load(x, 0, vector), [emitter.load(table, TOGETHER * i, vector) for i in range(4)]
        lower, upper = (
            builder.call(take, [parts[0], places, parts[1]]),
            builder.call(take, [parts[2], places, parts[3]]),
        )
        chosen = builder.select(builder.icmp_signed("<", places, ir.Constant(vector, [0] * TOGETHER)), upper, lower)
        emitter.store(chosen, out, 0)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), code

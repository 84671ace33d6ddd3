"""x86's own dot-product instructions over arrays, each called through LLVM's intrinsic of its name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from int8sim.kernels.target import target

FEATURES = {feature for feature in target().features.split(",") if feature.startswith("+")}
LANES = {"vpdpbusd": (8, 8), "vpdpbusds": (8, 8), "vpmaddubsw": (8, 8), "vpmaddwd": (16, 16)}
"""Bits of the lanes of the two multiplied operands."""
OUT = {"vpdpbusd": 32, "vpdpbusds": 32, "vpmaddubsw": 16, "vpmaddwd": 32}
LLVM = {
    ("vpdpbusd", 256): "llvm.x86.avx512.vpdpbusd.256",
    ("vpdpbusd", 512): "llvm.x86.avx512.vpdpbusd.512",
    ("vpdpbusds", 256): "llvm.x86.avx512.vpdpbusds.256",
    ("vpdpbusds", 512): "llvm.x86.avx512.vpdpbusds.512",
    ("vpmaddubsw", 256): "llvm.x86.avx2.pmadd.ub.sw",
    ("vpmaddubsw", 512): "llvm.x86.avx512.pmaddubs.w.512",
    ("vpmaddwd", 256): "llvm.x86.avx2.pmadd.wd",
    ("vpmaddwd", 512): "llvm.x86.avx512.pmaddw.d.512",
}
NEEDED: dict[tuple[str, int], list[set[str]]] = {
    ("vpdpbusd", 256): [{"+avxvnni"}, {"+avx512vnni", "+avx512vl"}],
    ("vpdpbusd", 512): [{"+avx512vnni"}],
    ("vpmaddubsw", 256): [{"+avx2"}],
    ("vpmaddubsw", 512): [{"+avx512bw"}],
}
ACCUMULATES = {"vpdpbusd", "vpdpbusds"}


def missing(name: str, width: int) -> str:
    """What the processor lacks for an instruction; nothing where it has it."""
    sets = NEEDED["vpdpbusd" if name in ACCUMULATES else "vpmaddubsw", width]
    return "" if any(each <= FEATURES for each in sets) else " or ".join("".join(sorted(each)) for each in sets)


def instruction(name: str, width: int) -> Callable[[Any, Any, Any], Any]:
    """call(a, b, acc) -> lanes: 32-bit words in, acc used where the instruction has it; int16 or int32 lanes out."""
    out = ir.VectorType(ir.IntType(OUT[name]), width // OUT[name])
    operands = [ir.VectorType(ir.IntType(bits), width // bits) for bits in LANES[name]]
    step = width // 32

    @intrinsic
    def block(_: Any, a: Any, b: Any, acc: Any) -> Any:
        def code(context: Any, builder: Any, _signature: Any, addresses: Any) -> Any:
            wanted = [*operands, out]
            pointers = [builder.inttoptr(at, ir.PointerType(kind)) for at, kind in zip(addresses, wanted, strict=True)]
            values = [builder.load(each, typ=kind) for each, kind in zip(pointers, wanted, strict=True)]
            for value in values:
                value.align = 1  # NumPy's arrays lie anywhere
            given = [values[2], *values[:2]] if name in ACCUMULATES else values[:2]
            kind = ir.FunctionType(out, [value.type for value in given])
            found = builder.call(cgutils.get_or_insert_function(builder.module, kind, LLVM[name, width]), given)
            builder.store(found, pointers[2]).align = 1
            return context.get_dummy_value()

        return types.void(types.intp, types.intp, types.intp), code

    @njit
    def blocks(a: Any, b: Any, acc: Any, count: Any) -> None:
        for i in range(count):
            block(a + i * (width // 8), b + i * (width // 8), acc + i * (width // 8))

    def call(a: Any, b: Any, acc: Any) -> Any:
        assert a.size % step == 0
        a, b, result = (np.array(each, np.uint32) for each in (a, b, acc))
        blocks(a.ctypes.data, b.ctypes.data, result.ctypes.data, a.size // step)
        assert name in "".join(blocks.inspect_asm().values()).split(), f"{name} was not compiled"
        return result.view(np.int16 if OUT[name] == 16 else np.int32)

    return call

"""One LLVM module of compiled functions, constants and entry points, and its object file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding as llvm
import numba
import numpy as np
from llvmlite import ir

from int8sim.export_c.compiled import Bound, Compiled, compiled
from int8sim.model.errors import LibraryError
from int8sim.model.step import Array

LIBC = frozenset({"memcpy", "memmove", "memset"})
"""What LLVM itself calls."""
POINTER = ir.IntType(8).as_pointer()
STATUS, SIZE = ir.IntType(32), ir.IntType(64)


class Module:
    """Grows function by function; `object_code` is the end of it."""

    def __init__(self, name: str) -> None:
        self.ir = ir.Module(name)
        self.ir.triple = llvm.get_process_triple()
        self.exported: list[str] = []
        self._parts: list[str] = []
        self._known: dict[Any, tuple[Compiled, Any]] = {}
        self._constants: dict[Any, Any] = {}

    def entry(self, name: str, result: Any, arguments: Sequence[Any]) -> Any:
        """A new function that the library exports; LLVM types."""
        self.exported.append(name)
        return ir.Function(self.ir, ir.FunctionType(result, arguments), name)

    def constant(self, values: Array) -> Any:
        """Where an array lies in the library, each once, on a cache line."""
        content = np.ascontiguousarray(values)
        key = (content.dtype.str, content.tobytes())
        if key not in self._constants:
            kind = ir.ArrayType(ir.IntType(8), content.nbytes)
            place = ir.GlobalVariable(self.ir, kind, f"constant.{len(self._constants)}")
            place.initializer = ir.Constant(kind, bytearray(content.tobytes()))
            place.linkage, place.global_constant, place.align = "internal", True, 64
            self._constants[key] = place
        return self._constants[key]

    def room(self, name: str, size: int) -> Any:
        """Bytes of the library's own, zeros at first."""
        kind = ir.ArrayType(ir.IntType(8), size)
        place = ir.GlobalVariable(self.ir, kind, name)
        place.initializer, place.linkage, place.align = ir.Constant(kind, None), "internal", 64
        return place

    def call(
        self,
        builder: Any,
        function: Callable[..., Any],
        signature: Sequence[Any],
        arguments: Sequence[Any],
        bound: Bound = (),
    ) -> tuple[Any, Any]:
        """A call of a compiled function: its result, or None, and that one's Numba type.

        signature: Numba's types. arguments: LLVM values, tuples flattened. bound: as `compiled` takes it.
        """
        code, callee = self._function(function, tuple(signature), bound, [each.type for each in arguments])
        void = code.result == numba.types.none
        kind = POINTER if void else _stored(code, function)
        with builder.goto_entry_block():
            result, error = builder.alloca(kind), builder.alloca(POINTER)
        builder.call(callee, [result, error, *arguments])
        return None if void else builder.load(result, typ=kind), code.result

    def _function(
        self, function: Callable[..., Any], signature: tuple[Any, ...], bound: Bound, kinds: list[Any]
    ) -> tuple[Compiled, Any]:
        key = (function, signature, bound)
        if key not in self._known:
            code = compiled(function, signature, bound)
            self._parts.append(code.ir)
            void = code.result == numba.types.none
            slot = POINTER if void else _stored(code, function)
            kind = ir.FunctionType(STATUS, [slot.as_pointer(), POINTER.as_pointer(), *kinds])
            self._known[key] = code, ir.Function(self.ir, kind, code.symbol)
        return self._known[key]

    def object_code(self, cpu: str) -> bytes:
        """A relocatable object for a processor, as LLVM names it; only the entries are seen from outside."""
        whole = llvm.parse_assembly(str(self.ir))
        for part in self._parts:
            whole.link_in(llvm.parse_assembly(part))
        self._hide(whole)
        target = llvm.Target.from_triple(self.ir.triple)
        machine = target.create_target_machine(cpu=cpu, features="", opt=3, reloc="pic", codemodel="small")
        whole.data_layout = str(machine.target_data)
        passes = llvm.create_pass_builder(machine, _tuning())
        passes.getModulePassManager().run(whole, passes)
        self._check(whole)
        return bytes(machine.emit_object(whole))

    def _hide(self, whole: Any) -> None:
        for each in (*whole.functions, *whole.global_variables):
            if not each.is_declaration and each.name not in self.exported:
                each.linkage = "internal"

    def _check(self, whole: Any) -> None:
        """Raise LibraryError for whatever the C library does not have."""
        outside = {each.name for each in (*whole.functions, *whole.global_variables) if each.is_declaration}
        foreign = sorted(name for name in outside - LIBC if not name.startswith("llvm."))
        if foreign:
            raise LibraryError(self.ir.name, f"the compiled code calls {', '.join(foreign)}, which C does not have")


def _stored(code: Compiled, function: Callable[..., Any]) -> Any:
    """How a result lies in memory. Raises LibraryError for anything but a number."""
    kind = code.result
    if isinstance(kind, numba.types.Boolean):
        return ir.IntType(8)
    if isinstance(kind, numba.types.Integer):
        return ir.IntType(kind.bitwidth)
    if isinstance(kind, numba.types.Float):
        return ir.FloatType() if kind.bitwidth == 32 else ir.DoubleType()
    raise LibraryError(function.__name__, f"its result is {kind}; a C function here returns one number")


def _tuning() -> Any:
    tuning = llvm.create_pipeline_tuning_options(speed_level=3)
    tuning.loop_vectorization, tuning.slp_vectorization = True, True
    tuning.loop_interleaving = False  # a row of products is short: what several vectors at a time leave is most of it
    return tuning

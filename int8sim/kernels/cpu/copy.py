"""Bytes from one place to another, in the widest registers: few of them, so that calling C's memcpy would cost more."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from int8sim.kernels.cpu.emitter import BYTE, SIZE, Emitter, Shape

WHOLE = 64
RESTS = (32, 16, 8, 4, 2, 1)


class _Copy(Emitter):
    """Whole vectors, then the rest by its bits."""

    def __init__(self, builder: Any) -> None:
        super().__init__(builder, Shape(WHOLE, 1, 1), BYTE)

    def emit(self, target: Any, source: Any, count: Any) -> None:
        """The builder is behind it afterwards."""
        builder, step = self.builder, self.constant(WHOLE)
        whole = builder.and_(count, self.constant(-WHOLE))
        with cgutils.for_range_slice(builder, self.constant(0), whole, step, SIZE) as (place, _):
            self._move(target, source, place, WHOLE)
        with builder.if_then(builder.icmp_unsigned("!=", whole, count)):
            for size in RESTS:
                self._rest(target, source, count, size)

    def _rest(self, target: Any, source: Any, count: Any, size: int) -> None:
        builder = self.builder
        with builder.if_then(builder.icmp_unsigned("!=", builder.and_(count, self.constant(size)), self.constant(0))):
            self._move(target, source, builder.and_(count, self.constant(-2 * size)), size)

    def _move(self, target: Any, source: Any, place: Any, size: int) -> None:
        value = self.load(self.builder.add(source, place), 0, ir.VectorType(BYTE, size))
        self.store(value, self.builder.add(target, place), 0)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def copy_bytes(_: Any, target: Any, source: Any, count: Any) -> Any:  # noqa: ARG001
    """`count` bytes from one address to another that do not overlap; nothing beyond them is touched."""

    def code(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        _Copy(builder).emit(*arguments)
        return context.get_dummy_value()

    return types.void(types.intp, types.intp, types.intp), code

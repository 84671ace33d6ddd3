"""The compiled twins of the spec's float primitives, and of its operators on 32-bit words, for the CPU target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

FLOAT = ir.FloatType()
DOUBLE = ir.DoubleType()
INT32 = ir.IntType(32)
INT64 = ir.IntType(64)


def as_float32(context: Any, builder: Any, signature: Any, arguments: Any) -> list[Any]:
    """An intrinsic's arguments, whatever numbers they are, as float32."""
    return [
        context.cast(builder, value, kind, types.float32) for value, kind in zip(arguments, signature.args, strict=True)
    ]


def _llvm(builder: Any, name: str, arity: int) -> Any:
    return cgutils.get_or_insert_function(builder.module, ir.FunctionType(FLOAT, [FLOAT] * arity), name)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def float32(_: Any, value: Any) -> Any:
    """int64, float64 or float32 to the nearest float32, ties to even (sitofp, fptrunc)."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return as_float32(context, builder, signature, arguments)[0]

    return types.float32(value), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def float32_bits(_: Any, value: Any) -> Any:
    """The pattern of a float32, 0 .. 2**32 - 1, as an int64."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = as_float32(context, builder, signature, arguments)
        return builder.zext(builder.bitcast(values[0], INT32), INT64)

    return types.int64(value), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def float32_from_bits(_: Any, bits: Any) -> Any:
    """The float32 whose pattern is the low 32 bits of an int64."""

    def code(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.bitcast(builder.trunc(arguments[0], INT32), FLOAT)

    return types.float32(bits), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def half_even(_: Any, value: Any) -> Any:
    """The integer nearest to a float32 below 2**31, ties to even."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = as_float32(context, builder, signature, arguments)
        nearest = builder.call(_llvm(builder, "llvm.rint.f32", 1), values)
        return builder.sext(builder.fptosi(nearest, INT32), INT64)

    return types.int64(value), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def fma(_: Any, x: Any, y: Any, z: Any) -> Any:
    """float32 x * y + z with one rounding."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = as_float32(context, builder, signature, arguments)
        return builder.call(_llvm(builder, "llvm.fma.f32", 3), values)

    return types.float32(x, y, z), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def to_stored(_: Any, code: Any, flipped: Any) -> Any:  # noqa: ARG001
    """An int64 code in storage form, int32. flipped: int32, what its sign bit is flipped by, or 0.

    Numba's own operators give int64, and LLVM then fills half as many lanes of a vector.
    """

    def narrow(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.xor(builder.trunc(arguments[0], INT32), arguments[1])

    return types.int32(types.int64, types.int32), narrow


def _in_32_bits(operation: Callable[[Any, Any, Any], Any]) -> Any:
    """Numba's signature and code of an operation on the low words of two integers; int64, sign extended."""

    def typed(_: Any, a: Any, b: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            words = [context.cast(builder, *each, types.int32) for each in zip(arguments, signature.args, strict=True)]
            return builder.sext(operation(builder, *words), INT64)

        return types.int64(a, b), code

    return intrinsic(typed)


add_32 = _in_32_bits(lambda builder, a, b: builder.add(a, b))
subtract_32 = _in_32_bits(lambda builder, a, b: builder.sub(a, b))
multiply_32 = _in_32_bits(lambda builder, a, b: builder.mul(a, b))
and_32 = _in_32_bits(lambda builder, a, b: builder.and_(a, b))
shift_left_32 = _in_32_bits(lambda builder, a, b: builder.shl(a, builder.and_(b, b.type(31))))
shift_right_32 = _in_32_bits(lambda builder, a, b: builder.ashr(a, builder.and_(b, b.type(31))))


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def wide_vectors(_: Any) -> Any:
    """Loops of the calling function in the widest registers: LLVM takes half of them on some AVX-512 processors.

    No bit depends on it. Source: LLVM's attribute "prefer-vector-width", which llvmlite has no name for.
    """

    def code(context: Any, builder: Any, _signature: Any, _arguments: Any) -> Any:
        set.add(builder.function.attributes, '"prefer-vector-width"="512"')
        return context.get_dummy_value()

    return types.void(), code

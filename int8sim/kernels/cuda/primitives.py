"""The GPU's twins of the spec's float primitives, and products that no compiler fuses with a sum.

NVVM and ptxas make one fused instruction of a product and a sum unless the product says how it rounds, as `mul.rn`
does. Source: NVIDIA PTX ISA, Floating Point Instructions, mul and add.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.cuda.extending import intrinsic

from int8sim.kernels.primitives import DOUBLE, FLOAT, INT32, INT64, as_float32

LETTERS = {FLOAT: "f", DOUBLE: "d", ir.IntType(16): "h", INT32: "r", INT64: "l"}
"""PTX's constraint letters: NVIDIA, Inline PTX Assembly, Constraints."""


def assembled(builder: Any, text: str, result: Any, operands: list[Any], *, moves: bool = True) -> Any:
    """One PTX instruction: `text` with $0 for the result, or $0, $1 ... for those of a struct, then the operands.

    moves: it may be moved, merged or dropped as any pure operation; else it may also read and write memory.
    """
    kind = ir.FunctionType(result, [each.type for each in operands])
    results = getattr(result, "elements", [] if result == ir.VoidType() else [result])
    letters = [*(f"={LETTERS[each]}" for each in results), *(LETTERS[each.type] for each in operands)]
    constraints = ",".join(letters if moves else [*letters, "~{memory}"])
    return builder.call(ir.InlineAsm(kind, text, constraints, side_effect=not moves), operands)


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def half_even(_: Any, value: Any) -> Any:
    """The integer nearest to a float32 below 2**31, ties to even: cvt.rni."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = as_float32(context, builder, signature, arguments)
        return builder.sext(assembled(builder, "cvt.rni.s32.f32 $0, $1;", INT32, values), INT64)

    return types.int64(value), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def fma(_: Any, x: Any, y: Any, z: Any) -> Any:
    """float32 x * y + z with one rounding: fma.rn."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = as_float32(context, builder, signature, arguments)
        return assembled(builder, "fma.rn.f32 $0, $1, $2, $3;", FLOAT, values)

    return types.float32(x, y, z), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def product(typing: Any, a: Any, b: Any) -> Any:
    """a * b as Numba types it; of real numbers with a rounding of its own: mul.rn."""
    found = typing.resolve_function_type(operator.mul, (a, b), {})

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        if not isinstance(found.return_type, types.Float):
            pairs = zip(arguments, signature.args, found.args, strict=True)
            cast = [context.cast(builder, value, given, wanted) for value, given, wanted in pairs]
            return context.get_function(operator.mul, found)(builder, cast)
        kind, result = found.return_type, FLOAT if found.return_type == types.float32 else DOUBLE
        factors = [context.cast(builder, *each, kind) for each in zip(arguments, signature.args, strict=True)]
        suffix = "f32" if result is FLOAT else "f64"
        return assembled(builder, f"mul.rn.{suffix} $0, $1, $2;", result, factors)

    return found.return_type(a, b), code


def named(name: str, typed: Callable[..., Any]) -> Any:
    """The intrinsic of that name."""
    typed.__name__ = typed.__qualname__ = name
    return intrinsic(typed)


def _extreme(name: str, comparison: str) -> Any:
    """Python's: the second of two only if it is beyond the first, so that a NaN or a zero that is first stays."""

    def typed(typing: Any, a: Any, b: Any) -> Any:
        kind = typing.unify_types(types.unliteral(a), types.unliteral(b))

        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pairs = zip(arguments, signature.args, strict=True)
            first, second = (context.cast(builder, value, given, kind) for value, given in pairs)
            real, signed = isinstance(kind, types.Float), getattr(kind, "signed", True)
            compare = builder.fcmp_ordered if real else builder.icmp_signed if signed else builder.icmp_unsigned
            return builder.select(compare(comparison, second, first), second, first)

        return kind(a, b), code

    return named(name, typed)


greater = _extreme("greater", ">")
lesser = _extreme("lesser", "<")


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def as_int(_: Any, value: Any) -> Any:
    """An integer that was loaded, as an int64: in the simulator a Python int, which does not wrap as NumPy's do."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], types.int64)

    return types.int64(value), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def as_index(_: Any, value: Any) -> Any:
    """An index that is not below 0, which Numba then does not count from the array's end."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return context.cast(builder, arguments[0], signature.args[0], types.uint64)

    return types.uint64(value), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def as_real(_: Any, value: Any) -> Any:
    """A real number that was loaded, as it is: in the simulator a Python float, as the specification's are."""

    def code(_context: Any, _builder: Any, _signature: Any, arguments: Any) -> Any:
        return arguments[0]

    return value(value), code

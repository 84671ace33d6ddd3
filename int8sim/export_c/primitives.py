"""The compiled twins of two of the spec's float primitives for processors without an instruction for them.

There LLVM makes fma and rint calls of the C library's mathematics; these are a few plain instructions each. The other
twins are those of kernels/primitives.py.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from int8sim.kernels.compile import DIALECT, FUNCTION, TWINS
from int8sim.kernels.primitives import DOUBLE, FLOAT, INT32, INT64, as_float32
from int8sim.spec import float32

WHOLE = ir.Constant(FLOAT, float(1 << 23))
"""From here on a float32 has no fraction: adding it and subtracting it rounds to nearest, ties to even."""


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def half_even(_: Any, value: Any) -> Any:
    """The integer nearest to a float32 below 2**31, ties to even."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        (x,) = as_float32(context, builder, signature, arguments)
        negative = builder.fcmp_ordered("<", x, ir.Constant(FLOAT, 0.0))
        shift = builder.select(negative, builder.fneg(WHOLE), WHOLE)
        nearest = builder.fsub(builder.fadd(x, shift), shift)
        size = builder.select(negative, builder.fneg(x), x)
        return builder.sext(
            builder.fptosi(builder.select(builder.fcmp_ordered("<", size, WHOLE), nearest, x), INT32), INT64
        )

    return types.int64(value), code


@intrinsic  # type: ignore[misc, untyped-decorator, unused-ignore]
def fma(_: Any, x: Any, y: Any, z: Any) -> Any:
    """float32 x * y + z with one rounding, as spec/float32.py defines it: the binary64 sum is rounded to odd first."""

    def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        values = as_float32(context, builder, signature, arguments)
        left, right, addend = (builder.fpext(value, DOUBLE) for value in values)
        product = builder.fmul(left, right)
        total = builder.fadd(product, addend)
        part = builder.fsub(total, product)
        error = builder.fadd(builder.fsub(product, builder.fsub(total, part)), builder.fsub(addend, part))
        return builder.fptrunc(_to_odd(builder, total, error), FLOAT)

    return types.float32(x, y, z), code


def _to_odd(builder: Any, total: Any, error: Any) -> Any:
    """Of total and total + error, which no binary64 is: the neighbour of total, or total, whose last bit is 1."""
    zero, bits = ir.Constant(DOUBLE, 0.0), builder.bitcast(total, INT64)
    away = builder.icmp_signed("==", builder.fcmp_ordered(">", error, zero), builder.fcmp_ordered(">", total, zero))
    step = builder.select(away, ir.Constant(INT64, 1), ir.Constant(INT64, -1))
    even = builder.icmp_signed("==", builder.and_(bits, ir.Constant(INT64, 1)), ir.Constant(INT64, 0))
    moves = builder.and_(builder.fcmp_ordered("!=", error, zero), even)
    return builder.bitcast(builder.select(moves, builder.add(bits, step), bits), DOUBLE)


PORTABLE = DIALECT._replace(
    kernel=FUNCTION,
    twins={**TWINS, float32.half_even: (__name__, "half_even"), float32.fma: (__name__, "fma")},
)
"""As kernels/compile.py has it, for any processor, with nothing that Python would call."""

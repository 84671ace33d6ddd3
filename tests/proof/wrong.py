"""Converters with one rounding changed, and a user's own: what the proof must tell apart."""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from int8sim.kernels.primitives import INT32, INT64, _llvm, as_float32
from int8sim.kernels.roles import output
from int8sim.spec.float32 import float32
from int8sim.spec.integers import S16, S32, U16, U31, clamp, wrap
from int8sim.spec.requantize import high_multiply
from int8sim.spec.rounding import Rounding, shift_right


def half_up_in_the_shift(acc: S32, multiplier: U31, shift: int, zero_point: S16, low: S16, high: S16) -> int:
    """output_double with the shift's ties up."""
    left = wrap(acc << max(-shift, 0), 32)
    return clamp(shift_right(high_multiply(left, multiplier), max(shift, 0), Rounding.HALF_UP) + zero_point, low, high)


def floor_in_the_product(acc: S32, multiplier: U31, shift: int, zero_point: S16, low: S16, high: S16) -> int:
    """output_double with a truncated high product."""
    left = wrap(acc << max(-shift, 0), 32)
    return clamp(shift_right((left * multiplier) >> 31, max(shift, 0), Rounding.HALF_AWAY) + zero_point, low, high)


def saturating_left_shift(acc: S32, multiplier: U31, shift: int, zero_point: S16, low: S16, high: S16) -> int:
    """output_double with a left shift that saturates where the definition wraps."""
    left = clamp(acc << max(-shift, 0), -(1 << 31), (1 << 31) - 1)
    return clamp(
        shift_right(high_multiply(left, multiplier), max(shift, 0), Rounding.HALF_AWAY) + zero_point, low, high
    )


def nearest_away(acc: S32, multiplier: float, zero_point: S16, low: S16, high: S16) -> int:
    """float_rne with ties away from zero, by way of a doubled value."""
    scaled = min(max(float32(float32(acc) * multiplier), float32(low - zero_point)), float32(high - zero_point))
    return shift_right(int(scaled * 65536.0), 16, Rounding.HALF_AWAY) + zero_point


def ramp(acc: S32, shift: int) -> int:
    """A user's converter."""
    return clamp(acc >> shift, -128, 127)


def ramp_is_defined(acc: int) -> bool:
    return acc > -1000


def sawtooth(acc: S32, shift: int) -> int:
    """A user's converter that is not monotone."""
    return wrap(acc >> shift, 8)


def narrow(acc: U16) -> int:
    return acc >> 8


def failing(acc: S32, divisor: int) -> int:
    return acc // divisor


def too_wide(acc: S32) -> int:
    return acc


def off_by_one_requantize(totals, p, out, flipped):
    """kernels/cpu/conv2d.py's loop with one accumulator wrong."""
    for i in range(totals.shape[0]):
        for channel in range(totals.shape[1]):
            acc = totals[i, channel]
            out[i, channel] = output(int(acc), p, channel) + flipped + (1 if acc == 777 else 0)


@intrinsic
def half_away(_, value):
    """A compiled twin of spec.float32.half_even with the wrong ties."""

    def code(context, builder, signature, arguments):
        values = as_float32(context, builder, signature, arguments)
        nearest = builder.call(_llvm(builder, "llvm.round.f32", 1), values)
        return builder.sext(builder.fptosi(nearest, INT32), INT64)

    assert ir is not None
    return types.int64(value), code

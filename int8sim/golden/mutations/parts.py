"""Wrong parts: what may stand in place of a function of the specification, and what that is called on a review.

Each substitute takes what the right part takes. One mode or width is fixed by `sites.fixed`, so that a substitute
stays a function at module level and kernels can be compiled with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from int8sim.golden.mutations.sites import Function, fixed
from int8sim.spec import (
    affine,
    dp4a,
    eltwise,
    float32,
    integers,
    litert,
    pooling,
    requantize,
    rounding,
    tosa,
    wide,
    xnnpack,
)
from int8sim.spec.integers import clamp, wrap
from int8sim.spec.nvdla import shifts
from int8sim.spec.requantize import double, single
from int8sim.spec.rounding import Rounding, shift_right

WIDTHS = (8, 16, 32)
MODES = {
    Rounding.FLOOR: "rounded down, toward -inf",
    Rounding.CEIL: "rounded up, toward +inf",
    Rounding.TOWARD_ZERO: "truncated toward zero",
    Rounding.HALF_EVEN: "ties to even",
    Rounding.HALF_AWAY: "ties away from zero",
    Rounding.HALF_UP: "ties toward +inf",
    Rounding.HALF_TOWARD_ZERO: "ties toward zero",
}


class Part(NamedTuple):
    """One substitute. key: within the catalogue; words: what is wrong."""

    key: str
    words: str
    function: Function


Calls = list[tuple[Any, ...]]
"""Arguments that the right part was seen to be called with."""


def substitutes(callee: Function, calls: Calls) -> Iterator[Part]:
    """The wrong parts in place of a function, by what it was seen to be called with."""
    if callee in ROUNDERS:
        yield from _roundings(callee, calls)
    if callee in (integers.saturate, integers.wrap):
        yield from _widths(callee, calls)
    if callee is dp4a.lane:
        yield from _lanes(calls)
    yield from SIBLINGS.get(callee, ())


def _roundings(callee: Function, calls: Calls) -> Iterator[Part]:
    """All seven but the one that is meant."""
    rule = ROUNDERS[callee]
    if callee in SHIFTS and not any(call[1] for call in calls):
        return  # by 0: nothing is rounded
    modes = {int(call[2]) for call in calls if len(call) > 2} if rule.own is None else {int(rule.own)}
    meant = MODES[Rounding(next(iter(modes)))] if len(modes) == 1 else ""
    for mode, words in MODES.items():
        if {int(mode)} != modes:
            text = f"{words} instead of {meant}" if meant else words
            yield Part(f"round_{mode.name.lower()}", text, fixed(rule.substitute, int(mode)))


def _widths(callee: Function, calls: Calls) -> Iterator[Part]:
    """Wrap for saturate and saturate for wrap, at the same width and at others."""
    (bits,) = {call[1] for call in calls} if len({call[1] for call in calls}) == 1 else (0,)
    saturates = callee is integers.saturate
    word, other = ("saturation", "wrapping") if saturates else ("wrapping", "saturation")
    at = f" at {bits} bits" if bits else ""
    yield Part("wrap" if saturates else "saturate", f"{other} instead of {word}{at}", OTHER[callee])
    yield Part("unbounded", f"no {word}{at}", unbounded)
    for width in dict.fromkeys([bits - 1, bits + 1, *WIDTHS] if bits else WIDTHS):
        if width not in (0, bits):
            keep = saturate_at if saturates else wrap_at
            yield Part(f"{callee.__name__}_{width}", f"{word} at {width} bits instead of {bits}", fixed(keep, width))


def _lanes(calls: Calls) -> Iterator[Part]:
    yield Part("lanes_reversed", "the bytes of a word in the opposite order", lane_reversed)
    if any(call[2] for call in calls):
        yield Part("zero_extended", "zero extension instead of sign extension of the bytes", fixed(lane_as, 0))


def shift_as(value: int, shift: int, rounding: int, mode: int) -> int:  # noqa: ARG001 (the mode that is meant)
    """`shift_right` and `shift_right_32` by another rounding."""
    return shift_right(value, shift, mode)


def half_away_as(value: int, shift: int, mode: int) -> int:
    """NVDLA's `half_away` by another rounding."""
    return shift_right(value, shift, mode)


def real_as(value: float, mode: int) -> int:
    """A float below 2**62 to an integer."""
    floor = int(value)
    floor = floor - 1 if floor > value else floor
    rest = value - floor
    up = rest > 0.5
    if mode == Rounding.FLOOR:
        up = False
    elif mode == Rounding.CEIL:
        up = rest > 0.0
    elif mode == Rounding.TOWARD_ZERO:
        up = rest > 0.0 and value < 0.0
    elif rest == 0.5:
        up = tie_rises(floor, mode)
    return floor + 1 if up else floor


def tie_rises(floor: int, mode: int) -> bool:
    """Whether a tie between floor and floor + 1 becomes the greater one."""
    if mode == Rounding.HALF_EVEN:
        return floor & 1 == 1
    if mode == Rounding.HALF_AWAY:
        return floor >= 0
    return floor < 0 if mode == Rounding.HALF_TOWARD_ZERO else True


def product_as(acc: int, multiplier: float, mode: int) -> int:
    """`real_half_away` by another rounding."""
    nearest = real_as(min(max(float(acc) * multiplier, -1.0e12), 1.0e12), mode)
    return nearest if -(1 << 31) <= nearest < 1 << 31 else -(1 << 31)


def scale_as(value: int, multiplier: int, shift: int, double_round: bool, mode: int) -> int:
    """TOSA's apply_scale_32 by another rounding of its shift."""
    second = (1 << 30 if value >= 0 else -(1 << 30)) if double_round and shift > 31 else 0
    return shift_right(value * multiplier + second, shift, mode)


def wide_as(acc: int, multiplier: int, shift: int, mode: int) -> int:
    """`scale_wide` by another rounding."""
    return shift_right(acc * multiplier, 15 + shift, mode)


def average_as(total: int, count: int, low: int, high: int, mode: int) -> int:
    """total / count by any rounding, clamped."""
    floor = total // count
    rest = 2 * (total - floor * count)
    up = rest > count
    if mode == Rounding.FLOOR:
        up = False
    elif mode == Rounding.CEIL:
        up = rest > 0
    elif mode == Rounding.TOWARD_ZERO:
        up = rest > 0 and total < 0
    elif rest == count:
        up = tie_rises(floor, mode)
    return clamp(floor + 1 if up else floor, low, high)


def shifted_sum_as(
    a: int,
    b: int,
    a_zero_point: int,
    b_zero_point: int,
    a_multiplier: int,
    b_multiplier: int,
    shift: int,
    zero_point: int,
    low: int,
    high: int,
    mode: int,
) -> int:
    """XNNPACK's ADD by another rounding."""
    total = (a - a_zero_point) * a_multiplier + (b - b_zero_point) * b_multiplier
    return clamp(shift_right(total, shift, mode) + zero_point, low, high)


def unbounded(value: int, bits: int, signed: bool = True) -> int:  # noqa: ARG001 (what the right part takes)
    """The value in a register that is wide enough."""
    return value


def saturate_at(value: int, bits: int, signed: bool = True, width: int = 8) -> int:  # noqa: ARG001
    """Saturation at another width."""
    return integers.saturate(value, width, signed)


def wrap_at(value: int, bits: int, width: int) -> int:  # noqa: ARG001
    """Wrapping at another width."""
    return wrap(value, width)


def wrap_for_saturate(value: int, bits: int, signed: bool = True) -> int:
    """The low bits."""
    return wrap(value, bits) if signed else value & ((1 << bits) - 1)


def saturate_for_wrap(value: int, bits: int) -> int:
    """The nearest value of the word."""
    return integers.saturate(value, bits, True)


def clamped_first(value: int, offset: int, low: int, high: int) -> int:
    """`clamp_offset` with the clamp before the sum."""
    return clamp(value, low, high) + offset


def kept(value: float) -> float:
    """A value that is not rounded to float32."""
    return value


def unfused(x: float, y: float, z: float) -> float:
    """Two float32 roundings in place of one."""
    return float32.float32(float32.float32(x * y) + z)


def lane_reversed(word: int, index: int, signed: bool) -> int:
    """Byte 3 first."""
    return dp4a.lane(word, 3 - index, signed)


def lane_as(word: int, index: int, signed: bool, extended: int) -> int:  # noqa: ARG001
    """A byte, sign- or zero-extended whatever was asked for."""
    return dp4a.lane(word, index, extended == 1)


def saturated_sum(total: int, a_signed: bool, b_signed: bool) -> int:
    """dp4a's accumulator, saturated."""
    return integers.saturate(total, 32, a_signed or b_signed)


def short_sum(total: int, a_signed: bool, b_signed: bool) -> int:  # noqa: ARG001
    """dp4a's accumulator in a register of 24 bits."""
    return wrap(total, 24)


def scaled_once(value: int, multiplier: int, shift: int, double_round: bool) -> int:  # noqa: ARG001
    """TOSA's SINGLE_ROUND."""
    return tosa.apply_scale_32(value, multiplier, shift, False)


def average_by_reciprocal(total: int, count: int, low: int, high: int) -> int:
    """TOSA's average for TensorFlow Lite's."""
    return tosa.average(total, count, 0, low, high)


def average_by_division(total: int, count: int, zero_point: int, low: int, high: int) -> int:
    """TensorFlow Lite's average for TOSA's."""
    return clamp(average_as(total, count, -(1 << 31), 1 << 31, Rounding.HALF_AWAY) + zero_point, low, high)


def sum_by_reciprocal(acc: int, rescale: float, bias: float, scale: float, low: int, high: int) -> int:
    """`quantize_sum` with a multiplication by the reciprocal of the scale."""
    real = float32.float32(float32.float32(float32.float32(acc) * rescale) + bias)
    value = float32.float32(real * float32.float32(float32.float32(1.0) / scale))
    return float32.half_even(min(max(value, float32.float32(low)), float32.float32(high)))


def quantized_by_reciprocal(real: float, scale: float, zero_point: int, low: int, high: int) -> int:
    """ONNX's QuantizeLinear with a multiplication by the reciprocal of the scale."""
    return xnnpack.quantize_rne(real, float32.float32(float32.float32(1.0) / scale), zero_point, low, high)


def sum_of_reals_by_reciprocal(
    a: int, b: int, a_scale: float, b_scale: float, scale: float, low: int, high: int
) -> int:
    """`add_dequantized` with a multiplication by the reciprocal of the scale."""
    total = float32.float32(
        float32.float32(float32.float32(a) * a_scale) + float32.float32(float32.float32(b) * b_scale)
    )
    value = float32.float32(total * float32.float32(float32.float32(1.0) / scale))
    return float32.half_even(min(max(value, float32.float32(low)), float32.float32(high)))


def mean_by_reciprocal(total: int, count: int, from_scale: float, scale: float, low: int, high: int) -> int:
    """`average_dequantized` with multiplications by the reciprocals of count and scale."""
    share = float32.float32(float32.float32(1.0) / float32.float32(count))
    mean = float32.float32(float32.float32(float32.float32(total) * from_scale) * share)
    value = float32.float32(mean * float32.float32(float32.float32(1.0) / scale))
    return float32.half_even(min(max(value, float32.float32(low)), float32.float32(high)))


def real_mean_by_reciprocal(total: float, count: int, scale: float, zero_point: int, low: int, high: int) -> int:
    """`average_real` with multiplications by the reciprocals of count and scale."""
    share = float32.float32(float32.float32(1.0) / float32.float32(count))
    mean = float32.float32(float32.float32(total * share) * float32.float32(float32.float32(1.0) / scale))
    value = float32.float32(mean + float32.float32(zero_point))
    return float32.half_even(min(max(value, float32.float32(low)), float32.float32(high)))


class Rule(NamedTuple):
    """How a rounding is changed. own: the mode of the right part; None: it is an argument."""

    substitute: Callable[..., Any]
    own: Rounding | None = None


ROUNDERS: Mapping[Function, Rule] = {
    rounding.shift_right: Rule(shift_as),
    rounding.shift_right_32: Rule(shift_as),
    shifts.half_away: Rule(half_away_as, Rounding.HALF_AWAY),
    float32.half_even: Rule(real_as, Rounding.HALF_EVEN),
    affine.half_away_float32: Rule(real_as, Rounding.HALF_AWAY),
    litert._half_away: Rule(real_as, Rounding.HALF_AWAY),  # noqa: SLF001
    requantize.real_half_away: Rule(product_as, Rounding.HALF_AWAY),
    tosa.apply_scale_32: Rule(scale_as, Rounding.HALF_UP),
    wide.scale_wide: Rule(wide_as, Rounding.HALF_UP),
    pooling.average_half_away: Rule(average_as, Rounding.HALF_AWAY),
    xnnpack.add_shifted: Rule(shifted_sum_as, Rounding.HALF_UP),
}
SHIFTS = (rounding.shift_right, rounding.shift_right_32, shifts.half_away)
OTHER: Mapping[Function, Function] = {integers.saturate: wrap_for_saturate, integers.wrap: saturate_for_wrap}
ONCE = Part("one_rounding", "one rounding instead of two", single)
TWICE = Part("two_roundings", "two roundings instead of one", double)
SIBLINGS: Mapping[Function, tuple[Part, ...]] = {
    requantize.double: (ONCE,),
    requantize.double_up: (ONCE,),
    requantize.single: (TWICE,),
    tosa.apply_scale_32: (Part("one_rounding", "one rounding instead of two", scaled_once),),
    integers.clamp_offset: (
        Part("clamped_first", "saturation before the zero point is added, instead of after", clamped_first),
    ),
    float32.float32: (Part("float64", "computed in float64, not rounded to float32", kept),),
    float32.fma: (Part("unfused", "a product and a sum, rounded each, instead of a fused multiply-add", unfused),),
    dp4a.accumulate: (
        Part("saturate", "saturation instead of wrapping of the 32-bit accumulator", saturated_sum),
        Part("short", "wrapping at 24 bits instead of 32", short_sum),
    ),
    pooling.average_half_away: (
        Part("reciprocal", "a product with the reciprocal, no division", average_by_reciprocal),
    ),
    tosa.average: (Part("division", "a division, no product with the reciprocal", average_by_division),),
    requantize.quantize_sum: (Part("reciprocal", "a product with the reciprocal, no division", sum_by_reciprocal),),
    eltwise.add_dequantized: (
        Part("reciprocal", "a product with the reciprocal, no division", sum_of_reals_by_reciprocal),
    ),
    pooling.average_dequantized: (
        Part("reciprocal", "products with the reciprocals, no divisions", mean_by_reciprocal),
    ),
    pooling.average_real: (Part("reciprocal", "products with the reciprocals, no divisions", real_mean_by_reciprocal),),
    affine.quantize_half_even: (
        Part("reciprocal", "a product with the reciprocal, no division", quantized_by_reciprocal),
    ),
}
"""What is wrong in its own way."""

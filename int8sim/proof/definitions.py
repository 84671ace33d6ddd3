"""The converters once more, as exact definitions: each rounding in rational arithmetic, without int8sim.spec.

A scheme with two roundings is defined by both, and a float scheme by each of its float roundings; so a definition is a
chain of exact operations and roundings, every one of them monotone. What wraps cuts the chain into monotone pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from int8sim.proof.exact import (
    FLOAT64,
    ROUNDINGS,
    clip,
    half_away,
    half_even,
    half_up,
    nearest,
    product,
    quotient,
    rounded,
    saturated,
    signed,
    total,
)
from int8sim.proof.search import INT32, Interval, around_zero, changes

PATTERNS = 0, (1 << 32) - 1
INFINITY_BITS = 0x7F800000
SIGN_BIT = 1 << 31
PRODUCT_BITS = 49  # of NVDLA's converters: a right shift of this or more gives 0
BEYOND = 1 << 1100
"""Stands for infinity among integers: beyond every word."""


@dataclass(frozen=True)
class Definition:
    """What a converter gives, exactly.

    code: operand -> code. domain: the operands, accumulators or float32 patterns. period: where the code repeats
    itself, in operands from the domain's first. cuts: operands of the first period at which another monotone piece
    begins. defined: where the hardware defines the result. rule: how it was had, for the report.
    """

    code: Callable[[int], int]
    domain: Interval = INT32
    period: int = 1 << 32
    cuts: tuple[int, ...] = ()
    defined: tuple[Interval, ...] = (INT32,)
    rule: str = "exact rational arithmetic"

    @property
    def dtype(self) -> str:
        """Of the operands, as kernels take them: int32 accumulators, uint32 patterns."""
        return "uint32" if self.domain[1] > INT32[1] else "int32"

    @property
    def pieces(self) -> list[Interval]:
        """The monotone pieces of the first period."""
        first = self.domain[0]
        starts = [first, *self.cuts, first + self.period]
        return [(start, stop - 1) for start, stop in pairwise(starts)]

    @property
    def extremes(self) -> tuple[int, int]:
        """The lowest and highest code, at ends of pieces."""
        codes = [self.code(end) for piece in self.pieces for end in piece]
        return min(codes), max(codes)


def float_rne(multiplier: float, zero_point: int, low: int, high: int) -> Definition:
    """The accumulator to float32, the product to float32, half to even, the zero point."""

    def code(acc: int) -> int:
        scaled = product(nearest(Fraction(acc)), multiplier)
        return rounded(scaled, half_even, low - zero_point, high - zero_point) + zero_point

    return Definition(code)


def quantize_sum(rescale: float, bias: float, scale: float, low: int, high: int) -> Definition:
    """Four float32 roundings: accumulator, product, sum, quotient; half to even."""

    def code(acc: int) -> int:
        real = total(product(nearest(Fraction(acc)), rescale), bias)
        return rounded(quotient(real, scale), half_even, low, high)

    return Definition(code)


def output_real(multiplier: float, zero_point: int, low: int, high: int) -> Definition:
    """A float64 product, half away, a C cast that gives -2**31 beyond int32, and a sum that wraps."""

    def whole(acc: int) -> int:
        return rounded(product(acc, multiplier, FLOAT64), half_away, -BEYOND, BEYOND)

    def code(acc: int) -> int:
        cast = whole(acc) if INT32[0] <= whole(acc) <= INT32[1] else INT32[0]
        return clip(signed(cast + zero_point, 32), low, high)

    def fits(acc: int) -> bool:
        return abs(product(acc, multiplier, FLOAT64)) < INT32[1]

    def reaches(end: int) -> Iterator[int]:
        return changes(lambda acc: whole(acc) >= end, *INT32)

    ends = [end - offset for end in (INT32[0], INT32[1] + 1) for offset in (0, zero_point)]
    cuts = {place for end in ends for place in reaches(end)}
    return Definition(code, cuts=tuple(sorted(cuts)), defined=around_zero(fits))


def output_double(multiplier: int, shift: int, zero_point: int, low: int, high: int) -> Definition:
    """Product / 2**31 half up, then / 2**shift half away."""
    return _two_roundings(half_away, multiplier, shift, zero_point, low, high)


def output_double_up(multiplier: int, shift: int, zero_point: int, low: int, high: int) -> Definition:
    """Product / 2**31 half up, then / 2**shift half up."""
    return _two_roundings(half_up, multiplier, shift, zero_point, low, high)


def output_lanes(multiplier: int, shift: int, vector: int, zero_point: int, low: int, high: int) -> Definition:
    """The second rounding half up in the vector loop, half away in the scalar one."""
    return _two_roundings(half_up if vector else half_away, multiplier, shift, zero_point, low, high)


def _two_roundings(
    last: Callable[[Fraction], int], multiplier: int, shift: int, zero_point: int, low: int, high: int
) -> Definition:
    """A left shift happens first, in 32 bits, and wraps: the code then repeats itself every 2**(32 - left)."""
    left, right = max(-shift, 0), max(shift, 0)

    def code(acc: int) -> int:
        first = half_up(Fraction(signed(acc * 2**left, 32) * multiplier, 2**31))
        return clip(last(Fraction(first, 2**right)) + zero_point, low, high)

    def keeps(acc: int) -> bool:
        return INT32[0] <= acc * 2**left <= INT32[1] and _is_legal(multiplier, shift)

    period = 2 ** (32 - left)
    cuts = (INT32[0] + period // 2,) if 0 < left < 32 else ()
    return Definition(code, period=period, cuts=cuts, defined=around_zero(keeps))


def output_single(multiplier: int, shift: int, zero_point: int, low: int, high: int) -> Definition:
    """Product / 2**(31 + shift), half up: one rounding."""

    def whole(acc: int) -> int:
        return half_up(Fraction(acc * multiplier, 2 ** (31 + shift)))

    def fits(acc: int) -> bool:
        return INT32[0] <= whole(acc) <= INT32[1] and _is_legal(multiplier, shift)

    return Definition(lambda acc: clip(whole(acc) + zero_point, low, high), defined=around_zero(fits))


def output_wide(multiplier: int, shift: int, zero_point: int, low: int, high: int) -> Definition:
    """Product / 2**(15 + shift), half up: of a 16-bit layer's accumulator, the part of it that has 32 bits."""

    def code(acc: int) -> int:
        return clip(half_up(Fraction(acc * multiplier, 2 ** (15 + shift))) + zero_point, low, high)

    legal = 0 <= multiplier < 2**15 and -8 < shift <= 31
    return Definition(code, defined=(INT32,) if legal else ())


def _is_legal(multiplier: int, shift: int) -> bool:
    """A multiplier as the engines derive it: 0, or 31 bits with the highest one set; shifts of at most 31 bits."""
    return (multiplier == 0 or 2**30 <= multiplier < 2**31) and -30 <= shift <= 31


def tosa_single(multiplier: int, shift: int, zero_point: int, low: int, high: int) -> Definition:
    """TOSA's RESCALE with one rounding: product / 2**shift, half up."""
    return _rescale(0, multiplier, shift, zero_point, low, high)


def tosa_double(multiplier: int, shift: int, zero_point: int, low: int, high: int) -> Definition:
    """TOSA's RESCALE with two: above a shift of 31, half a unit of bit 31 is added away from zero first."""
    return _rescale(2**30 if shift > 31 else 0, multiplier, shift, zero_point, low, high)


def _rescale(nudge: int, multiplier: int, shift: int, zero_point: int, low: int, high: int) -> Definition:
    def whole(acc: int) -> int:
        return half_up(Fraction(acc * multiplier + (nudge if acc >= 0 else -nudge), 2**shift))

    def holds(acc: int) -> bool:
        legal = 0 <= multiplier < 2**31 and 2 <= shift <= 62
        return legal and -(2 ** (shift - 1)) <= acc < 2 ** (shift - 1) and INT32[0] <= whole(acc) <= INT32[1]

    return Definition(lambda acc: clip(whole(acc) + zero_point, low, high), defined=around_zero(holds))


def convolution_output(bias: int, bias_shift: int, scale: int, truncate: int, low: int, high: int) -> Definition:
    """NVDLA per kernel: the bias in SDP X1, then the converter: product half away, 17 bits, 8 bits."""

    def code(acc: int) -> int:
        biased = saturated(acc + saturated(bias * 2**bias_shift, 32), 32)
        return clip(saturated(_nvdla_shift(biased * scale, truncate, 17), 8), low, high)

    return Definition(code)


def convolution_output_per_channel(
    bias: int, bias_shift: int, operand: int, truncate: int, low: int, high: int
) -> Definition:
    """NVDLA per filter: bias and multiplier in SDP X1, whose result has 32 bits, then 17, then 8."""

    def code(acc: int) -> int:
        biased = acc + saturated(bias * 2**bias_shift, 32)
        return clip(saturated(_nvdla_shift(biased * operand, truncate, 32), 8), low, high)

    return Definition(code)


def sdp_out_convert(offset: int, scale: int, truncate: int, out_bits: int) -> Definition:
    """NVDLA's output converter alone."""
    return Definition(lambda acc: saturated(_nvdla_shift((acc - offset) * scale, truncate, 17), out_bits))


def _nvdla_shift(value: int, shift: int, bits: int) -> int:
    return saturated(half_away(Fraction(value, 2**shift)), bits) if shift < PRODUCT_BITS else 0


def float32_to_int8(rounding: int, signed: int, flush: int) -> Definition:
    """PTX cvt, over bit patterns: ascending from 0, NaNs, descending from the sign bit, NaNs. A NaN gives 0."""
    ends, to_integer = (-128, 127) if signed else (0, 255), ROUNDINGS[rounding]

    def code(bits: int) -> int:
        exponent, fraction = bits >> 23 & 0xFF, bits & 0x7FFFFF
        if exponent == 0xFF:
            return 0 if fraction else ends[0 if bits & SIGN_BIT else 1]
        mantissa = fraction + 2**23 if exponent else 0 if flush else fraction
        value = mantissa * Fraction(2) ** (max(exponent, 1) - 150)
        return clip(to_integer(-value if bits & SIGN_BIT else value), *ends)

    numbers = ((0, INFINITY_BITS), (SIGN_BIT, SIGN_BIT | INFINITY_BITS))
    cuts = (INFINITY_BITS + 1, SIGN_BIT, (SIGN_BIT | INFINITY_BITS) + 1)
    return Definition(code, PATTERNS, cuts=cuts, defined=numbers if rounding in range(4) else ())


DEFINITIONS: Mapping[str, Callable[..., Definition]] = {
    "int8sim.spec.requantize:float_rne": float_rne,
    "int8sim.spec.requantize:quantize_sum": quantize_sum,
    "int8sim.spec.requantize:output_real": output_real,
    "int8sim.spec.requantize:output_double": output_double,
    "int8sim.spec.requantize:output_double_up": output_double_up,
    "int8sim.spec.requantize:output_single": output_single,
    "int8sim.spec.wide:output_wide": output_wide,
    "int8sim.spec.litert:output_lanes": output_lanes,
    "int8sim.spec.tosa:output_single": tosa_single,
    "int8sim.spec.tosa:output_double": tosa_double,
    "int8sim.spec.nvdla.layers:convolution_output": convolution_output,
    "int8sim.spec.nvdla.layers:convolution_output_per_channel": convolution_output_per_channel,
    "int8sim.spec.nvdla.sdp_out:sdp_out_convert": sdp_out_convert,
    "int8sim.spec.cvt:float32_to_int8": float32_to_int8,
}
"""By the names under which golden files store the functions; each takes that function's parameters by name."""

"""NVDLA's integer stages, as its RTL computes them (nvdla/hw, master; notation of vmod/vlibs/NV_NVDLA_HLS_*.v).

Every stage multiplies, shifts right with ties away from zero, and saturates.
"""

from __future__ import annotations

from int8sim.spec.affine import quantize_half_up
from int8sim.spec.float32 import float32
from int8sim.spec.integers import S9, S14, S16, S17, S32, S34, S62, U5, U6, U17, U31, clamp, saturate
from int8sim.spec.rounding import Rounding, shift_right

SUM_BITS = 34  # the accumulator of CACC
SDP_PRODUCT_BITS = 49  # 33-bit sum times 16-bit operand
CDMA_PRODUCT_BITS = 34  # 18-bit difference times 16-bit scale
FRACTION_BITS = 16  # of PDP's reciprocals, and of CACC's truncation


def shift_right_saturate(value: S62, shift: U6, width: int, out_bits: int) -> int:
    """value / 2**shift, ties away from zero, saturated to out_bits; 0 when shift >= width, the width of the input.

    Source: nvdla/hw:vmod/vlibs/NV_NVDLA_HLS_shiftrightsu.v.
    """
    if shift >= width:
        return 0
    return saturate(shift_right(value, shift, Rounding.HALF_AWAY), out_bits)


def cdma_convert(x: S17, offset: S16, scale: S16, truncate: U6, out_bits: int = 8) -> int:
    """CDMA's input converter: (x - offset) * scale >> truncate, saturated to 17 and then to out_bits (8 or 16).

    x: an int8 or uint8 pixel extended to 17 bits. Source: nvdla/hw:vmod/nvdla/cdma/NV_NVDLA_CDMA_CVT_cell.v.
    """
    product = (x - offset) * scale
    return saturate(shift_right_saturate(product, truncate, CDMA_PRODUCT_BITS, 17), out_bits)


def cacc_accumulate(acc: S34, partial: S34) -> int:
    """One accumulation step of CACC: the sum, saturated to 34 bits at every step.

    Source: nvdla/hw:vmod/nvdla/cacc/NV_NVDLA_CACC_CALC_int8.v.
    """
    return saturate(acc + partial, SUM_BITS)


def cacc_clip(acc: S34, truncate: U5) -> int:
    """CACC's output: acc / 2**truncate to 32 bits, ties away from zero, as the RTL rounds.

    Only 16 fraction bits are kept: above truncate 16 the lower ones are lost, and a negative value just beyond a tie
    rounds as the tie. Source: nvdla/hw:vmod/nvdla/cacc/NV_NVDLA_CACC_CALC_int8.v.
    """
    fixed = (acc << FRACTION_BITS) >> truncate
    guard = (fixed >> (FRACTION_BITS - 1)) & 1
    sticky = fixed & ((1 << (FRACTION_BITS - 1)) - 1)
    return saturate((fixed >> FRACTION_BITS) + (guard if acc >= 0 or sticky != 0 else 0), 32)


def cacc_clip_is_defined(acc: int, truncate: int) -> bool:  # noqa: ARG001 (the pair of cacc_clip)
    """NVDLA's own C model refuses truncate > 16, where the RTL loses sticky bits."""
    return 0 <= truncate <= FRACTION_BITS


def sdp_bias(x: S32, operand: S16, shift: U6) -> int:
    """SDP X's ALU as a bias: x + saturate(operand << shift, 32), 33 bits wide and not saturated.

    Source: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_X_int_alu.v.
    """
    return x + saturate(operand << min(shift, 32), 32)


def sdp_multiply(x: S34, operand: S16, truncate: U6) -> int:
    """SDP X's multiplier: x * operand >> truncate, saturated to 32 bits. x: the 33-bit sum of the ALU."""
    return shift_right_saturate(x * operand, truncate, SDP_PRODUCT_BITS, 32)


def sdp_out_convert(x: S32, offset: S32, scale: S16, truncate: U6, out_bits: int = 8) -> int:
    """SDP's output converter: (x - offset) * scale >> truncate, saturated to 17 and then to out_bits (8 or 16).

    Source: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_C_int.v.
    """
    product = (x - offset) * scale
    return saturate(shift_right_saturate(product, truncate, SDP_PRODUCT_BITS, 17), out_bits)


def convolution_output(acc: S34, bias: S16, bias_shift: U6, scale: S16, truncate: U6, low: S9, high: S9) -> int:
    """CACC's clip, SDP X's bias, ReLU where low is 0, and the output converter, as the compiler programs a convolution.

    One scale for the whole weight tensor (`--quantizationMode per-kernel`): X1 only adds the bias, its shift is 0,
    and the converter multiplies. low, high: -128 .. 127, or 0 .. 127 behind a ReLU (X1 applies it to the 32-bit sum).
    """
    total = shift_right_saturate(sdp_bias(cacc_clip(acc, 0), bias, bias_shift), 0, SDP_PRODUCT_BITS, 32)
    return clamp(sdp_out_convert(total, 0, scale, truncate), low, high)


def convolution_output_per_channel(
    acc: S34, bias: S16, bias_shift: U6, operand: S16, truncate: U6, low: S9, high: S9
) -> int:
    """The same with one scale per output channel (`per-filter`): X1's MUL holds them, the converter is (0, 1, 0)."""
    total = sdp_multiply(sdp_bias(cacc_clip(acc, 0), bias, bias_shift), operand, truncate)
    return clamp(sdp_out_convert(total, 0, 1, 0), low, high)


def add(a: S9, b: S9, scale: S16, truncate: U6, low: S9, high: S9) -> int:
    """An element-wise sum: X1's ALU adds two operands of one scale, the output converter rescales.

    Source: nvdla/sw:umd/core/src/compiler/engine-ast, SDPEltWiseOp.
    """
    return clamp(sdp_out_convert(a + b, 0, scale, truncate), low, high)


def average(total: S14, count: U31, reciprocal_width: U17, reciprocal_height: U17, low: S9, high: S9) -> int:  # noqa: ARG001
    """`pdp_average` with a fused clamp; the reciprocals are the kernel's, so padding counts."""
    return clamp(pdp_average(total, reciprocal_width, reciprocal_height), low, high)


def quantize(real: float, scale: float, zero_point: S9, low: S9, high: S9) -> int:
    """A real input to a code: floor(real / scale + 0.5) in float32, clamped; the zero point is 0.

    NVDLA takes bytes; its runtime makes them of pixels by floor(p * 127 / 255 + 0.5), which this is at scale 1 / 127.
    Source: nvdla/sw:umd/apps/runtime/TestUtils.cpp.
    """
    return quantize_half_up(float32(real / scale), 1.0, low - zero_point, high - zero_point) + zero_point


def pdp_average(total: S14, reciprocal_width: U17, reciprocal_height: U17) -> int:
    """PDP's average: total times the reciprocal of the width, then of the height, each with 16 fraction bits.

    Half away from zero twice; nothing saturates. total: the sum over the window and its padding, 14 bits.
    Source: nvdla/hw:vmod/nvdla/pdp/NV_NVDLA_PDP_CORE_cal2d.v, simulated.
    """
    return _pdp_round(_pdp_round(total * reciprocal_width, 11) * reciprocal_height, 8)


def _pdp_round(product: int, bits: int) -> int:
    guard = (product >> (FRACTION_BITS - 1)) & 1
    sticky = product & ((1 << (FRACTION_BITS - 1)) - 1)
    if product >= 0:
        value = ((product >> FRACTION_BITS) & ((1 << (bits - 1)) - 1)) + guard
    else:
        value = (product >> FRACTION_BITS) + (1 if guard != 0 and sticky != 0 else 0)
    low = value & ((1 << bits) - 1)
    return low - ((low >> (bits - 1)) << bits)


def pdp_reciprocal(size: int) -> int:
    """What the driver programs for a pooling width or height 1 .. 8: floor(2**16 / size).

    Source: nvdla/sw:kmd/firmware/pdp.c (so 3, 5, 6 and 7 are slightly low).
    """
    return (1 << FRACTION_BITS) // size

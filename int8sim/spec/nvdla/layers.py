"""Whole layers out of NVDLA's stages, as its compiler programs them."""

from __future__ import annotations

from int8sim.spec.affine import quantize_half_up
from int8sim.spec.float32 import float32
from int8sim.spec.integers import S9, S15, S16, S34, U6, U17, U31, clamp
from int8sim.spec.nvdla.cacc import cacc_clip
from int8sim.spec.nvdla.pdp import pdp_average, pdp_average_is_defined
from int8sim.spec.nvdla.sdp_out import sdp_out_convert
from int8sim.spec.nvdla.sdp_x_stage import SdpAlu, sdp_x


def convolution_output(acc: S34, bias: S16, bias_shift: U6, scale: S16, truncate: U6, low: S9, high: S9) -> int:
    """CACC's clip, SDP X's bias, ReLU where low is 0, and the output converter, as the compiler programs a convolution.

    One scale for the whole weight tensor (`--quantizationMode per-kernel`): X1 only adds the bias, its shift is 0,
    and the converter multiplies. low, high: -128 .. 127, or 0 .. 127 behind a ReLU (X1 applies it to the 32-bit sum).
    """
    total = sdp_x(cacc_clip(acc, 0), bias, bias_shift, SdpAlu.SUM, False, 1, 0, True)
    return clamp(sdp_out_convert(total, 0, scale, truncate), low, high)


def convolution_output_per_channel(
    acc: S34, bias: S16, bias_shift: U6, operand: S16, truncate: U6, low: S9, high: S9
) -> int:
    """The same with one scale per output channel (`per-filter`): X1's MUL holds them, the converter is (0, 1, 0)."""
    total = sdp_x(cacc_clip(acc, 0), bias, bias_shift, SdpAlu.SUM, False, operand, truncate)
    return clamp(sdp_out_convert(total, 0, 1, 0), low, high)


def add(a: S9, b: S9, scale: S16, truncate: U6, low: S9, high: S9) -> int:
    """An element-wise sum: X1's ALU adds two operands of one scale, the output converter rescales.

    Source: nvdla/sw:umd/core/src/compiler/engine-ast, SDPEltWiseOp.
    """
    return clamp(sdp_out_convert(sdp_x(a, b), 0, scale, truncate), low, high)


def average(total: S15, count: U31, reciprocal_width: U17, reciprocal_height: U17, low: S9, high: S9) -> int:  # noqa: ARG001
    """`pdp_average` with a fused clamp; the reciprocals are the kernel's, so padding counts."""
    return clamp(pdp_average(total, reciprocal_width, reciprocal_height), low, high)


def average_is_defined(total: int, reciprocal_width: int, reciprocal_height: int) -> bool:
    """Whether `pdp_average` wraps nothing."""
    return pdp_average_is_defined(total, reciprocal_width, reciprocal_height)


def quantize(real: float, scale: float, zero_point: S9, low: S9, high: S9) -> int:
    """A real input to a code: floor(real / scale + 0.5) in float32, clamped; the zero point is 0.

    NVDLA takes bytes; its runtime makes them of pixels by floor(p * 127 / 255 + 0.5), which this is at scale 1 / 127.
    Source: nvdla/sw:umd/apps/runtime/TestUtils.cpp.
    """
    return quantize_half_up(float32(real / scale), 1.0, low - zero_point, high - zero_point) + zero_point

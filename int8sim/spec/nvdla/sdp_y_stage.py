"""SDP Y (EW): operand converters, a multiplier, then an ALU; a table behind them (sdp_lut.py). nv_small has none."""

from __future__ import annotations

from int8sim.spec.integers import S16, S32, U2, U6, U10, saturate
from int8sim.spec.nvdla.sdp_x_stage import SdpAlu
from int8sim.spec.nvdla.shifts import shift_right_saturate, shift_right_saturate_64

CONVERTER_BITS = 49  # 33-bit difference times 16-bit scale


def sdp_y_convert(x: S16, offset: S32, scale: S16, truncate: U6, bypass: bool = False) -> int:
    """An operand from memory to 32 bits: (x - offset) * scale >> truncate. Operands from registers are 32 bits already.

    Source: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_Y_int_cvt.v.
    """
    return x if bypass else shift_right_saturate((x - offset) * scale, truncate, CONVERTER_BITS, 32)


def sdp_y_multiply(x: S32, operand: S32, truncate: U10, prelu: bool = False) -> int:
    """The multiplier: x * operand >> truncate, saturated to 32 bits; 0 from truncate 64 on. PReLU passes x >= 0.

    Source: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_Y_int_mul.v.
    """
    return x if prelu and x >= 0 else shift_right_saturate_64(x * operand, truncate, 32)


def sdp_y_alu(x: S32, operand: S32, algorithm: U2) -> int:
    """The ALU, saturated to 32 bits. algorithm: an `SdpAlu`; EQUAL gives 0 where x is the operand, 1 elsewhere.

    Source: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_Y_int_alu.v.
    """
    if algorithm == SdpAlu.MAX:
        return max(x, operand)
    if algorithm == SdpAlu.MIN:
        return min(x, operand)
    if algorithm == SdpAlu.EQUAL:
        return 0 if x == operand else 1
    return saturate(x + operand, 32)


def sdp_y(
    x: S32,
    mul_operand: S32 = 1,
    truncate: U10 = 0,
    mul_bypass: bool = False,
    prelu: bool = False,
    alu_operand: S32 = 0,
    alu_algorithm: U2 = SdpAlu.SUM,
    alu_bypass: bool = False,
) -> int:
    """The multiplier, then the ALU: the other order than X, and a bypassed multiplier does not shift.

    Operands are 32 bits, of a register or of `sdp_y_convert`. As the parameters stand it passes x through.
    """
    scaled = x if mul_bypass else sdp_y_multiply(x, mul_operand, truncate, prelu)
    return scaled if alu_bypass else sdp_y_alu(scaled, alu_operand, alu_algorithm)

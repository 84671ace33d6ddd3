"""SDP X1 (BS) and X2 (BN): an ALU, then a multiplier with its shift, then ReLU. Both stages are the same.

Operands are 16 bits, from a register, one per channel or one per element; X1 passes 32 bits on to X2.
Sources: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_X_int_{alu,mul,trt,relu}.v, which nvdlav1 agrees with.
"""

from __future__ import annotations

from enum import IntEnum

from int8sim.spec.integers import S16, S32, S33, S34, U2, U6, wrap
from int8sim.spec.nvdla.shifts import shift_left_saturate, shift_right_saturate

PRODUCT_BITS = 49  # 33-bit sum times 16-bit operand


class SdpAlu(IntEnum):
    """ALU_ALGO. EQUAL is SDP Y's; X sums."""

    MAX = 0
    MIN = 1
    SUM = 2
    EQUAL = 3


def sdp_bias(x: S32, operand: S16, shift: U6) -> int:
    """The ALU as a bias: x + saturate(operand << shift, 32), 33 bits wide and not saturated."""
    return x + shift_left_saturate(operand, shift)


def sdp_multiply(x: S34, operand: S16, truncate: U6) -> int:
    """The multiplier: x * operand >> truncate, saturated to 32 bits. x: the 33-bit sum of the ALU."""
    return shift_right_saturate(x * operand, truncate, PRODUCT_BITS, 32)


def sdp_alu(x: S32, operand: S16, shift: U6, algorithm: U2) -> int:
    """The ALU: the greater, the lesser or the sum of x and the operand shifted left. algorithm: an `SdpAlu`."""
    if algorithm == SdpAlu.MAX:
        return max(x, shift_left_saturate(operand, shift))
    if algorithm == SdpAlu.MIN:
        return min(x, shift_left_saturate(operand, shift))
    return sdp_bias(x, operand, shift)


def sdp_prelu(x: S33, operand: S16, truncate: U6) -> int:
    """The multiplier as a PReLU: negative values are multiplied, others skip multiplier and shift.

    What skips is cut to its low 32 bits: a sum beyond them wraps, nothing saturates.
    """
    return sdp_multiply(x, operand, truncate) if x < 0 else wrap(x, 32)


def sdp_prelu_is_defined(x: int) -> bool:
    """Whether a sum that skips the multiplier keeps its value."""
    return x < 1 << 31


def sdp_x(
    x: S32,
    alu_operand: S16 = 0,
    alu_shift: U6 = 0,
    alu_algorithm: U2 = SdpAlu.SUM,
    alu_bypass: bool = False,
    mul_operand: S16 = 1,
    mul_shift: U6 = 0,
    mul_bypass: bool = False,
    prelu: bool = False,
    relu_bypass: bool = True,
) -> int:
    """The whole stage, 32 bits to 32; as the parameters stand it passes x through.

    alu_shift shifts the operand left, mul_shift the product right. A bypassed multiplier still shifts, and is no PReLU.
    """
    total = x if alu_bypass else sdp_alu(x, alu_operand, alu_shift, alu_algorithm)
    if prelu and not mul_bypass:
        scaled = sdp_prelu(total, mul_operand, mul_shift)
    else:
        scaled = sdp_multiply(total, 1 if mul_bypass else mul_operand, mul_shift)
    return scaled if relu_bypass else max(scaled, 0)

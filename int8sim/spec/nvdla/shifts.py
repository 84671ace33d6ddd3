"""NVDLA's shifters, out of which every converter of the RTL is made.

All round to nearest with ties away from zero and saturate; they differ in the sign of the shift and in the flag.
"""

from __future__ import annotations

from int8sim.spec.integers import S5, S16, S50, S62, S64, U6, U10, saturate
from int8sim.spec.rounding import Rounding, shift_right


def half_away(value: S64, shift: U6) -> int:
    """value / 2**shift, ties away from zero, rounded from the guard bit as the RTL does: no bias leaves 64 bits.

    The guard bit rounds up, except for a negative value that is exactly a tie (no sticky bit below).
    """
    below = max(shift - 1, 0)
    guard = (value >> below) & 1 & (shift > 0)
    sticky = value & ((1 << below) - 1)
    return (value >> shift) + (guard if value >= 0 or sticky != 0 else 0)


def shift_right_saturate(value: S62, shift: U10, width: int, out_bits: int) -> int:
    """value / 2**shift, ties away from zero, saturated to out_bits; 0 when shift >= width, the width of the input.

    width: up to 62. Source: nvdla/hw:vmod/vlibs/NV_NVDLA_HLS_shiftrightsu.v.
    """
    if shift >= width:
        return 0
    return saturate(shift_right(value, shift, Rounding.HALF_AWAY), out_bits)


def shift_right_saturate_64(value: S64, shift: U10, out_bits: int) -> int:
    """The same for an input of 64 bits, which leave no room for a bias."""
    if shift >= 64:
        return 0
    return saturate(half_away(value, shift), out_bits)


def shift_right_overflows(value: S64, shift: U10, width: int, out_bits: int) -> int:
    """The flag `sat_out` of the same shift: 1 where a positive value rounds, or a negative one floors, beyond out_bits.

    A negative value that floors to one below the minimum and rounds back to it raises the flag and keeps its value.
    Source: nvdla/hw:vmod/vlibs/NV_NVDLA_HLS_shiftrightsatsu.v.
    """
    if shift >= width:
        return 0
    shifted = half_away(value, shift) if value >= 0 else value >> shift
    return 1 if shifted != saturate(shifted, out_bits) else 0


def shift_left_saturate(value: S16, shift: U6, out_bits: int = 32) -> int:
    """value * 2**shift, saturated to out_bits. Source: nvdla/hw:vmod/vlibs/NV_NVDLA_HLS_shiftleftsu.v."""
    return saturate(value << min(shift, out_bits), out_bits)


def shift_signed_saturate(value: S50, shift: S5, width: int, out_bits: int) -> int:
    """A right shift as `shift_right_saturate`, or a left one where shift is negative; saturated to out_bits.

    Source: nvdla/hw:vmod/vlibs/NV_NVDLA_HLS_shiftrightss.v.
    """
    if shift < 0:
        return saturate(saturate(value, out_bits) << -shift, out_bits)
    return shift_right_saturate(value, shift, width, out_bits)

"""SDP Y's tables: LE (65 entries, linear or exponent) and LO (257 entries, linear), the index and the interpolation.

A value below or at a table's start underflows, one past its last entry overflows; the table then goes on as a line.
Sources: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_lut_{line,expn}.v and NV_NVDLA_SDP_HLS_Y_int_{idx,inp}.v.
"""

from __future__ import annotations

from enum import IntEnum

from int8sim.spec.integers import S5, S8, S16, S32, U1, U32, U35, leading_zeros_32, saturate
from int8sim.spec.nvdla.shifts import shift_right_saturate, shift_signed_saturate

LE_ENTRIES = 65
LO_ENTRIES = 257
FRACTION_BITS = 35
LARGEST_INDEX = (1 << 9) - 1
SUM_BITS = 53  # two 16-bit entries by a 36-bit fraction
SLOPE_BITS = 50  # 34-bit distance times 16-bit scale

Place = tuple[int, int, int, int]
"""Index, fraction of 35 bits, underflow, overflow."""


class LutFunction(IntEnum):
    """LUT_LE_FUNCTION."""

    EXPONENT = 0
    LINEAR = 1


def sdp_lut_linear(x: S32, start: S32, select: S8, entries: int) -> Place:
    """Where x lies in a table of equal steps of 2**select: index, fraction, underflow, overflow.

    A negative select multiplies. The index ends at the last entry; the fraction of an overflow is what the shifter
    leaves, and unused.
    """
    if x <= start:
        return 0, 0, 1, 0
    distance = x - start
    if select < 0:
        index, fraction = min(distance, LARGEST_INDEX) << min(-select, 9), 0
    else:
        index, fraction = distance >> min(select, 32), _fraction(distance, select)
    return min(index, entries - 1), fraction, 0, 1 if index >= entries - 1 else 0


def _fraction(distance: int, select: int) -> int:
    """distance / 2**select without its whole part, 35 bits."""
    if select > FRACTION_BITS:
        return distance >> min(select - FRACTION_BITS, 32)
    return (distance & ((1 << select) - 1)) << (FRACTION_BITS - select)


def sdp_lut_exponent(x: S32, start: S32, offset: S8) -> Place:
    """Where x lies in LE as a table of powers of two: the index is floor(log2(x - start)) - offset.

    offset: LUT_LE_INDEX_OFFSET; a logarithm below it underflows too.
    """
    if x <= start:
        return 0, 0, 1, 0
    distance = x - start
    logarithm = 31 - leading_zeros_32(distance)
    fraction = (distance - (1 << logarithm)) << (FRACTION_BITS - logarithm)
    index = max(logarithm - offset, 0)
    overflow = 1 if index >= LE_ENTRIES - 1 else 0
    return min(index, LE_ENTRIES - 1), fraction, 1 if logarithm < offset else 0, overflow


def sdp_lut_index(
    x: S32,
    le_function: U1,
    le_start: S32,
    le_offset: S8,
    le_select: S8,
    lo_start: S32,
    lo_select: S8,
    underflow_priority: U1,
    overflow_priority: U1,
    hybrid_priority: U1,
) -> tuple[int, int, int, int, int, int, int]:
    """The entry that x reads: table (0 LE, 1 LO), address, fraction, underflow, overflow, LE hit, LO hit.

    le_function: a `LutFunction`. A priority names the table where both underflow, where both overflow, and, hybrid,
    where both hit or each misses at another end; else the table that hits is read.
    """
    if le_function == LutFunction.EXPONENT:
        le = sdp_lut_exponent(x, le_start, le_offset)
    else:
        le = sdp_lut_linear(x, le_start, le_select, LE_ENTRIES)
    lo = sdp_lut_linear(x, lo_start, lo_select, LO_ENTRIES)
    le_miss, lo_miss = le[2] | le[3], lo[2] | lo[3]
    if le[2] & lo[2]:
        table = underflow_priority
    elif le[3] & lo[3]:
        table = overflow_priority
    elif le_miss == lo_miss:
        table = hybrid_priority
    else:
        table = le_miss
    found = lo if table else le
    return table, found[0], found[1], found[2], found[3], 1 - le_miss, 1 - lo_miss


def sdp_lut_bias(le_function: U1, le_offset: S8) -> int:
    """Added to LE's start when LE underflows: 2**offset, the first entry of an exponent table; 0 for a linear one.

    0 also for a negative offset, and 0 in 32 bits from offset 32 on.
    Source: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_CORE_Y_lut.v, read; no vectors of it exist.
    """
    exponent = le_function == LutFunction.EXPONENT and 0 <= le_offset < 32
    return 1 << le_offset if exponent else 0


def sdp_lut_interpolate(
    x: S32, y0: S16, y1: S16, fraction: U35, flow: U1, offset: S32, bias: U32, scale: S16, shift: S5
) -> int:
    """Between two entries by the fraction; past an end (flow), from the end's entry along a line. 32 bits, saturated.

    y0, y1: the entry at the address and the next. offset: the table's start where it underflows, its end where it
    overflows. bias: `sdp_lut_bias` where LE underflows, else 0. scale, shift: that end's slope, a negative shift to the
    left.
    """
    if flow:
        rise = shift_signed_saturate((x - bias - offset) * scale, shift, SLOPE_BITS, 32)
        return saturate(y0 + rise, 32)
    total = y0 * ((1 << FRACTION_BITS) - fraction) + y1 * fraction
    return shift_right_saturate(total, FRACTION_BITS, SUM_BITS, 32)

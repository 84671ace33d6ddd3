"""PDP: pooling. Maximum and minimum ignore padding; an average counts it, as the registers give it.

An average adds up along rows, then down, then multiplies by the reciprocals of the kernel's width and height. Nothing
saturates. Sources: nvdla/hw:vmod/nvdla/pdp/NV_NVDLA_PDP_CORE_cal1d.v (rows) and NV_NVDLA_PDP_CORE_cal2d.v, nv_small.
"""

from __future__ import annotations

from enum import IntEnum

from int8sim.spec.integers import S11, S14, S15, S19, U4, U17, wrap
from int8sim.spec.nvdla.shifts import half_away

FRACTION_BITS = 16  # of the reciprocals
ROW_BITS = 11
SUM_BITS = 14


class PdpMethod(IntEnum):
    """POOLING_METHOD."""

    AVERAGE = 0
    MAX = 1
    MIN = 2


def pdp_row(total: S11, padding: S19) -> int:
    """The sum of a window's row and of what its missing columns are worth, 11 bits.

    padding: the register D_POOLING_PADDING_VALUE_k for k missing columns, which software sets to k times the padding
    value; 0 for none.
    """
    return wrap(total + padding, ROW_BITS)


def pdp_accumulate(total: S14, row: S11) -> int:
    """The sum of the rows so far and one more, 14 bits."""
    return wrap(total + row, SUM_BITS)


def pdp_column(total: S14, padding: S19, kernel_width: U4) -> int:
    """The sum of a window, 15 bits, missing rows counted with kernel_width columns each. padding: as for `pdp_row`."""
    return total + wrap(padding * kernel_width, SUM_BITS)


def pdp_average(total: S15, reciprocal_width: U17, reciprocal_height: U17) -> int:
    """The average: total times the reciprocal of the width, then of the height, each with 16 fraction bits.

    Half away from zero twice. total: the sum over the window and its padding.
    """
    return _scale(_scale(total, reciprocal_width, ROW_BITS), reciprocal_height, 8)


def pdp_average_is_defined(total: int, reciprocal_width: int, reciprocal_height: int) -> bool:
    """Whether both steps stay within their words; past them the RTL wraps one way and NVIDIA's C model another.

    A reciprocal above 2**16 / size can leave them.
    """
    row = half_away(total * reciprocal_width, FRACTION_BITS)
    fits = wrap(row, ROW_BITS) == row
    column = half_away(row * reciprocal_height, FRACTION_BITS)
    return fits and wrap(column, 8) == column


def _scale(total: int, reciprocal: int, bits: int) -> int:
    """total * reciprocal / 2**16, half away. A positive product loses bit bits - 1 before it is rounded, then wraps."""
    product = total * reciprocal
    if product >= 0:
        product &= (1 << (FRACTION_BITS + bits - 1)) - 1
    return wrap(half_away(product, FRACTION_BITS), bits)


def pdp_reciprocal(size: int) -> int:
    """What the driver programs for a pooling width or height 1 .. 8: floor(2**16 / size).

    Source: nvdla/sw:kmd/firmware/pdp.c (so 3, 5, 6 and 7 are slightly low).
    """
    return (1 << FRACTION_BITS) // size

"""CDP (local response normalization): the converters around it. Its sum of squares and its tables are not here."""

from __future__ import annotations

from int8sim.spec.integers import S8, S16, S25, U5, U6
from int8sim.spec.nvdla.shifts import shift_right_saturate

IN_PRODUCT_BITS = 25  # 9-bit difference times 16-bit scale
OUT_PRODUCT_BITS = 42  # 26-bit difference times 16-bit scale


def cdp_in_convert(x: S8, offset: S8, scale: S16, truncate: U5) -> int:
    """The input converter: (x - offset) * scale >> truncate, saturated to 9 bits. x is signed.

    Source: nvdla/hw:vmod/vlibs/HLS_cdp_icvt.v (NV_NVDLA_CDP_HLS_icvt.v beside it extends x by zeros and is not used).
    """
    return shift_right_saturate((x - offset) * scale, truncate, IN_PRODUCT_BITS, 9)


def cdp_out_convert(x: S25, offset: S25, scale: S16, truncate: U6) -> int:
    """The output converter: (x - offset) * scale >> truncate, saturated to 8 bits.

    Source: nvdla/hw:vmod/vlibs/HLS_cdp_ocvt.v.
    """
    return shift_right_saturate((x - offset) * scale, truncate, OUT_PRODUCT_BITS, 8)

"""SDP C: the output converter, and the flag that its saturation counter counts."""

from __future__ import annotations

from enum import IntEnum

from int8sim.spec.integers import S16, S32, U1, U6, saturate, wrap
from int8sim.spec.nvdla.shifts import shift_right_overflows, shift_right_saturate

PRODUCT_BITS = 49  # 33-bit difference times 16-bit scale
SHIFTED_BITS = 17


class Generation(IntEnum):
    """Two generations of the RTL: nvdla/hw master (nv_small, nv_large), and its branch nvdlav1 (nv_full)."""

    MASTER = 0
    V1 = 1


def sdp_out_convert(x: S32, offset: S32, scale: S16, truncate: U6, out_bits: int = 8) -> int:
    """The output converter: (x - offset) * scale >> truncate, saturated to 17 and then to out_bits (8 or 16).

    Source: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_C_int.v.
    """
    product = (x - offset) * scale
    return saturate(shift_right_saturate(product, truncate, PRODUCT_BITS, SHIFTED_BITS), out_bits)


def sdp_out_equal(x: S32) -> int:
    """The output in EQL mode, where Y compares: the low 16 bits of x, not converted."""
    return wrap(x, 16)


def sdp_out_overflows(x: S32, offset: S32, scale: S16, truncate: U6, equal: bool, generation: U1) -> int:
    """The flag of one element; D_PERF_OUT_SATURATION is their sum. generation: a `Generation`.

    It tells of the 17 bits within the converter, not of the 8 or 16 that leave. MASTER: the shifter's flag, none in EQL
    mode. V1: where floor and output lie more than 1 apart, in EQL mode too.
    Sources: nvdla/hw:vmod/nvdla/sdp/NV_NVDLA_SDP_HLS_C_int.v; cmod/hls/include/nvdla_int.h, IntShiftRightSat, for V1.
    """
    product = (x - offset) * scale
    if generation == Generation.V1:
        kept = shift_right_saturate(product, truncate, PRODUCT_BITS, SHIFTED_BITS)
        return 1 if abs((product >> truncate) - kept) > 1 else 0
    return 0 if equal else shift_right_overflows(product, truncate, PRODUCT_BITS, SHIFTED_BITS)

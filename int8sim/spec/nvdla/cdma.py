"""CDMA: pixels and features on their way into the convolution buffer."""

from __future__ import annotations

from int8sim.spec.integers import S16, S17, U6, U16, saturate, wrap
from int8sim.spec.nvdla.shifts import shift_right_saturate

PRODUCT_BITS = 34  # 18-bit difference times 16-bit scale


def cdma_extend(pixel: U16, bits: int, signed: bool) -> int:
    """The converter's 17-bit operand: the low `bits` bits of a pixel, 8 or 16, sign- or zero-extended."""
    return wrap(pixel, bits) if signed else pixel & ((1 << bits) - 1)


def cdma_offset(offset: S16, mean: S16, use_mean: bool) -> int:
    """What the converter subtracts: D_CVT_OFFSET, or the pixel's mean value where the mean path is on.

    Source: nvdla/hw:vmod/nvdla/cdma/NV_NVDLA_CDMA_cvt.v, read; no vectors of it exist.
    """
    return mean if use_mean else offset


def cdma_convert(x: S17, offset: S16, scale: S16, truncate: U6, out_bits: int = 8) -> int:
    """The input converter: (x - offset) * scale >> truncate, saturated to 17 and then to out_bits (8 or 16).

    Where D_CVT_CFG disables the converter, the raw byte passes instead.
    Source: nvdla/hw:vmod/nvdla/cdma/NV_NVDLA_CDMA_CVT_cell.v.
    """
    product = (x - offset) * scale
    return saturate(shift_right_saturate(product, truncate, PRODUCT_BITS, 17), out_bits)


def padding_value(register: U16, bits: int = 8) -> int:
    """What stands around the input: the low 8 bits of D_ZERO_PADDING_VALUE (all 16 in 16-bit processing), signed.

    It takes the place of converted values: the converter does not touch it.
    Source: nvdla/hw:vmod/nvdla/csc/NV_NVDLA_CSC_dl.v.
    """
    return wrap(register, bits)

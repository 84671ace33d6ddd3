"""The specification's functions that the GPU has an instruction for, by that instruction.

Flattened in place of the functions of the same names in spec/cvt.py, spec/dp4a.py and spec/video.py: what stands in
their arguments is the same for all threads, so the branches cost nothing. A rounding that PTX does not have is computed
as the specification does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from int8sim.kernels.cuda.ptx import (
    add_sat_s32 as add_sat,
)
from int8sim.kernels.cuda.ptx import (
    cvt_pack_sat_s8,
    cvt_pack_sat_u8,
    cvt_rmi_ftz_s8_f32,
    cvt_rmi_ftz_u8_f32,
    cvt_rmi_s8_f16,
    cvt_rmi_s8_f32,
    cvt_rmi_u8_f16,
    cvt_rmi_u8_f32,
    cvt_rni_ftz_s8_f32,
    cvt_rni_ftz_u8_f32,
    cvt_rni_s8_f16,
    cvt_rni_s8_f32,
    cvt_rni_u8_f16,
    cvt_rni_u8_f32,
    cvt_rpi_ftz_s8_f32,
    cvt_rpi_ftz_u8_f32,
    cvt_rpi_s8_f16,
    cvt_rpi_s8_f32,
    cvt_rpi_u8_f16,
    cvt_rpi_u8_f32,
    cvt_rzi_ftz_s8_f32,
    cvt_rzi_ftz_u8_f32,
    cvt_rzi_s8_f16,
    cvt_rzi_s8_f32,
    cvt_rzi_u8_f16,
    cvt_rzi_u8_f32,
    cvt_sat_s8_s32,
    cvt_sat_u8_s32,
    dp2a_hi_ss,
    dp2a_hi_su,
    dp2a_hi_us,
    dp2a_hi_uu,
    dp2a_lo_ss,
    dp2a_lo_su,
    dp2a_lo_us,
    dp2a_lo_uu,
    dp4a_ss,
    dp4a_su,
    dp4a_us,
    dp4a_uu,
)
from int8sim.spec import cvt, video
from int8sim.spec import dp4a as products
from int8sim.spec.float32 import float32_from_bits
from int8sim.spec.rounding import Rounding


def float32_to_int8(bits: int, rounding: int, signed: bool = True, flush: bool = False) -> Any:
    """cvt.{rni,rzi,rmi,rpi}[.ftz].{s8,u8}.f32."""
    if flush:
        return with_flush(bits, rounding, signed)
    x = float32_from_bits(bits)
    if rounding == Rounding.HALF_EVEN:
        return cvt_rni_s8_f32(x) if signed else cvt_rni_u8_f32(x)
    if rounding == Rounding.TOWARD_ZERO:
        return cvt_rzi_s8_f32(x) if signed else cvt_rzi_u8_f32(x)
    if rounding == Rounding.FLOOR:
        return cvt_rmi_s8_f32(x) if signed else cvt_rmi_u8_f32(x)
    if rounding == Rounding.CEIL:
        return cvt_rpi_s8_f32(x) if signed else cvt_rpi_u8_f32(x)
    return cvt.float_to_integer(bits, 32, 8, signed, rounding, False)


def with_flush(bits: int, rounding: int, signed: bool) -> Any:
    """The forms with .ftz."""
    x = float32_from_bits(bits)
    if rounding == Rounding.HALF_EVEN:
        return cvt_rni_ftz_s8_f32(x) if signed else cvt_rni_ftz_u8_f32(x)
    if rounding == Rounding.TOWARD_ZERO:
        return cvt_rzi_ftz_s8_f32(x) if signed else cvt_rzi_ftz_u8_f32(x)
    if rounding == Rounding.FLOOR:
        return cvt_rmi_ftz_s8_f32(x) if signed else cvt_rmi_ftz_u8_f32(x)
    if rounding == Rounding.CEIL:
        return cvt_rpi_ftz_s8_f32(x) if signed else cvt_rpi_ftz_u8_f32(x)
    return cvt.float_to_integer(bits, 32, 8, signed, rounding, True)


def float16_to_int8(bits: int, rounding: int, signed: bool = True) -> Any:
    """cvt.{rni,rzi,rmi,rpi}.{s8,u8}.f16."""
    if rounding == Rounding.HALF_EVEN:
        return cvt_rni_s8_f16(bits) if signed else cvt_rni_u8_f16(bits)
    if rounding == Rounding.TOWARD_ZERO:
        return cvt_rzi_s8_f16(bits) if signed else cvt_rzi_u8_f16(bits)
    if rounding == Rounding.FLOOR:
        return cvt_rmi_s8_f16(bits) if signed else cvt_rmi_u8_f16(bits)
    if rounding == Rounding.CEIL:
        return cvt_rpi_s8_f16(bits) if signed else cvt_rpi_u8_f16(bits)
    return cvt.float_to_integer(bits, 16, 8, signed, rounding, False)


def int32_to_int8(value: int, signed: bool = True) -> Any:
    """cvt.sat.{s8,u8}.s32."""
    return cvt_sat_s8_s32(value) if signed else cvt_sat_u8_s32(value)


def pack_saturate(a: int, b: int, c: int, signed: bool = True) -> Any:
    """cvt.pack.sat.{s8,u8}.s32.b32."""
    return cvt_pack_sat_s8(a, b, c) if signed else cvt_pack_sat_u8(a, b, c)


def dp4a(a: int, b: int, c: int, a_signed: bool = True, b_signed: bool = True) -> Any:
    """dp4a.{s32,u32}.{s32,u32}."""
    if a_signed:
        return dp4a_ss(a, b, c) if b_signed else dp4a_su(a, b, c)
    return dp4a_us(a, b, c) if b_signed else dp4a_uu(a, b, c)


def dp2a(a: int, b: int, c: int, high: bool = False, a_signed: bool = True, b_signed: bool = True) -> Any:
    """dp2a.{lo,hi}.{s32,u32}.{s32,u32}."""
    if high:
        return upper_dp2a(a, b, c, a_signed, b_signed)
    if a_signed:
        return dp2a_lo_ss(a, b, c) if b_signed else dp2a_lo_su(a, b, c)
    return dp2a_lo_us(a, b, c) if b_signed else dp2a_lo_uu(a, b, c)


def upper_dp2a(a: int, b: int, c: int, a_signed: bool, b_signed: bool) -> Any:
    """dp2a.hi."""
    if a_signed:
        return dp2a_hi_ss(a, b, c) if b_signed else dp2a_hi_su(a, b, c)
    return dp2a_hi_us(a, b, c) if b_signed else dp2a_hi_uu(a, b, c)


def add_sat_s32(a: int, b: int) -> Any:
    """add.sat.s32."""
    return add_sat(a, b)


TWINS: Mapping[Callable[..., Any], Callable[..., Any]] = {
    cvt.float32_to_int8: float32_to_int8,
    cvt.float16_to_int8: float16_to_int8,
    cvt.int32_to_int8: int32_to_int8,
    cvt.pack_saturate: pack_saturate,
    products.dp4a: dp4a,
    products.dp2a: dp2a,
    video.add_sat_s32: add_sat_s32,
}

"""CACC: the convolution accumulator, 34 bits wide, and the truncation to the 32 bits that SDP takes."""

from __future__ import annotations

from int8sim.spec.integers import S34, U5, saturate
from int8sim.spec.nvdla.shifts import half_away, shift_right_overflows, shift_right_saturate

SUM_BITS = 34
FRACTION_BITS = 16  # that the truncation keeps


def cacc_accumulate(acc: S34, partial: S34) -> int:
    """One accumulation step: the sum, saturated to 34 bits at every step. The first step of an output adds to 0.

    Source: nvdla/hw:vmod/nvdla/cacc/NV_NVDLA_CACC_CALC_int8.v.
    """
    return saturate(acc + partial, SUM_BITS)


def cacc_clip(acc: S34, truncate: U5) -> int:
    """The output: acc / 2**truncate to 32 bits, ties away from zero, as the RTL rounds. truncate: D_CLIP_CFG.

    Only 16 fraction bits are kept: above truncate 16 the lower ones are lost, and a negative value just beyond a tie
    rounds as the tie. Source: nvdla/hw:vmod/nvdla/cacc/NV_NVDLA_CACC_CALC_int8.v.
    """
    return saturate(half_away((acc << FRACTION_BITS) >> truncate, FRACTION_BITS), 32)


def cacc_clip_ideal(acc: S34, truncate: U5) -> int:
    """The same with every fraction bit: what the documentation says, and what the RTL does up to truncate 16.

    Source: nvdla/doc:doc/hw/v1/ias/precision.rst.
    """
    return shift_right_saturate(acc, truncate, SUM_BITS, 32)


def cacc_clip_overflows(acc: S34, truncate: U5) -> int:
    """The saturation flag of `cacc_clip`, which D_OUT_SATURATION counts. A partial sum that saturates raises none."""
    return shift_right_overflows((acc << FRACTION_BITS) >> truncate, FRACTION_BITS, SUM_BITS + FRACTION_BITS, 32)


def cacc_clip_is_defined(acc: int, truncate: int) -> bool:  # noqa: ARG001 (the pair of cacc_clip)
    """NVDLA's own C model refuses truncate > 16, where the RTL loses sticky bits."""
    return 0 <= truncate <= FRACTION_BITS

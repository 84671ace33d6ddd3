"""CMAC: one multiply-accumulate cell, 8 lanes in nv_small and 64 in nv_large."""

from __future__ import annotations

from collections.abc import Sequence

from int8sim.spec.integers import S8


def cmac_product(data: S8, weight: S8, nonzero: bool) -> int:
    """One lane: data * weight, exact; 0 where a flag says that an operand is zero, whatever the operands are."""
    return data * weight if nonzero else 0


def cmac_dot(data: Sequence[int], weights: Sequence[int], data_nonzero: int, weight_nonzero: int) -> int:
    """The sum over all lanes, exact: 16 + log2(lanes) bits hold it, so nothing wraps.

    data, weights: int8, one per lane. data_nonzero, weight_nonzero: masks of the operands that are not zero, lane 0 in
    bit 0. Source: nvdla/hw:vmod/nvdla/cmac/NV_NVDLA_CMAC_CORE_mac.v.
    """
    total = 0
    for lane in range(len(data)):
        nonzero = (data_nonzero >> lane) & (weight_nonzero >> lane) & 1
        total += cmac_product(data[lane], weights[lane], nonzero != 0)
    return total

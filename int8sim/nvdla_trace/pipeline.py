"""Pipelines of the blocks that a trace has enabled: convolution or memory -> SDP -> memory or PDP; memory -> PDP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from int8sim.formats.nvdla_packing import Surface
from int8sim.model.errors import UncoveredRegistersError
from int8sim.nvdla_trace.convolution import BLOCKS, convolution
from int8sim.nvdla_trace.hardware import Hardware
from int8sim.nvdla_trace.memory import Memory
from int8sim.nvdla_trace.pdp import pdp
from int8sim.nvdla_trace.registers import Block
from int8sim.nvdla_trace.sdp import sdp
from int8sim.nvdla_trace.surfaces import Shape

Chain = list[tuple[str, int]]
Blocks = dict[str, Block]


@dataclass(frozen=True)
class Operation:
    """One pass of a pipeline. blocks: those that took part; rows: what their registers say, in words.

    destination: where the output lies; chain: for (c, y, x) of it, the values on the way there.
    """

    blocks: tuple[str, ...]
    rows: list[tuple[str, str]]
    destination: Surface
    chain: Callable[[Shape], Chain]


def run_enabled(enabled: Blocks, memory: Memory, hardware: Hardware) -> list[Operation]:
    """Run every pipeline among the blocks: the one with a convolution first, then SDP, then PDP alone.

    Raises UncoveredRegistersError for blocks without the rest of their pipeline.
    """
    left, done = dict(enabled), []
    while left:
        taken = _pipeline(left)
        done.append(_from_sdp(taken, memory, hardware) if "NVDLA_SDP" in taken else _pooling(taken, memory, hardware))
    return done


def _pipeline(left: Blocks) -> Blocks:
    """The blocks of one pipeline, taken out of `left`."""
    if any(name in left for name in BLOCKS):
        taken = _take(left, (*BLOCKS, "NVDLA_SDP"))
        taken["NVDLA_SDP"].require("SDP takes its input from memory, and a convolution is enabled", FLYING_MODE=1)
    elif "NVDLA_SDP" in left or "NVDLA_SDP_RDMA" in left:
        taken = _take(left, ("NVDLA_SDP",))
        taken["NVDLA_SDP"].require("SDP waits for a convolution, and none is enabled", FLYING_MODE=0)
    else:
        return _take(left, ("NVDLA_PDP", "NVDLA_PDP_RDMA"))
    if "NVDLA_SDP_RDMA" in left or not taken["NVDLA_SDP"]["FLYING_MODE"]:
        taken |= _take(left, ("NVDLA_SDP_RDMA",))
    if taken["NVDLA_SDP"]["OUTPUT_DST"]:
        taken |= _take(left, ("NVDLA_PDP",))
    return taken


def _take(left: Blocks, names: tuple[str, ...]) -> Blocks:
    missing = [name for name in names if name not in left]
    if missing:
        enabled = {f"{name}.D_OP_ENABLE": 1 for name in left} or {f"{name}.D_OP_ENABLE": 0 for name in missing}
        raise UncoveredRegistersError(enabled, f"their pipeline needs {', '.join(missing)}, not enabled")
    return {name: left.pop(name) for name in names}


def _from_sdp(taken: Blocks, memory: Memory, hardware: Hardware) -> Operation:
    """SDP with what stands before and behind it. All registers are decoded before anything runs."""
    first = convolution(taken, hardware) if "NVDLA_CACC" in taken else None
    second = sdp(taken["NVDLA_SDP"], taken.get("NVDLA_SDP_RDMA"), hardware)
    if first and second.shape != (first.kernel[0], *first.output):
        named = taken["NVDLA_SDP"].registers("WIDTH", "HEIGHT", "CHANNEL")
        raise UncoveredRegistersError(named, f"CACC hands on {first.kernel[0]} channels of {first.output}")
    third = pdp(taken["NVDLA_PDP"], None, second.shape, hardware) if "NVDLA_PDP" in taken else None
    sums, clipped = first.run(memory) if first else (None, None)
    taps = second.run(memory, clipped)
    rows = [*(first.rows() if first else []), *second.rows()]
    if third:
        cube, out = third.run(memory, taps.out)
        return _operation(taken, [*rows, *third.rows()], third.destination, lambda place: third.chain(cube, out, place))

    def chain(place: Shape) -> Chain:
        before = first.chain(sums, *place) if first and sums is not None else []
        return [*before, *second.chain(taps, place)]

    assert second.destination is not None
    return _operation(taken, rows, second.destination, chain)


def _pooling(taken: Blocks, memory: Memory, hardware: Hardware) -> Operation:
    only = pdp(taken["NVDLA_PDP"], taken["NVDLA_PDP_RDMA"], None, hardware)
    cube, out = only.run(memory, None)
    return _operation(taken, only.rows(), only.destination, lambda place: only.chain(cube, out, place))


def _operation(
    taken: Blocks, rows: list[tuple[str, str]], destination: Surface, chain: Callable[[Shape], Chain]
) -> Operation:
    return Operation(tuple(name.removeprefix("NVDLA_") for name in taken), rows, destination, chain)

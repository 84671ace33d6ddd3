"""SDP: X1 (BS), X2 (BN) and the output converter, behind CACC or from memory, to memory or to PDP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from int8sim.formats.nvdla_packing import Surface
from int8sim.kernels.cpu.nvdla_stage import stage
from int8sim.model.errors import UncoveredRegistersError
from int8sim.model.step import Array
from int8sim.nvdla_trace import surfaces
from int8sim.nvdla_trace.hardware import Hardware
from int8sim.nvdla_trace.memory import Memory
from int8sim.nvdla_trace.registers import Block
from int8sim.nvdla_trace.surfaces import Shape
from int8sim.spec.nvdla import SdpAlu, sdp_alu, sdp_out_convert, sdp_x

INT8 = "the player has SDP's X1, X2 and output converter for int8, one batch: no EW (Y), no Winograd, no 16 bits"
DISAGREE = "blocks of one operation must agree, or the hardware stalls"
CUBE = ("WIDTH", "HEIGHT", "CHANNEL")
SHIFTS = 64
"""Shifts that the multiplier's shifter has; its register is wider."""

USES = {0: ("MUL",), 1: ("ALU",), 2: ("ALU", "MUL")}
"""DATA_USE -> whose operands lie in memory, in this order."""


@dataclass(frozen=True)
class Operands:
    """Where a stage's operands lie: uses, whose they are. where: of the whole cube, or of one row of channels."""

    uses: tuple[str, ...]
    where: Surface
    per_element: bool

    def read(self, memory: Memory) -> dict[str, Array]:
        """For each use int64 [H, W, C], or [1, 1, C]."""
        values = surfaces.read_pairs(memory, self.where, len(self.uses))
        return {use: values[..., place] for place, use in enumerate(self.uses)}


@dataclass(frozen=True)
class Stage:
    """X1 or X2. settings: what `sdp_x` takes beside the operands. alu, mul: operands, None where memory has them."""

    name: str
    bypass: bool
    settings: dict[str, int]
    alu: int | None
    mul: int | None
    operands: Operands | None

    def registers(self, memory: Memory) -> dict[str, Array | int]:
        """All that `sdp_x` takes beside the data; arrays as `Operands.read` gives them."""
        found = self.operands.read(memory) if self.operands else {}
        alu = found["ALU"] if self.alu is None else self.alu
        mul = found["MUL"] if self.mul is None else self.mul
        return {**self.settings, "alu_operand": alu, "mul_operand": mul}

    def text(self) -> str:
        """What the registers say, in words."""
        if self.bypass:
            return "bypass"
        get = self.settings
        alu = f"{SdpAlu(get['alu_algorithm']).name.lower()} {_operand(self.alu)} << {get['alu_shift']}"
        mul = f"{'PReLU' if get['prelu'] else '*'} {_operand(self.mul)}"
        parts = [] if get["alu_bypass"] else [alu]
        parts += [] if get["mul_bypass"] else [mul]
        parts += [f">> {get['mul_shift']}", *([] if get["relu_bypass"] else ["ReLU"])]
        where = f"; operands at {self.operands.where.base:#x}" if self.operands else ""
        mode = ", per element" if self.operands and self.operands.per_element else ""
        return ", ".join(parts) + where + mode


@dataclass(frozen=True)
class SdpTaps:
    """values: what enters X1, X2 and the output converter, int32 [H, W, C], C with the padding lanes.

    registers: what X1 and X2 computed with, operands from memory and all. out: int8.
    """

    values: list[Array]
    registers: list[dict[str, Array | int]]
    out: Array


@dataclass(frozen=True)
class Sdp:
    """source: the input's surface, None behind CACC; destination: None where PDP follows. shape: (C, H, W)."""

    shape: Shape
    source: Surface | None
    stages: tuple[Stage, Stage]
    offset: int
    scale: int
    truncate: int
    destination: Surface | None

    def run(self, memory: Memory, behind: Array | None) -> SdpTaps:
        """Read, compute, write. behind: what CACC hands on, None where the input lies in memory."""
        first = surfaces.read_cube(memory, self.source).astype(np.int32) if self.source else behind
        values = [np.asarray(first)]
        registers = [each.registers(memory) for each in self.stages]
        for each, given in zip(self.stages, registers, strict=True):
            values.append(values[-1] if each.bypass else _apply(values[-1], given))
        converter = {"offset": self.offset, "scale": self.scale, "truncate": self.truncate}
        out = stage(sdp_out_convert, values[-1], "int8", **converter)
        if self.destination:
            surfaces.write_cube(memory, self.destination, out)
        return SdpTaps(values, registers, out)

    def rows(self) -> list[tuple[str, str]]:
        """What the registers say, in words."""
        channels, height, width = self.shape
        source = f"{width} x {height} x {channels} at {self.source.base:#x}" if self.source else "from CACC"
        return [
            ("SDP input", source),
            *((f"SDP {each.name}", each.text()) for each in self.stages),
            ("SDP output converter", f"(x - {self.offset}) * {self.scale} >> {self.truncate}"),
            ("SDP output", f"at {self.destination.base:#x}" if self.destination else "to PDP"),
        ]

    def chain(self, taps: SdpTaps, place: Shape) -> list[tuple[str, int]]:
        """What one element, (c, y, x), went through, unit by unit."""
        c, y, x = place
        values = [int(each[y, x, c]) for each in taps.values]
        steps = [("SDP input", values[0])]
        for each, given, before, after in zip(self.stages, taps.registers, values, values[1:], strict=False):
            if not each.bypass:
                steps += [*_units(each, given, place, before), (f"behind {each.name}", after)]
        return [*steps, ("output converter", int(taps.out[y, x, c]))]


def _apply(x: Array, registers: dict[str, Array | int]) -> Array:
    """One stage over a cube. Operands of every element: cube and operands as one row."""
    arrays = {name: value for name, value in registers.items() if isinstance(value, np.ndarray)}
    if any(value.shape[:2] != (1, 1) for value in arrays.values()):
        flat = {name: np.broadcast_to(value, x.shape).reshape(1, -1) for name, value in arrays.items()}
        return stage(sdp_x, x.reshape(1, -1), "int32", **{**registers, **flat}).reshape(x.shape)
    return stage(sdp_x, x, "int32", **{**registers, **{name: value[0, 0] for name, value in arrays.items()}})


def _units(each: Stage, registers: dict[str, Array | int], place: Shape, x: int) -> list[tuple[str, int]]:
    """Operands, and the value between ALU and multiplier."""
    alu, mul = (_at(registers[name], place) for name in ("alu_operand", "mul_operand"))
    get = each.settings
    steps = []
    if not get["alu_bypass"]:
        between = sdp_alu(x, alu, get["alu_shift"], get["alu_algorithm"])
        steps += [(f"{each.name} ALU operand", alu), (f"behind the ALU of {each.name}", between)]
    return steps if get["mul_bypass"] else [*steps, (f"{each.name} MUL operand", mul)]


def _at(operand: Array | int, place: Shape) -> int:
    if not isinstance(operand, np.ndarray):
        return operand
    c, y, x = place
    return int(operand[y if operand.shape[0] > 1 else 0, x if operand.shape[1] > 1 else 0, c])


def _operand(value: int | None) -> str:
    return "memory" if value is None else str(value)


class Unit(NamedTuple):
    """A stage's names: in the documentation, in SDP's registers, in SDP_RDMA's."""

    title: str
    stem: str
    dma: str


UNITS = Unit("X1", "BS", "BRDMA"), Unit("X2", "BN", "NRDMA")


def sdp(block: Block, rdma: Block | None, hardware: Hardware) -> Sdp:
    """Of the registers of SDP and, where it reads memory, SDP_RDMA. Raises UncoveredRegistersError."""
    shape = block["CHANNEL"] + 1, block["HEIGHT"] + 1, block["WIDTH"] + 1
    block.require(INT8, WINOGRAD=0, BATCH_NUMBER=0, PROC_PRECISION=0, OUT_PRECISION=0, EW_BYPASS=1)
    if rdma:
        rdma.require(INT8, WINOGRAD=0, BATCH_NUMBER=0, IN_PRECISION=0, PROC_PRECISION=0, OUT_PRECISION=0)
        rdma.require(DISAGREE, FLYING_MODE=block["FLYING_MODE"], **{name: block[name] for name in CUBE})
    source = destination = None
    if rdma and not block["FLYING_MODE"]:
        source = surfaces.surface(rdma, "SRC", shape, hardware, pack_1x1=True)
    if not block["OUTPUT_DST"]:
        destination = surfaces.surface(block, "DST", shape, hardware, pack_1x1=True)
    first, second = (_stage(block, rdma, unit, shape, hardware) for unit in UNITS)
    converter = block.signed("CVT_OFFSET"), block.signed("CVT_SCALE"), block["CVT_SHIFT"]
    return Sdp(shape, source, (first, second), *converter, destination)


def _stage(block: Block, rdma: Block | None, unit: Unit, shape: Shape, hardware: Hardware) -> Stage:
    """alu and mul are None where memory has them."""
    bypass = bool(block[f"{unit.stem}_BYPASS"])
    wanted = () if bypass else tuple(part for part in ("ALU", "MUL") if _from_memory(block, unit.stem, part))
    if not bypass:
        _check_stage(block, unit.stem)
    alu, mul = (None if part in wanted else block.signed(f"{unit.stem}_{part}_OPERAND") for part in ("ALU", "MUL"))
    operands = _operands(block, rdma, unit, wanted, shape, hardware) if wanted else None
    return Stage(unit.title, bypass, _settings(block, unit.stem), alu, mul, operands)


def _from_memory(block: Block, stem: str, part: str) -> bool:
    return not block[f"{stem}_{part}_BYPASS"] and bool(block[f"{stem}_{part}_SRC"])


def _settings(block: Block, stem: str) -> dict[str, int]:
    return {
        "alu_shift": block[f"{stem}_ALU_SHIFT_VALUE"],
        "alu_algorithm": block[f"{stem}_ALU_ALGO"],
        "alu_bypass": block[f"{stem}_ALU_BYPASS"],
        "mul_shift": block[f"{stem}_MUL_SHIFT_VALUE"],
        "mul_bypass": block[f"{stem}_MUL_BYPASS"],
        "prelu": block[f"{stem}_MUL_PRELU"],
        "relu_bypass": block[f"{stem}_RELU_BYPASS"],
    }


def _check_stage(block: Block, stem: str) -> None:
    if block[f"{stem}_MUL_SHIFT_VALUE"] >= SHIFTS:
        named = block.registers(f"{stem}_MUL_SHIFT_VALUE")
        raise UncoveredRegistersError(named, f"the shifter behind the multiplier takes 0 .. {SHIFTS - 1}")
    if block[f"{stem}_ALU_ALGO"] > SdpAlu.SUM and not block[f"{stem}_ALU_BYPASS"]:
        raise UncoveredRegistersError(block.registers(f"{stem}_ALU_ALGO"), "X1 and X2 have max, min and sum: 0, 1, 2")


def _operands(
    block: Block, rdma: Block | None, unit: Unit, wanted: tuple[str, ...], shape: Shape, hardware: Hardware
) -> Operands:
    """Raises UncoveredRegistersError where the read DMA does not deliver what the stage waits for."""
    sources = block.registers(*(f"{unit.stem}_{part}_SRC" for part in wanted))
    if rdma is None or rdma[f"{unit.dma}_DISABLE"]:
        named = sources | (rdma.registers(f"{unit.dma}_DISABLE") if rdma else {})
        raise UncoveredRegistersError(named, f"operands from memory need {unit.dma}, which is not enabled")
    uses = USES.get(rdma[f"{unit.dma}_DATA_USE"], ())
    if not set(wanted) <= set(uses):
        named = sources | rdma.registers(f"{unit.dma}_DATA_USE")
        raise UncoveredRegistersError(named, f"{unit.dma} must deliver operands for {' and '.join(wanted)}")
    element = (rdma[f"{unit.dma}_DATA_SIZE"] + 1) * len(uses)
    per_element = bool(rdma[f"{unit.dma}_DATA_MODE"])
    if per_element:
        where = surfaces.surface(rdma, unit.stem, shape, hardware, pack_1x1=True, element=element)
    else:
        step, base = hardware.atom * element, surfaces.address(rdma, unit.stem, hardware)
        where = Surface(shape[0], 1, 1, hardware.atom, step, step, base, element)
    return Operands(uses, where, per_element)

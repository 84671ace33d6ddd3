"""Layers as test data: their arrays, where they lie in memory, and the registers that say so, bit by bit."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from int8sim.formats.nvdla_commands import CheckCrc, MemLoad, RegWrite, Trace
from int8sim.formats.nvdla_packing import Surface, pack_feature, pack_weights

GARBAGE = 0xA5
"""What stands in memory before anything is written."""


def filled(channels: int, atom: int) -> int:
    """Channels with the padding lanes of the last atom."""
    return -(-channels // atom) * atom


@dataclass(frozen=True)
class Place:
    """Where a cube of [channels, height, width] lies; gaps: atoms between lines and between surfaces."""

    shape: tuple[int, int, int]
    base: int
    atom: int = 8
    gaps: tuple[int, int] = (0, 0)
    element: int = 1

    @property
    def line(self) -> int:
        return (self.shape[2] + self.gaps[0]) * self.atom * self.element

    @property
    def surface(self) -> int:
        return self.shape[1] * self.line + self.gaps[1] * self.atom * self.element

    @property
    def size(self) -> int:
        return -(-self.shape[0] // self.atom) * self.surface

    def at(self, c: int, y: int, x: int) -> int:
        inside = x * self.atom + c % self.atom
        return self.base + c // self.atom * self.surface + y * self.line + inside * self.element


@dataclass(frozen=True)
class Conv:
    """cube: int8 [C, H, W]; weights: int8 [K, C, R, S]; pads: top, left, bottom, right.

    converter: offset, scale, shift; atoms: C, K, memory.
    """

    cube: np.ndarray
    weights: np.ndarray
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    pad_register: int = 0
    converter: tuple[int, int, int] | None = None
    truncate: int = 0
    gaps: tuple[int, int] = (0, 0)
    atoms: tuple[int, int, int] = (8, 8, 8)
    base: int = 0x1000
    weight_base: int = 0x100000

    @property
    def output(self) -> tuple[int, int, int]:
        sizes = []
        for axis in (0, 1):
            window = (self.weights.shape[2 + axis] - 1) * self.dilations[axis] + 1
            reach = self.cube.shape[1 + axis] + self.pads[axis] + self.pads[axis + 2]
            sizes.append((reach - window) // self.strides[axis] + 1)
        return self.weights.shape[0], sizes[0], sizes[1]

    @property
    def place(self) -> Place:
        return Place(self.cube.shape, self.base, self.atoms[2], self.gaps)

    def memory(self) -> list[MemLoad]:
        surface = Surface(*self.cube.shape, self.atoms[2], self.place.line, self.place.surface)
        data = pack_feature(self.cube, surface)
        return [load(self.base, data), load(self.weight_base, pack_weights(self.weights, *self.atoms[:2]))]

    def registers(self) -> dict[str, dict[str, int]]:
        (c, h, w), (k, _, r, s), (_, rows, columns) = self.cube.shape, self.weights.shape, self.output
        offset, scale, truncate = self.converter or (0x1234, 0x567, 3)
        padding = {"D_ZERO_PADDING_VALUE": self.pad_register}
        stride = (self.strides[0] - 1) << 16 | (self.strides[1] - 1)
        bytes_ = len(pack_weights(self.weights, *self.atoms[:2]))
        out = {"D_DATAOUT_SIZE_0": (rows - 1) << 16 | (columns - 1), "D_DATAOUT_SIZE_1": k - 1}
        cdma = {
            "D_MISC_CFG": 0,
            "D_DATAIN_FORMAT": 0x110000,
            "D_DATAIN_SIZE_0": (h - 1) << 16 | (w - 1),
            "D_DATAIN_SIZE_1": c - 1,
            "D_DAIN_ADDR_LOW_0": self.base,
            "D_LINE_STRIDE": self.place.line,
            "D_SURF_STRIDE": self.place.surface,
            "D_WEIGHT_SIZE_0": c * r * s - 1,
            "D_WEIGHT_SIZE_1": k - 1,
            "D_WEIGHT_ADDR_LOW": self.weight_base,
            "D_WEIGHT_BYTES": bytes_,
            "D_CVT_CFG": int(self.converter is not None) | truncate << 4,
            "D_CVT_OFFSET": offset & 0xFFFF,
            "D_CVT_SCALE": scale & 0xFFFF,
            "D_CONV_STRIDE": stride,
            **padding,
        }
        csc = {
            "D_MISC_CFG": 0,
            "D_DATAIN_SIZE_EXT_0": (h - 1) << 16 | (w - 1),
            "D_DATAIN_SIZE_EXT_1": c - 1,
            "D_WEIGHT_SIZE_EXT_0": (r - 1) << 16 | (s - 1),
            "D_WEIGHT_SIZE_EXT_1": (k - 1) << 16 | (c - 1),
            "D_WEIGHT_BYTES": bytes_,
            "D_ATOMICS": rows * columns - 1,
            "D_CONV_STRIDE_EXT": stride,
            "D_DILATION_EXT": (self.dilations[0] - 1) << 16 | (self.dilations[1] - 1),
            "D_ZERO_PADDING": self.pads[0] << 16 | self.pads[1],
            **padding,
            **out,
        }
        mac = {"D_MISC_CFG": 0}
        cacc = {"D_MISC_CFG": 0, "D_CLIP_CFG": self.truncate, **out}
        return {"CDMA": cdma, "CSC": csc, "CMAC_A": mac, "CMAC_B": mac, "CACC": cacc}


@dataclass(frozen=True)
class Stage:
    """X1 or X2. alu, mul: a number, or an array [C or its padding lanes too, 1 or H, 1 or W] that lies in memory."""

    alu: int | np.ndarray | None = None
    algorithm: int = 2
    alu_shift: int = 0
    mul: int | np.ndarray | None = None
    mul_shift: int = 0
    prelu: bool = False
    relu: bool = False
    element: int = 1
    gaps: tuple[int, int] = (0, 0)
    base: int = 0x200000

    @property
    def in_memory(self) -> list[np.ndarray]:
        return [each for each in (self.alu, self.mul) if isinstance(each, np.ndarray)]

    def place(self, atom: int) -> Place:
        return Place(self.in_memory[0].shape, self.base, atom, self.gaps, self.element * len(self.in_memory))

    def memory(self, atom: int) -> list[MemLoad]:
        """ALU's operand before MUL's, each `element` bytes."""
        if not self.in_memory:
            return []
        where = self.place(atom)
        data = bytearray([GARBAGE]) * where.size
        for place in np.ndindex(where.shape):
            values = b"".join(int(each[place]).to_bytes(self.element, "little", signed=True) for each in self.in_memory)
            start = where.at(*place) - where.base
            data[start : start + where.element] = values
        return [load(self.base, bytes(data))]

    def registers(self, name: str) -> dict[str, int]:
        flags = 0, self.alu is None, self.algorithm, self.mul is None, self.prelu, not self.relu
        config = sum(int(flag) << bit for flag, bit in zip(flags, (0, 1, 2, 4, 5, 6), strict=True))
        parts = {}
        for part, operand, shift in (("ALU", self.alu, self.alu_shift), ("MUL", self.mul, self.mul_shift)):
            from_memory = isinstance(operand, np.ndarray)
            parts[f"D_DP_{name}_{part}_CFG"] = int(from_memory) | shift << 8
            parts[f"D_DP_{name}_{part}_SRC_VALUE"] = 0x4321 if from_memory or operand is None else operand & 0xFFFF
        return {f"D_DP_{name}_CFG": config, **parts}

    def dma(self, name: str, dma: str, atom: int) -> dict[str, int]:
        if not self.in_memory:
            return {f"D_{dma}_CFG": 1}
        use = 2 if len(self.in_memory) == 2 else int(isinstance(self.alu, np.ndarray))
        where = self.place(atom)
        per_element = where.shape[1:] != (1, 1) or where.gaps != (0, 0)
        return {
            f"D_{dma}_CFG": use << 1 | (self.element - 1) << 3 | int(per_element) << 4,
            f"D_{name}_BASE_ADDR_LOW": self.base,
            f"D_{name}_LINE_STRIDE": where.line,
            f"D_{name}_SURFACE_STRIDE": where.surface,
        }


@dataclass(frozen=True)
class Sdp:
    """cube: int8 [C with the padding lanes, H, W] in memory, or None behind a convolution. shape: (C, H, W)."""

    shape: tuple[int, int, int]
    cube: np.ndarray | None = None
    x1: Stage | None = None
    x2: Stage | None = None
    offset: int = 0
    scale: int = 1
    shift: int = 0
    atom: int = 8
    gaps: tuple[int, int] = (0, 0)
    source_gaps: tuple[int, int] = (0, 0)
    base: int = 0x300000
    source_base: int = 0x2000
    to_pdp: bool = False

    @property
    def place(self) -> Place:
        return Place(self.shape, self.base, self.atom, self.gaps)

    @property
    def source(self) -> Place:
        return Place(self.shape, self.source_base, self.atom, self.source_gaps)

    def memory(self) -> list[MemLoad]:
        loads = [each for stage in (self.x1, self.x2) if stage for each in stage.memory(self.atom)]
        return loads if self.cube is None else [*loads, load_cube(self.source, self.cube)]

    def registers(self) -> dict[str, dict[str, int]]:
        c, h, w = self.shape
        cube = {"D_DATA_CUBE_CHANNEL": c - 1, "D_DATA_CUBE_HEIGHT": h - 1, "D_DATA_CUBE_WIDTH": w - 1}
        flying = int(self.cube is None)
        sdp = {
            **cube,
            **(self.x1.registers("BS") if self.x1 else {"D_DP_BS_CFG": 0x2B}),
            **(self.x2.registers("BN") if self.x2 else {"D_DP_BN_CFG": 0x41}),
            "D_DP_EW_CFG": 1,
            "D_FEATURE_MODE_CFG": flying | int(self.to_pdp) << 1 | 8,
            "D_DATA_FORMAT": 0,
            "D_DST_BASE_ADDR_LOW": self.base,
            "D_DST_LINE_STRIDE": self.place.line,
            "D_DST_SURFACE_STRIDE": self.place.surface,
            "D_CVT_OFFSET": self.offset & 0xFFFFFFFF,
            "D_CVT_SCALE": self.scale & 0xFFFF,
            "D_CVT_SHIFT": self.shift,
        }
        if flying and not any(stage and stage.in_memory for stage in (self.x1, self.x2)):
            return {"SDP": sdp}
        rdma = {
            **cube,
            "D_FEATURE_MODE_CFG": flying,
            **(self.x1 or Stage()).dma("BS", "BRDMA", self.atom),
            **(self.x2 or Stage()).dma("BN", "NRDMA", self.atom),
            "D_SRC_BASE_ADDR_LOW": self.source.base,
            "D_SRC_LINE_STRIDE": self.source.line,
            "D_SRC_SURFACE_STRIDE": self.source.surface,
        }
        return {"SDP": sdp, "SDP_RDMA": rdma}


@dataclass(frozen=True)
class Pool:
    """cube as of `Sdp`, or None behind SDP. method: 0 average, 1 max, 2 min. pads: top, left, bottom, right.

    padding: what 1 .. 7 missing cells count as; reciprocals: of height and width.
    """

    shape: tuple[int, int, int]
    method: int
    kernel: tuple[int, int]
    cube: np.ndarray | None = None
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    padding: tuple[int, ...] = (0,) * 7
    reciprocals: tuple[int, int] = (0x10000, 0x10000)
    atom: int = 8
    gaps: tuple[int, int] = (0, 0)
    source_gaps: tuple[int, int] = (0, 0)
    base: int = 0x400000
    source_base: int = 0x3000

    @property
    def output(self) -> tuple[int, int, int]:
        sizes = [
            (self.shape[1 + axis] + self.pads[axis] + self.pads[axis + 2] - self.kernel[axis]) // self.strides[axis] + 1
            for axis in (0, 1)
        ]
        return self.shape[0], sizes[0], sizes[1]

    @property
    def place(self) -> Place:
        return Place(self.output, self.base, self.atom, self.gaps)

    @property
    def source(self) -> Place:
        return Place(self.shape, self.source_base, self.atom, self.source_gaps)

    def memory(self) -> list[MemLoad]:
        return [] if self.cube is None else [load_cube(self.source, self.cube)]

    def registers(self) -> dict[str, dict[str, int]]:
        (c, h, w), (_, rows, columns) = self.shape, self.output
        alone = self.cube is not None
        top, left, bottom, right = self.pads
        cube = {"D_DATA_CUBE_IN_CHANNEL": c - 1, "D_DATA_CUBE_IN_HEIGHT": h - 1, "D_DATA_CUBE_IN_WIDTH": w - 1}
        kernel = (self.kernel[0] - 1) << 8 | (self.kernel[1] - 1)
        pdp = {
            **cube,
            "D_DATA_CUBE_OUT_CHANNEL": c - 1,
            "D_DATA_CUBE_OUT_HEIGHT": rows - 1,
            "D_DATA_CUBE_OUT_WIDTH": columns - 1,
            "D_OPERATION_MODE_CFG": self.method | int(alone) << 4,
            "D_POOLING_KERNEL_CFG": kernel | (self.strides[1] - 1) << 16 | (self.strides[0] - 1) << 20,
            "D_RECIP_KERNEL_WIDTH": self.reciprocals[1],
            "D_RECIP_KERNEL_HEIGHT": self.reciprocals[0],
            "D_POOLING_PADDING_CFG": left | top << 4 | right << 8 | bottom << 12,
            **{f"D_POOLING_PADDING_VALUE_{k}_CFG": v & 0x7FFFF for k, v in enumerate(self.padding, 1)},
            "D_DST_BASE_ADDR_LOW": self.base,
            "D_DST_LINE_STRIDE": self.place.line,
            "D_DST_SURFACE_STRIDE": self.place.surface,
        }
        rdma = {
            **cube,
            "D_FLYING_MODE": 1,
            "D_SRC_BASE_ADDR_LOW": self.source.base,
            "D_SRC_LINE_STRIDE": self.source.line,
            "D_SRC_SURFACE_STRIDE": self.source.surface,
        }
        return {"PDP": pdp, **({"PDP_RDMA": rdma} if alone else {})}


def load(address: int, data: bytes) -> MemLoad:
    return MemLoad("pri_mem", address, "t.dat", ((0, data),))


def load_cube(where: Place, cube: np.ndarray) -> MemLoad:
    """A cube with its padding lanes, garbage in the gaps."""
    data = bytearray([GARBAGE]) * where.size
    for place in np.ndindex(cube.shape):
        data[where.at(*place) - where.base] = int(cube[place]) & 0xFF
    return load(where.base, bytes(data))


def writes(layers, changes: dict[str, int | None] | None = None, group: int = 0) -> list[RegWrite]:
    """All registers of the layers of one pipeline, then their enables, last block first.

    changes: other values, {"CDMA.D_MISC_CFG": 0x1100}; None: not written.
    """
    blocks: dict[str, dict[str, int | None]] = {}
    for layer in layers:
        blocks |= {block: dict(registers) for block, registers in layer.registers().items()}
    for name, value in (changes or {}).items():
        block, _, register = name.partition(".")
        blocks.setdefault(block, {})[register] = value
    registers = [
        RegWrite(f"NVDLA_{block}", name, value)
        for block, values in blocks.items()
        for name, value in [("S_POINTER", group), *values.items()]
        if value is not None
    ]
    return [*registers, *(RegWrite(f"NVDLA_{block}", "D_OP_ENABLE", 1) for block in reversed(blocks))]


def trace(*layers, changes: dict[str, int | None] | None = None) -> Trace:
    """One pipeline; the window is the last layer's output, which holds garbage before."""
    place = layers[-1].place
    loads = [load(place.base, bytes([GARBAGE]) * place.size)]
    loads += [each for layer in layers for each in layer.memory()]
    check = CheckCrc("sync_id_0", "pri_mem", place.base, place.size, 0)
    return Trace("synthetic", (*loads, *writes(layers, changes), check))


def with_golden(source: Trace, crc: int) -> Trace:
    """With the CRC that the window must have."""
    *commands, check = source.commands
    return Trace(source.source, (*commands, replace(check, crc=crc)))

"""CDMA, CSC, CMAC and CACC: a direct convolution of int8 features, from registers to the 32 bits that SDP takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from int8sim.formats.nvdla_packing import Surface, unpack_weights
from int8sim.kernels.cpu.nvdla_stage import stage
from int8sim.model.errors import UncoveredRegistersError
from int8sim.model.step import Array
from int8sim.nvdla_trace import surfaces
from int8sim.nvdla_trace.hardware import Hardware
from int8sim.nvdla_trace.memory import Memory
from int8sim.nvdla_trace.registers import Block
from int8sim.spec.nvdla import cacc_clip, cdma_convert, padding_value

BLOCKS = ("NVDLA_CDMA", "NVDLA_CSC", "NVDLA_CMAC_A", "NVDLA_CMAC_B", "NVDLA_CACC")
DIRECT = "the player convolves int8 features directly, uncompressed, one batch, data and weights read anew"
DISAGREE = "blocks of one convolution must agree, or the hardware stalls"


@dataclass(frozen=True)
class Convolution:
    """source: the input's surface; kernel: [K, C, R, S]; strides, dilations: (y, x); pads: (top, left).

    converter: CDMA's (offset, scale, truncate), or None where it is off. output: (height, width).
    """

    source: Surface
    weights: int
    kernel: tuple[int, int, int, int]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    pads: tuple[int, int]
    pad_value: int
    converter: tuple[int, int, int] | None
    output: tuple[int, int]
    truncate: int
    hardware: Hardware

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns that the windows cover, padding and all."""
        last = [(n - 1) * step for n, step in zip(self.output, self.strides, strict=True)]
        kernel = [(n - 1) * step for n, step in zip(self.kernel[2:], self.dilations, strict=True)]
        return last[0] + kernel[0] + 1, last[1] + kernel[1] + 1

    def run(self, memory: Memory) -> tuple[Array, Array]:
        """CACC's sums and what it hands to SDP, int64 and int32 [H, W, K], K filled up to whole atoms with 0."""
        cube = surfaces.read_cube(memory, self.source)[:, :, : self.source.channels]
        if self.converter:
            offset, scale, truncate = self.converter
            cube = stage(cdma_convert, cube, "int8", offset=offset, scale=scale, truncate=truncate)
        data = memory.read(self.weights, prod(self.kernel)).tobytes()
        weights = unpack_weights(data, self.kernel, self.hardware.atom_c, self.hardware.atom_k)
        sums = self._sums(cube, weights)
        sums = np.pad(sums, ((0, 0), (0, 0), (0, -self.kernel[0] % self.hardware.atom)))
        return sums, stage(cacc_clip, sums, "int32", truncate=self.truncate)

    def _sums(self, cube: Array, weights: Array) -> Array:
        """Exact sums, int64 [H, W, K], in float64.

        No order of accumulation saturates CACC's 34 bits: a kernel has at most 2**18 bytes, so |sum| <= 2**32.
        """
        height, width = self.output
        padded = self._padded(cube)
        taps = weights.astype(np.float64).transpose(2, 3, 1, 0)
        sums = np.zeros((height, width, self.kernel[0]))
        for r in range(self.kernel[2]):
            for s in range(self.kernel[3]):
                y, x = r * self.dilations[0], s * self.dilations[1]
                rows = padded[y : y + height * self.strides[0] : self.strides[0]]
                sums += rows[:height, x : x + width * self.strides[1] : self.strides[1]][:, :width] @ taps[r, s]
        return sums.astype(np.int64)

    def _padded(self, cube: Array) -> Array:
        """The input within all that the windows reach, float64 [rows, columns, C]."""
        out = np.full((*self.reach, cube.shape[2]), float(self.pad_value))
        inside = cube[: max(out.shape[0] - self.pads[0], 0), : max(out.shape[1] - self.pads[1], 0)]
        out[self.pads[0] :, self.pads[1] :][: inside.shape[0], : inside.shape[1]] = inside
        return out

    def rows(self) -> list[tuple[str, str]]:
        """What the registers say, in words."""
        k, c, r, s = self.kernel
        source = self.source
        converter = "(x - {}) * {} >> {}".format(*self.converter) if self.converter else "off"
        return [
            ("input, width x height x channels", f"{source.width} x {source.height} x {c} at {source.base:#x}"),
            ("input converter", converter),
            ("kernel, width x height, kernels", f"{s} x {r}, {k} at {self.weights:#x}"),
            ("stride, dilation (x, y)", f"{self.strides[::-1]}, {self.dilations[::-1]}"),
            ("padding left, top; value", f"{self.pads[1]}, {self.pads[0]}; {self.pad_value}"),
            ("accumulator truncate", str(self.truncate)),
        ]

    def chain(self, sums: Array, c: int, y: int, x: int) -> list[tuple[str, int]]:
        """What one output of the array went through."""
        total = int(sums[y, x, c])
        return [("accumulator", total), ("truncated", cacc_clip(total, self.truncate))]


def convolution(blocks: dict[str, Block], hardware: Hardware) -> Convolution:
    """Of the registers of the five blocks. Raises UncoveredRegistersError."""
    cdma, csc, cacc = blocks["NVDLA_CDMA"], blocks["NVDLA_CSC"], blocks["NVDLA_CACC"]
    _check_modes(blocks)
    _check_sizes(cdma, csc, cacc)
    found = Convolution(
        source=_source(cdma, hardware),
        weights=surfaces.address(cdma, "WEIGHT", hardware),
        kernel=_kernel(csc),
        strides=(csc["CONV_Y_STRIDE"] + 1, csc["CONV_X_STRIDE"] + 1),
        dilations=(csc["Y_DILATION"] + 1, csc["X_DILATION"] + 1),
        pads=(csc["PAD_TOP"], csc["PAD_LEFT"]),
        pad_value=padding_value(csc["PAD_VALUE"]),
        converter=_converter(cdma),
        output=(csc["DATAOUT_HEIGHT"] + 1, csc["DATAOUT_WIDTH"] + 1),
        truncate=cacc["CLIP_TRUNCATE"],
        hardware=hardware,
    )
    surfaces.limited(csc, ("WEIGHT_KERNEL", "WEIGHT_WIDTH"), prod(found.kernel))
    surfaces.limited(csc, ("DATAOUT_WIDTH", "DATAOUT_CHANNEL"), prod(found.output) * found.kernel[0])
    surfaces.limited(csc, ("DATAOUT_WIDTH", "CONV_X_STRIDE", "X_DILATION"), prod(found.reach) * found.kernel[1])
    return found


def _source(cdma: Block, hardware: Hardware) -> Surface:
    shape = cdma["DATAIN_CHANNEL"] + 1, cdma["DATAIN_HEIGHT"] + 1, cdma["DATAIN_WIDTH"] + 1
    source = surfaces.surface(cdma, "DATAIN", shape, hardware, pack_1x1=bool(cdma["SURF_PACKED"]))
    if cdma["LINE_PACKED"] and source.height > 1 and source.line_stride != source.line_bytes:
        named = cdma.registers("LINE_PACKED", "DATAIN_LINE_STRIDE")
        raise UncoveredRegistersError(named, f"packed lines need the stride {source.line_bytes:#x}")
    return source


def _kernel(csc: Block) -> tuple[int, int, int, int]:
    names = "WEIGHT_KERNEL", "WEIGHT_CHANNEL", "WEIGHT_HEIGHT", "WEIGHT_WIDTH"
    k, c, r, s = (csc[name] + 1 for name in names)
    return k, c, r, s


def _converter(cdma: Block) -> tuple[int, int, int] | None:
    """Features are signed and have no mean: that path is the pixels'."""
    if not cdma["CVT_EN"]:
        return None
    return cdma.signed("CVT_OFFSET"), cdma.signed("CVT_SCALE"), cdma["CVT_TRUNCATE"]


def _check_modes(blocks: dict[str, Block]) -> None:
    for name in BLOCKS:
        blocks[name].require(DIRECT, CONV_MODE=0, PROC_PRECISION=0)
    for name in ("NVDLA_CDMA", "NVDLA_CSC"):
        blocks[name].require(DIRECT, IN_PRECISION=0, DATA_REUSE=0, WEIGHT_REUSE=0, DATAIN_FORMAT=0, WEIGHT_FORMAT=0)
    for name in ("NVDLA_CDMA", "NVDLA_CSC", "NVDLA_CACC"):
        blocks[name].require(DIRECT, BATCHES=0)
    blocks["NVDLA_CSC"].require(DIRECT, Y_EXTENSION=0)


def _check_sizes(cdma: Block, csc: Block, cacc: Block) -> None:
    k, c, r, s = _kernel(csc)
    csc.require(DISAGREE, **{name: cdma[name] for name in ("DATAIN_WIDTH", "DATAIN_HEIGHT", "DATAIN_CHANNEL")})
    csc.require(DISAGREE, WEIGHT_CHANNEL=csc["DATAIN_CHANNEL"], DATAOUT_CHANNEL=k - 1)
    csc.require(DISAGREE, ATOMICS=(csc["DATAOUT_WIDTH"] + 1) * (csc["DATAOUT_HEIGHT"] + 1) - 1)
    cacc.require(DISAGREE, **{name: csc[name] for name in ("DATAOUT_WIDTH", "DATAOUT_HEIGHT", "DATAOUT_CHANNEL")})
    cdma.require(DISAGREE, WEIGHT_KERNEL=k - 1, BYTE_PER_KERNEL=c * r * s - 1)
    for block in (cdma, csc):
        if block["WEIGHT_BYTES"] < k * c * r * s:
            raise UncoveredRegistersError(block.registers("WEIGHT_BYTES"), f"{k * c * r * s} bytes of weights are used")

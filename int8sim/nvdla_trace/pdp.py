"""PDP: pooling of a whole cube at once, from memory or behind SDP."""

from __future__ import annotations

from dataclasses import dataclass

from int8sim.formats.nvdla_packing import Surface
from int8sim.kernels.cpu.nvdla_pool import pool
from int8sim.model.errors import UncoveredRegistersError
from int8sim.model.step import Array
from int8sim.nvdla_trace import surfaces
from int8sim.nvdla_trace.hardware import Hardware
from int8sim.nvdla_trace.memory import Memory
from int8sim.nvdla_trace.registers import Block
from int8sim.nvdla_trace.surfaces import Shape
from int8sim.spec.nvdla import PdpMethod, pdp_spans, pdp_total

INT8 = "the player pools int8 cubes of their whole width: no split, no 16 bits"
DISAGREE = "blocks of one operation must agree, or the hardware stalls"
LARGEST = 8
"""Width and height of a kernel."""


@dataclass(frozen=True)
class Pdp:
    """source: the input's surface, None behind SDP. shape: the input's (C, H, W).

    kernel, strides, reciprocals: (height, width); pads: top, left, bottom, right; padding: what 0 .. 7 missing cells of
    a row or column count as.
    """

    shape: Shape
    source: Surface | None
    method: PdpMethod
    kernel: tuple[int, int]
    strides: tuple[int, int]
    pads: tuple[int, int, int, int]
    padding: tuple[int, ...]
    reciprocals: tuple[int, int]
    destination: Surface

    def run(self, memory: Memory, behind: Array | None) -> tuple[Array, Array]:
        """Input and output, int8 [H, W, C] with the padding lanes. behind: what SDP hands on."""
        cube = surfaces.read_cube(memory, self.source) if self.source else behind
        assert cube is not None
        out = pool(cube, self.method, self.kernel, self.strides, self.pads, self.padding, self.reciprocals)
        surfaces.write_cube(memory, self.destination, out)
        return cube, out

    def rows(self) -> list[tuple[str, str]]:
        """What the registers say, in words."""
        channels, height, width = self.shape
        source = f"{width} x {height} x {channels} at {self.source.base:#x}" if self.source else "from SDP"
        top, left, bottom, right = self.pads
        rows = [
            ("PDP input", source),
            ("pooling", self.method.name.lower()),
            ("kernel, stride (x, y)", f"{self.kernel[::-1]}, {self.strides[::-1]}"),
            ("padding left, top, right, bottom", f"{left}, {top}, {right}, {bottom}"),
        ]
        if self.method == PdpMethod.AVERAGE:
            rows.append(("padding worth 1 .. 7 cells", ", ".join(map(str, self.padding[1:]))))
            rows.append(("reciprocals of width, height", f"{self.reciprocals[1]:#x}, {self.reciprocals[0]:#x}"))
        shape = self.destination
        return [*rows, ("PDP output", f"{shape.width} x {shape.height} x {shape.channels} at {shape.base:#x}")]

    def windows(self) -> tuple[list[range], list[range]]:
        """The cells inside the cube of every window, by row and by column."""
        _, height, width = self.shape
        top, left, bottom, right = self.pads
        tall = pdp_spans(height, self.kernel[0], self.strides[0], top, bottom)
        return tall, pdp_spans(width, self.kernel[1], self.strides[1], left, right)

    def chain(self, cube: Array, out: Array, place: Shape) -> list[tuple[str, int]]:
        """What one output, (c, y, x), is made of."""
        c, y, x = place
        tall, wide = self.windows()
        cells = [[int(cube[row, column, c]) for column in wide[x]] for row in tall[y]]
        steps = [
            (f"input c={c}, y={row}, x={column}", value)
            for row, values in zip(tall[y], cells, strict=True)
            for column, value in zip(wide[x], values, strict=True)
        ]
        if self.method == PdpMethod.AVERAGE:
            steps.append(("sum with padding", pdp_total(cells, self.kernel, self.padding)))
        return [*steps, ("PDP output", int(out[y, x, c]))]


def pdp(block: Block, rdma: Block | None, behind: Shape | None, hardware: Hardware) -> Pdp:
    """Of the registers of PDP and PDP_RDMA. behind: the cube that SDP hands on. Raises UncoveredRegistersError."""
    block.require(INT8, INPUT_DATA=0, SPLIT_NUM=0)
    shape = block["IN_CHANNEL"] + 1, block["IN_HEIGHT"] + 1, block["IN_WIDTH"] + 1
    block.require(DISAGREE, FLYING_MODE=0 if behind else 1, OUT_CHANNEL=shape[0] - 1)
    if behind and behind != shape:
        named = block.registers("IN_CHANNEL", "IN_HEIGHT", "IN_WIDTH")
        raise UncoveredRegistersError(named, f"SDP hands on {behind[2]} x {behind[1]} x {behind[0]}; {DISAGREE}")
    out = shape[0], block["OUT_HEIGHT"] + 1, block["OUT_WIDTH"] + 1
    found = Pdp(
        shape=shape,
        source=None if behind else _source(block, rdma, shape, hardware),
        method=_method(block),
        kernel=(block["KERNEL_HEIGHT"] + 1, block["KERNEL_WIDTH"] + 1),
        strides=(block["KERNEL_STRIDE_HEIGHT"] + 1, block["KERNEL_STRIDE_WIDTH"] + 1),
        pads=(block["PAD_TOP"], block["PAD_LEFT"], block["PAD_BOTTOM"], block["PAD_RIGHT"]),
        padding=(0, *(block.signed(f"PAD_VALUE_{k}X") for k in range(1, 8))),
        reciprocals=(block["RECIP_KERNEL_HEIGHT"], block["RECIP_KERNEL_WIDTH"]),
        destination=surfaces.surface(block, "DST", out, hardware, pack_1x1=False),
    )
    _check_windows(block, found)
    _check_line_buffer(block, found, hardware)
    return found


def _source(block: Block, rdma: Block | None, shape: Shape, hardware: Hardware) -> Surface:
    if rdma is None:
        raise UncoveredRegistersError(block.registers("FLYING_MODE"), "PDP reads memory, and PDP_RDMA is not enabled")
    rdma.require(INT8, INPUT_DATA=0, SPLIT_NUM=0)
    rdma.require(DISAGREE, FLYING_MODE=1, **{name: block[name] for name in ("IN_WIDTH", "IN_HEIGHT", "IN_CHANNEL")})
    return surfaces.surface(rdma, "SRC", shape, hardware, pack_1x1=False)


def _method(block: Block) -> PdpMethod:
    if block["POOLING_METHOD"] > PdpMethod.MIN:
        raise UncoveredRegistersError(block.registers("POOLING_METHOD"), "methods are average, max and min: 0, 1, 2")
    return PdpMethod(block["POOLING_METHOD"])


def _check_windows(block: Block, found: Pdp) -> None:
    """As many windows as the output has, each with a cell of the input, none of more than 8 x 8."""
    if max(found.kernel) > LARGEST:
        named = block.registers("KERNEL_WIDTH", "KERNEL_HEIGHT")
        raise UncoveredRegistersError(named, f"a kernel has at most {LARGEST} rows and columns")
    tall, wide = found.windows()
    size = found.destination.height, found.destination.width
    if (len(tall), len(wide)) != size or not all([*tall, *wide]):
        named = block.registers("IN_WIDTH", "IN_HEIGHT", "KERNEL_WIDTH", "PAD_LEFT", "OUT_WIDTH", "OUT_HEIGHT")
        reason = f"these make {len(wide)} x {len(tall)} windows, each of which needs a cell of the input"
        raise UncoveredRegistersError(named, reason)


def _check_line_buffer(block: Block, found: Pdp, hardware: Hardware) -> None:
    """Eight buffers, which rows of output under way share out among them. Source: NV_NVDLA_PDP_CORE_cal2d.v."""
    rows = _rows_under_way(found.kernel[0], found.strides[0])
    limit = hardware.line_buffer * {1: 8, 2: 4, 3: 2, 4: 2}.get(rows, 1)
    if hardware.line_buffer and found.destination.width > limit:
        named = block.registers("OUT_WIDTH", "KERNEL_HEIGHT")
        reason = f"{hardware.name}'s line buffer holds {limit} columns of such windows; wider output must be split"
        raise UncoveredRegistersError(named, reason)


def _rows_under_way(kernel: int, stride: int) -> int:
    if stride >= kernel:
        return 1
    return -(-kernel // stride) if stride <= 3 else 2

"""Writes NVDLA loadables, for the tests that read them: FlatBuffers front to back, structs as the headers declare them.

Nothing of int8sim is used. A value is (kind, what): a struct format with a number, "struct" and "bytes" with bytes,
"text" with a string, "numbers" with (format, list), "tables" with a list of dicts slot -> value, "texts" with strings.
"""

from __future__ import annotations

import ctypes
import struct
from dataclasses import dataclass, field

BY_REFERENCE = {"text", "bytes", "numbers", "tables", "texts"}


class Struct(ctypes.LittleEndianStructure):
    """Packed, as the firmware's headers say."""

    _pack_ = 1
    _layout_ = "ms"


u8, s8, u16, s16, u32, s32, s64 = (
    ctypes.c_uint8,
    ctypes.c_int8,
    ctypes.c_uint16,
    ctypes.c_int16,
    ctypes.c_uint32,
    ctypes.c_int32,
    ctypes.c_int64,
)


class Network(Struct):
    _fields_ = [
        *[(name, s16) for name in ("ops", "surfaces", "deps", "luts", "rois", "surface", "stats", "reserved1")],
        ("heads", s16 * 6),
        *[(name, u16) for name in ("num_rois", "num_operations", "num_luts", "num_addresses")],
        ("input_layer", s16),
        ("dynamic_roi", u8),
        ("reserved0", u8),
    ]


class Consumer(Struct):
    _fields_ = [("index", s16), ("event", u8), ("res", u8)]


class Common(Struct):
    _fields_ = [
        ("index", s16),
        ("roi", s8),
        ("type", u8),
        ("dependencies", u8),
        ("reserved", u8 * 3),
        ("consumers", Consumer * 6),
        ("fused", Consumer),
    ]


class Converter(Struct):
    _fields_ = [("scale", s16), ("truncate", u8), ("enable", u8), ("offset", s32)]


class Cube(Struct):
    _fields_ = [
        ("type", u16),
        ("address", s16),
        ("offset", u32),
        ("size", u32),
        ("width", u16),
        ("height", u16),
        ("channel", u16),
        ("reserved", u16),
        ("line", u32),
        ("surf", u32),
        ("plane", u32),
    ]


class Convolution(Struct):
    _fields_ = [
        *[(name, u8) for name in ("conv_mode", "data_reuse", "weight_reuse", "skip_data", "skip_weight", "reserved0")],
        ("entry_per_slice", u16),
        ("data_format", u8),
        ("pixel_mapping", u8),
        ("fetch_grain", u16),
        ("reserved_b", u8 * 8),
        *[(name, u8) for name in ("batch", "weight_format", "data_bank", "weight_bank")],
        ("batch_stride", u32),
        ("post_extension", u8),
        ("pixel_override", u8),
        ("release", u16),
        *[(name, u16) for name in ("in_w", "in_h", "in_c", "kernel_w", "kernel_h", "kernel_c", "mac_w", "mac_h")],
        ("bytes_per_kernel", u32),
        ("mean", s16 * 4),
        *[(name, u8) for name in ("mean_format", "stride_x", "stride_y", "left", "right", "top", "bottom")],
        ("dilation_x", u8),
        ("dilation_y", u8),
        ("reserved2", u8 * 2),
        *[(name, u8) for name in ("pra_truncate", "in_precision", "out_precision")],
        ("pad_val", s16),
        ("in_cvt", Converter),
        ("out_cvt", Converter),
    ]


class ConvolutionSurfaces(Struct):
    _fields_ = [*[(name, Cube) for name in ("weight", "wmb", "wgs", "src", "dst")], ("offset_u", s64), ("uv", u32)]


class Stage(Struct):
    _fields_ = [
        *[(name, u8) for name in ("enable", "alu", "type", "mode", "act", "shift", "truncate", "precision")],
        ("alu_operand", s32),
        ("mul_operand", s32),
        ("alu_cvt", Converter),
        ("mul_cvt", Converter),
    ]


class Sdp(Struct):
    _fields_ = [
        ("src_precision", u8),
        ("dst_precision", u8),
        ("lut", s16),
        ("out_cvt", Converter),
        ("conv_mode", u8),
        ("batch", u8),
        ("reserved", u16),
        ("batch_stride", u32),
        ("x1", Stage),
        ("x2", Stage),
        ("y", Stage),
    ]


class SdpSurfaces(Struct):
    _fields_ = [(name, Cube) for name in ("src", "x1", "x2", "y", "dst")]


class Pdp(Struct):
    _fields_ = [
        ("widths", u16 * 6),
        *[(name, u8) for name in ("split", "mode", "width", "height", "stride_x", "stride_y")],
        *[(name, u8) for name in ("left", "right", "top", "bottom", "precision", "reserved")],
        ("padding", s32 * 7),
    ]


class TwoSurfaces(Struct):
    _fields_ = [("src", Cube), ("dst", Cube)]


@dataclass
class Op:
    """One operation: its type, its struct, its surfaces' struct, the index of the one that it is fused with."""

    type: int
    desc: Struct
    surfaces: Struct
    fused: int = -1

    def common(self, index):
        return bytes(Common(index=index, type=self.type, fused=Consumer(index=self.fused, event=2)))


@dataclass
class File:
    """A loadable as its parts; `content` puts them together. blobs: name -> bytes; their addresses are 1, 2, ..."""

    ops: list[Op]
    blobs: dict[str, bytes] = field(default_factory=dict)
    emulated: list[bytes] = field(default_factory=list)
    version: tuple[int, int, int] = (0, 7, 0)
    firmware: tuple[int, int, int] = (0, 12, 3)
    identifier: bytes = b"NVDA"
    interface: int = 1
    activations: int = 1

    def content(self):
        """The file. Address i of every task is memory i: 0 empty, then the blobs, empty ones, the tasks' own."""
        lists = [b"".join(op.common(i) for i, op in enumerate(self.ops))]
        lists += [b"".join(bytes(op.desc).ljust(116, b"\0") for op in self.ops)]
        lists += [b"".join(bytes(op.surfaces).ljust(644, b"\0") for op in self.ops)]
        free = 1 + len(self.blobs) + self.activations
        network = Network(ops=free + 2, surfaces=free + 3, deps=free + 1, num_operations=len(self.ops))
        parts = [("task-0-addr0", bytes(network))]
        parts += list(zip(("task-0-dep_graph", "task-0-op_list", "task-0-surf_list"), lists, strict=True))
        emulator = struct.pack("<hhH", free + 5, 0, len(self.emulated)).ljust(256, b"\0")
        parts += [("task-1-addr0", emulator), ("task-1-op_list", b"".join(self.emulated))]
        memories = [None, *self.blobs.items(), *[None] * self.activations, *parts]
        held = [part for part in memories if part is not None]
        count = len(memories)
        first, second = list(range(count)), list(range(count))
        first[0], second[0] = free, free + 4
        return flatbuffer(
            self.identifier,
            {
                0: ("struct", bytes(self.version)),
                1: (
                    "tables",
                    [self._task(0, self.interface, first)] + ([self._task(1, 2, second)] if self.emulated else []),
                ),
                2: ("tables", [self._memory(i, part) for i, part in enumerate(memories)]),
                3: ("tables", [{0: ("H", i), 1: ("H", i), 3: ("Q", 1 << 20)} for i in range(count)]),
                5: ("tables", [self._blob(name, data) for name, data in held]),
            },
        )

    @staticmethod
    def _task(number, interface, addresses):
        return {0: ("H", number), 1: ("I", interface), 2: ("h", -1), 3: ("numbers", ("H", addresses))}

    @staticmethod
    def _memory(number, part):
        entry = {0: ("H", number), 2: ("H", 1 if part is None else 3), 3: ("Q", 4096), 4: ("I", 4096)}
        return entry if part is None else entry | {5: ("texts", [part[0]]), 6: ("numbers", ("Q", [0]))}

    def _blob(self, name, data):
        return {
            0: ("text", name),
            1: ("Q", len(data)),
            2: ("I", 1),
            4: ("struct", bytes(self.firmware)),
            5: ("bytes", data),
        }


def flatbuffer(identifier, root):
    """The bytes of a FlatBuffer: what a distance leads to stands behind it, a table's vtable in front of it."""
    out = bytearray(8)
    out[4:8] = identifier
    place = _table(out, root)
    struct.pack_into("<I", out, 0, place)
    return bytes(out)


def _table(out, fields):
    inline, entries = bytearray(4), {}
    for slot, (kind, value) in fields.items():
        entries[slot] = len(inline)
        inline += bytes(4) if kind in BY_REFERENCE else value if kind == "struct" else struct.pack(f"<{kind}", value)
    slots = [entries.get(slot, 0) for slot in range(max(fields) + 1)]
    vtable = len(out)
    out += struct.pack(f"<{2 + len(slots)}H", 4 + 2 * len(slots), len(inline), *slots)
    place = len(out)
    out += inline
    struct.pack_into("<i", out, place, place - vtable)
    for slot, (kind, value) in fields.items():
        if kind in BY_REFERENCE:
            there = place + entries[slot]
            struct.pack_into("<I", out, there, _referred(out, kind, value) - there)
    return place


def _referred(out, kind, value):
    if kind in {"tables", "texts"}:
        place = len(out)
        out += struct.pack("<I", len(value)) + bytes(4 * len(value))
        for index, each in enumerate(value):
            there = place + 4 + 4 * index
            target = _table(out, each) if kind == "tables" else _referred(out, "text", each)
            struct.pack_into("<I", out, there, target - there)
        return place
    place = len(out)
    form, numbers = value if kind == "numbers" else ("B", value.encode() if kind == "text" else value)
    out += struct.pack(f"<I{len(numbers)}{form}", len(numbers), *numbers) + b"\0"
    return place

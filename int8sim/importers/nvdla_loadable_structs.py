"""What the firmware and the emulator read, as layouts: names in order with struct formats, little-endian, packed.

Names are the headers'. Sources: nvdla/sw:kmd/firmware/include/dla_interface.h (firmware 0.12), in packed structs whose
sizes, 40, 36, 116 and 644 bytes, are those of the blobs that its compiler writes; umd/core/src/common/include/priv/emu/
emu1/A/emu_interface.h, where `emu_common_op_desc` is not packed: three bytes lie between its byte and its floats.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from int8sim.importers.flatbuffer import Buffer

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Layout:
    """A struct: (name, struct format or Layout), in order. Names that begin with `reserved` are left out on reading."""

    name: str
    fields: tuple[tuple[str, str | Layout], ...]

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(kind.size if isinstance(kind, Layout) else struct.calcsize(f"<{kind}") for _, kind in self.fields)

    def read(self, buffer: Buffer, place: int) -> dict[str, Any]:
        """The fields at a place: numbers, lists of numbers where there are several, dictionaries for structs."""
        found: dict[str, Any] = {}
        for name, kind in self.fields:
            if isinstance(kind, Layout):
                found[name] = kind.read(buffer, place)
                place += kind.size
            else:
                values = buffer.numbers(place, kind, self.name)
                found[name] = values[0] if len(values) == 1 else list(values)
                place += struct.calcsize(f"<{kind}")
        return {name: value for name, value in found.items() if not name.startswith("reserved")}


def _layout(name: str, *fields: tuple[str, str | Layout]) -> Layout:
    return Layout(name, fields)


NETWORK = _layout(
    "dla_network_desc",
    ("operation_desc_index", "h"),
    ("surface_desc_index", "h"),
    ("dependency_graph_index", "h"),
    ("lut_data_index", "h"),
    ("roi_array_index", "h"),
    ("surface_index", "h"),
    ("stat_list_index", "h"),
    ("reserved1", "h"),
    ("op_head", "6h"),
    ("num_rois", "H"),
    ("num_operations", "H"),
    ("num_luts", "H"),
    ("num_addresses", "H"),
    ("input_layer", "h"),
    ("dynamic_roi", "B"),
    ("reserved0", "B"),
)

CONSUMER = _layout("dla_consumer", ("index", "h"), ("event", "B"), ("reserved", "B"))

COMMON = _layout(
    "dla_common_op_desc",
    ("index", "h"),
    ("roi_index", "b"),
    ("op_type", "B"),
    ("dependency_count", "B"),
    ("reserved0", "3B"),
    *((f"consumer_{number}", CONSUMER) for number in range(6)),
    ("fused_parent", CONSUMER),
)

CONVERTER = _layout("dla_cvt_param", ("scale", "h"), ("truncate", "B"), ("enable", "B"), ("offset", "i"))

CUBE = _layout(
    "dla_data_cube",
    ("type", "H"),
    ("address", "h"),
    ("offset", "I"),
    ("size", "I"),
    ("width", "H"),
    ("height", "H"),
    ("channel", "H"),
    ("reserved0", "H"),
    ("line_stride", "I"),
    ("surf_stride", "I"),
    ("plane_stride", "I"),
)

CONVOLUTION = _layout(
    "dla_conv_op_desc",
    ("conv_mode", "B"),
    ("data_reuse", "B"),
    ("weight_reuse", "B"),
    ("skip_data_rls", "B"),
    ("skip_weight_rls", "B"),
    ("reserved0", "B"),
    ("entry_per_slice", "H"),
    ("data_format", "B"),
    ("pixel_mapping", "B"),
    ("fetch_grain", "H"),
    ("reserved_b", "8B"),
    ("batch", "B"),
    ("weight_format", "B"),
    ("data_bank", "B"),
    ("weight_bank", "B"),
    ("batch_stride", "I"),
    ("post_extension", "B"),
    ("pixel_override", "B"),
    ("release", "H"),
    ("input_width_csc", "H"),
    ("input_height_csc", "H"),
    ("input_channel_csc", "H"),
    ("kernel_width_csc", "H"),
    ("kernel_height_csc", "H"),
    ("kernel_channel_csc", "H"),
    ("input_width_cmac", "H"),
    ("input_height_cmac", "H"),
    ("bytes_per_kernel", "I"),
    ("mean_ry", "h"),
    ("mean_gu", "h"),
    ("mean_bv", "h"),
    ("mean_ax", "h"),
    ("mean_format", "B"),
    ("conv_stride_x", "B"),
    ("conv_stride_y", "B"),
    ("pad_x_left", "B"),
    ("pad_x_right", "B"),
    ("pad_y_top", "B"),
    ("pad_y_bottom", "B"),
    ("dilation_x", "B"),
    ("dilation_y", "B"),
    ("reserved2", "2B"),
    ("pra_truncate", "B"),
    ("in_precision", "B"),
    ("out_precision", "B"),
    ("pad_val", "h"),
    ("in_cvt", CONVERTER),
    ("out_cvt", CONVERTER),
)

SDP_STAGE = _layout(
    "dla_sdp_op",
    ("enable", "B"),
    ("alu_type", "B"),
    ("type", "B"),
    ("mode", "B"),
    ("act", "B"),
    ("shift_value", "B"),
    ("truncate", "B"),
    ("precision", "B"),
    ("alu_operand", "i"),
    ("mul_operand", "i"),
    ("alu_cvt", CONVERTER),
    ("mul_cvt", CONVERTER),
)

SDP = _layout(
    "dla_sdp_op_desc",
    ("src_precision", "B"),
    ("dst_precision", "B"),
    ("lut_index", "h"),
    ("out_cvt", CONVERTER),
    ("conv_mode", "B"),
    ("batch_num", "B"),
    ("reserved0", "H"),
    ("batch_stride", "I"),
    ("x1_op", SDP_STAGE),
    ("x2_op", SDP_STAGE),
    ("y_op", SDP_STAGE),
)

PDP = _layout(
    "dla_pdp_op_desc",
    ("partial_in_width_first", "H"),
    ("partial_in_width_mid", "H"),
    ("partial_in_width_last", "H"),
    ("partial_width_first", "H"),
    ("partial_width_mid", "H"),
    ("partial_width_last", "H"),
    ("split_num", "B"),
    ("pool_mode", "B"),
    ("pool_width", "B"),
    ("pool_height", "B"),
    ("stride_x", "B"),
    ("stride_y", "B"),
    ("pad_left", "B"),
    ("pad_right", "B"),
    ("pad_top", "B"),
    ("pad_bottom", "B"),
    ("precision", "B"),
    ("reserved0", "B"),
    ("padding_value", "7i"),
)

CDP = _layout(
    "dla_cdp_op_desc",
    ("in_precision", "B"),
    ("out_precision", "B"),
    ("lut_index", "h"),
    ("in_cvt", CONVERTER),
    ("out_cvt", CONVERTER),
    ("local_size", "B"),
    ("bypass_sqsum", "B"),
    ("bypass_out_mul", "B"),
    ("reserved0", "B"),
)

RUBIK = _layout("dla_rubik_op_desc", ("mode", "B"), ("precision", "B"), ("stride_x", "B"), ("stride_y", "B"))

BDMA = _layout("dla_bdma_op_desc", ("num_transfers", "H"), ("reserved0", "H"))

MOVES = _layout("dla_bdma_surface_desc", ("source_type", "B"), ("destination_type", "B"), ("num_transfers", "H"))
"""Without the transfers that follow."""


def _cubes(name: str, *roles: str) -> Layout:
    return Layout(name, tuple((f"{role}_data", CUBE) for role in roles))


ENGINES = ("BDMA", "CONV", "SDP", "PDP", "CDP", "RUBIK")
"""By op_type."""

OPERATIONS: Mapping[str, tuple[Layout, Layout]] = {
    "BDMA": (BDMA, MOVES),
    "CONV": (CONVOLUTION, _cubes("dla_conv_surface_desc", "weight", "wmb", "wgs", "src", "dst")),
    "SDP": (SDP, _cubes("dla_sdp_surface_desc", "src", "x1", "x2", "y", "dst")),
    "PDP": (PDP, _cubes("dla_pdp_surface_desc", "src", "dst")),
    "CDP": (CDP, _cubes("dla_cdp_surface_desc", "src", "dst")),
    "RUBIK": (RUBIK, _cubes("dla_rubik_surface_desc", "src", "dst")),
}
"""Engine -> its operation and its surfaces, each at the beginning of a container."""

OPERATION_SIZE, SURFACE_SIZE = 116, 644
"""Of the containers: that of SDP's operation, and of BDMA's surfaces with 20 transfers of 32 bytes."""

EMU_NETWORK = _layout(
    "emu_network_desc",
    ("operation_desc_index", "h"),
    ("operation_buffer_desc_index", "h"),
    ("num_operations", "H"),
)

EMU_OPERATION = _layout(
    "emu_common_op_desc",
    ("op_type", "B"),
    ("reserved0", "3B"),
    ("input_scale_factor", "f"),
    ("output_scale_factor", "f"),
)
EMU_POWER = Layout("emu_power_op_desc", (*EMU_OPERATION.fields, ("power", "f"), ("scale", "f"), ("shift", "f")))
EMU_SOFTMAX = Layout("emu_softmax_op_desc", (*EMU_OPERATION.fields, ("axis", "B")))

EMU_OPERATIONS: tuple[tuple[str, Layout], ...] = (("EMU power", EMU_POWER), ("EMU softmax", EMU_SOFTMAX))
"""By op_type: the engine's name here, and its operation."""

EMU_OPERATION_SIZE = EMU_POWER.size

STAGE_TYPES = ("NONE", "MUL", "ADD", "BOTH")
STAGE_MODES = ("PER_LAYER", "PER_KERNEL", "PER_POINT")
ACTIVATIONS = ("NONE", "RELU", "LUT", "PRELU")
ALU_TYPES = ("MAX", "MIN", "SUM", "EQL")
POOL_MODES = ("AVG", "MAX", "MIN")
PRECISIONS = ("INT8", "INT16", "FP16")

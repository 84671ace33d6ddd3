"""Vectors of NVDLA's RTL in simulation, file by file: which spec function takes which ports and gives which outputs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from int8sim.spec import nvdla
from int8sim.spec.nvdla import Generation

PRIMITIVES = ["25_9", "34_17", "42_8", "49_17", "49_32", "53_32"]


@dataclass(frozen=True)
class Check:
    """A function, one column per argument by name, and what the RTL gave: [vectors], or [vectors, n] for a tuple."""

    what: str
    function: Callable[..., Any]
    columns: Mapping[str, Any]
    expected: Any


class Ports:
    """An archive's ports as int64 columns. A port of 64 bits keeps its pattern."""

    def __init__(self, archive: Mapping[str, Any]) -> None:
        self.archive, self.widths = archive, json.loads(str(archive["widths_json"]))

    def unsigned(self, port: str) -> Any:
        return self.archive[port].astype(np.uint64).view(np.int64)

    def signed(self, port: str) -> Any:
        unused = 64 - self.widths[port]
        return self.unsigned(port) << unused >> unused

    def signed_ports(self, names: Mapping[str, str]) -> dict[str, Any]:
        return {name: self.signed(port) for name, port in names.items()}

    def __len__(self) -> int:
        return len(self.archive[next(iter(self.widths))])


def shift_right(ports: Ports, name: str) -> Iterator[Check]:
    width, out_bits = map(int, name.removeprefix("prim_shiftright_").split("_"))
    given = {"value": ports.signed("data_in"), "shift": ports.unsigned("shift_num")}
    sizes = {"width": np.full(len(ports), width), "out_bits": np.full(len(ports), out_bits)}
    value, columns = nvdla.shift_right_saturate, {**given, **sizes}
    if width == 64:
        value, columns = nvdla.shift_right_saturate_64, {**given, "out_bits": sizes["out_bits"]}
    yield Check("value", value, columns, ports.signed("out_data_out"))
    yield Check("flag", nvdla.shift_right_overflows, {**given, **sizes}, ports.unsigned("out_sat_out"))


def shift_left(ports: Ports) -> Iterator[Check]:
    columns = {"value": ports.signed("data_in"), "shift": ports.unsigned("shift_num"), "out_bits": [32] * len(ports)}
    yield Check("value", nvdla.shift_left_saturate, columns, ports.signed("out_data_out"))


def shift_signed(ports: Ports) -> Iterator[Check]:
    columns = ports.signed_ports({"value": "data_in", "shift": "shift_num"})
    columns |= {"width": [50] * len(ports), "out_bits": [32] * len(ports)}
    yield Check("value", nvdla.shift_signed_saturate, columns, ports.signed("out_data_out"))


def cdma_cvt(ports: Ports) -> Iterator[Check]:
    columns = ports.signed_ports(
        {"x": "chn_data_in_rsc_z", "offset": "chn_alu_in_rsc_z", "scale": "cfg_mul_in_rsc_z"}
    ) | {
        "truncate": ports.unsigned("cfg_truncate"),
        "out_bits": np.where(ports.unsigned("cfg_out_precision") == 1, 16, 8),
    }
    yield Check("value", nvdla.cdma_convert, columns, ports.signed("out_chn_data_out_rsc_z"))


def cmac(ports: Ports) -> Iterator[Check]:
    def lanes(port: str) -> Any:
        data = ports.archive[port]
        return (data.astype("<u8").view(np.uint8).reshape(len(data), 8) if data.ndim == 1 else data).view(np.int8)

    columns = {
        "data": lanes("dat_actv_data").astype(np.int64),
        "weights": lanes("wt_actv_data").astype(np.int64),
        "data_nonzero": ports.unsigned("dat_actv_nz"),
        "weight_nonzero": ports.unsigned("wt_actv_nz"),
    }
    yield Check("value", nvdla.cmac_dot, columns, ports.signed("out_mac_out_data"))


def cacc(ports: Ports) -> Iterator[Check]:
    held = np.where(ports.unsigned("in_op_valid"), ports.signed("in_op"), 0)
    partial, last = ports.signed("in_data"), ports.unsigned("in_sel") == 1
    sums = {"acc": held[~last], "partial": partial[~last]}
    yield Check("partial sum", nvdla.cacc_accumulate, sums, ports.signed("out_out_partial_data")[~last])
    acc = [nvdla.cacc_accumulate(*pair) for pair in zip(held[last].tolist(), partial[last].tolist(), strict=True)]
    columns = {"acc": np.array(acc), "truncate": ports.unsigned("cfg_truncate")[last]}
    yield Check("value", nvdla.cacc_clip, columns, ports.signed("out_out_final_data")[last])
    yield Check("flag", nvdla.cacc_clip_overflows, columns, ports.unsigned("out_out_final_sat")[last])


def sdp_x1(ports: Ports) -> Iterator[Check]:
    def operand(which: str) -> Any:
        picked = ports.unsigned(f"cfg_{which}_src") == 1
        return np.where(picked, ports.signed(f"chn_{which}_op"), ports.signed(f"cfg_{which}_op"))

    columns = {
        "x": ports.signed("chn_data_in"),
        "alu_operand": operand("alu"),
        "alu_shift": ports.unsigned("cfg_alu_shift_value"),
        "alu_algorithm": ports.unsigned("cfg_alu_algo"),
        "alu_bypass": ports.unsigned("cfg_alu_bypass"),
        "mul_operand": operand("mul"),
        "mul_shift": ports.unsigned("cfg_mul_shift_value"),
        "mul_bypass": ports.unsigned("cfg_mul_bypass"),
        "prelu": ports.unsigned("cfg_mul_prelu"),
        "relu_bypass": ports.unsigned("cfg_relu_bypass"),
    }
    yield Check("value", nvdla.sdp_x, columns, ports.signed("out_chn_data_out"))


def sdp_y_cvt(ports: Ports) -> Iterator[Check]:
    columns = ports.signed_ports({"x": "cvt_data_in", "offset": "cfg_cvt_offset", "scale": "cfg_cvt_scale"})
    columns |= {"truncate": ports.unsigned("cfg_cvt_truncate"), "bypass": ports.unsigned("cfg_cvt_bypass")}
    yield Check("value", nvdla.sdp_y_convert, columns, ports.signed("out_cvt_data_out"))


def sdp_y_core(ports: Ports) -> Iterator[Check]:
    def operand(which: str) -> Any:
        picked = ports.unsigned(f"cfg_{which}_src") == 1
        return np.where(picked, ports.signed(f"chn_{which}_op"), ports.signed(f"cfg_{which}_op"))

    columns = {
        "x": ports.signed("chn_data_in"),
        "mul_operand": operand("mul"),
        "truncate": ports.unsigned("cfg_mul_truncate"),
        "mul_bypass": ports.unsigned("cfg_mul_bypass"),
        "prelu": ports.unsigned("cfg_mul_prelu"),
        "alu_operand": operand("alu"),
        "alu_algorithm": ports.unsigned("cfg_alu_algo"),
        "alu_bypass": ports.unsigned("cfg_alu_bypass"),
    }
    yield Check("value", nvdla.sdp_y, columns, ports.signed("out_chn_data_out"))


def sdp_y_idx(ports: Ports) -> Iterator[Check]:
    columns = {
        "x": ports.signed("lut_data_in"),
        "le_function": ports.unsigned("cfg_lut_le_function"),
        "le_start": ports.signed("cfg_lut_le_start"),
        "le_offset": ports.signed("cfg_lut_le_index_offset"),
        "le_select": ports.signed("cfg_lut_le_index_select"),
        "lo_start": ports.signed("cfg_lut_lo_start"),
        "lo_select": ports.signed("cfg_lut_lo_index_select"),
        "underflow_priority": ports.unsigned("cfg_lut_uflow_priority"),
        "overflow_priority": ports.unsigned("cfg_lut_oflow_priority"),
        "hybrid_priority": ports.unsigned("cfg_lut_hybrid_priority"),
    }
    outputs = ["ram_sel", "ram_addr", "frac", "uflow", "oflow", "le_hit", "lo_hit"]
    expected = np.stack([ports.unsigned(f"out_lut_out_{name}") for name in outputs], axis=1)
    yield Check("table, address, fraction and flags", nvdla.sdp_lut_index, columns, expected)


def sdp_y_inp(ports: Ports) -> Iterator[Check]:
    columns = {
        "x": ports.signed("inp_x_in"),
        "y0": ports.signed("inp_y0_in"),
        "y1": ports.signed("inp_y1_in"),
        "fraction": ports.unsigned("inp_frac_in"),
        "flow": ports.unsigned("inp_flow_in"),
        "offset": ports.signed("inp_offset_in"),
        "bias": ports.unsigned("inp_bias_in"),
        "scale": ports.signed("inp_scale_in"),
        "shift": ports.signed("inp_shift_in"),
    }
    yield Check("value", nvdla.sdp_lut_interpolate, columns, ports.signed("out_inp_data_out"))


def sdp_c(ports: Ports) -> Iterator[Check]:
    equal = ports.unsigned("cfg_mode_eql") == 1
    registers = ports.signed_ports({"x": "cvt_data_in", "offset": "cfg_offset", "scale": "cfg_scale"})
    registers |= {"truncate": ports.unsigned("cfg_truncate")}
    expected = ports.signed("out_cvt_data_out")
    bits = {"out_bits": np.where(ports.unsigned("cfg_out_precision") == 1, 16, 8)}
    converted = {name: column[~equal] for name, column in (registers | bits).items()}
    yield Check("value", nvdla.sdp_out_convert, converted, expected[~equal])
    yield Check("value, EQL", nvdla.sdp_out_equal, {"x": registers["x"][equal]}, expected[equal])
    mode = {"equal": ports.unsigned("cfg_mode_eql"), "generation": np.full(len(ports), int(Generation.MASTER))}
    yield Check("flag", nvdla.sdp_out_overflows, registers | mode, ports.unsigned("out_cvt_sat_out"))


def cdp(ports: Ports, function: Callable[..., Any]) -> Iterator[Check]:
    columns = ports.signed_ports({"x": "chn_data_in_rsc_z", "offset": "cfg_alu_in_rsc_z", "scale": "cfg_mul_in_rsc_z"})
    columns |= {"truncate": ports.unsigned("cfg_truncate_rsc_z")}
    yield Check("value", function, columns, ports.signed("out_chn_data_out_rsc_z"))


FILES: dict[str, Callable[[Ports], Iterator[Check]]] = {
    **{
        name: lambda ports, name=name: shift_right(ports, name)
        for name in [f"prim_shiftright_{each}" for each in (*PRIMITIVES, "64_32")]
    },
    "prim_shiftleftsu_16_32": shift_left,
    "prim_shiftrightss_50_32": shift_signed,
    "cdma_cvt": cdma_cvt,
    "cmac_nv_small": cmac,
    "cmac_nv_large": cmac,
    "cacc_nv_large": cacc,
    "sdp_x1": sdp_x1,
    "sdp_y_cvt": sdp_y_cvt,
    "sdp_y_core": sdp_y_core,
    "sdp_y_idx": sdp_y_idx,
    "sdp_y_inp": sdp_y_inp,
    "sdp_c": sdp_c,
    "cdp_icvt": lambda ports: cdp(ports, nvdla.cdp_in_convert),
    "cdp_ocvt": lambda ports: cdp(ports, nvdla.cdp_out_convert),
}
"""All leaf modules; the pooling core is a cube at a time (`cubes`)."""


@dataclass(frozen=True)
class Cube:
    """One run of the pooling core: a register by name, input and output int8 [height, width, channels]."""

    registers: Mapping[str, int]
    x: Any
    y: Any

    @property
    def arguments(self) -> tuple[Any, ...]:
        """What `pdp_pool` takes behind the cube."""
        at = self.registers
        padding = [count * at["pad_value"] for count in range(8)]
        pads = at["pt"], at["pl"], at["pb"], at["pr"]
        return at["type"], (at["kh"], at["kw"]), (at["sh"], at["sw"]), pads, padding, (at["recip_h"], at["recip_w"])


def cubes(archive: Mapping[str, Any]) -> Iterator[Cube]:
    names = archive["cfg_names"].tolist()
    first, last = 0, 0
    for row, shape in zip(archive["cfg"].tolist(), archive["in_dims"].tolist(), strict=True):
        registers = dict(zip(names, row, strict=True))
        size, output = int(np.prod(shape)), (registers["oh"], registers["ow"], shape[2])
        x = archive["in_hwc"][first : first + size].reshape(shape)
        y = archive["out_hwc"][last : last + int(np.prod(output))].reshape(output)
        first, last = first + size, last + y.size
        yield Cube(registers, x, y)
    assert (first, last) == (len(archive["in_hwc"]), len(archive["out_hwc"]))

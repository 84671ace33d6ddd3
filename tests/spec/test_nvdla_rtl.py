"""The NVDLA functions against NVIDIA's RTL, simulated: every vector of every leaf module that they express."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from int8sim.spec.dp4a import dp4a
from int8sim.spec.integers import saturate, wrap
from int8sim.spec.nvdla import (
    cacc_accumulate,
    cacc_clip,
    cacc_clip_is_defined,
    cdma_convert,
    pdp_average,
    sdp_bias,
    sdp_multiply,
    sdp_out_convert,
    shift_right_saturate,
)

pytestmark = pytest.mark.witness

UNSIGNED = {"shift_num", "cfg_truncate", "cfg_cvt_truncate", "cfg_mul_truncate", "cfg_truncate_rsc_z"}


def vectors(archive: Mapping[str, Any], *also_unsigned: str) -> Iterator[SimpleNamespace]:
    """One vector after another: ports of more than two bits as signed words of their width, shifts excepted."""
    widths = json.loads(str(archive["widths_json"]))
    columns = {}
    for port, bits in widths.items():
        unsigned = bits <= 2 or port in UNSIGNED or port in also_unsigned or "shift_value" in port
        values = archive[port].tolist()
        columns[port] = values if unsigned else [wrap(value, bits) for value in values]
    for row in zip(*columns.values(), strict=True):
        yield SimpleNamespace(**dict(zip(columns, row, strict=True)))


PRIMITIVES = ["25_9", "34_17", "42_8", "49_17", "49_32", "53_32", "64_32"]


@pytest.mark.parametrize("widths", PRIMITIVES)
def test_right_shift(oracles, compared, widths):
    width, out_bits = map(int, widths.split("_"))
    pairs = [
        (shift_right_saturate(v.data_in, v.shift_num, width, out_bits), v.out_data_out)
        for v in vectors(oracles(f"nvdla/rtl/prim_shiftright_{widths}.npz"))
    ]
    compare(pairs, compared, 1500)


def test_left_shift(oracles, compared):
    found = vectors(oracles("nvdla/rtl/prim_shiftleftsu_16_32.npz"))
    compare([(sdp_bias(0, v.data_in, v.shift_num), v.out_data_out) for v in found], compared, 1500)


def test_signed_shift(oracles, compared):
    pairs = []
    for v in vectors(oracles("nvdla/rtl/prim_shiftrightss_50_32.npz")):
        shift = wrap(v.shift_num, 5)
        left = saturate(v.data_in << max(-shift, 0), 32)
        pairs.append((left if shift < 0 else shift_right_saturate(v.data_in, shift, 50, 32), v.out_data_out))
    compare(pairs, compared, 1500)


def test_input_converter(oracles, compared):
    pairs = [
        (
            cdma_convert(
                v.chn_data_in_rsc_z,
                v.chn_alu_in_rsc_z,
                v.cfg_mul_in_rsc_z,
                v.cfg_truncate,
                16 if v.cfg_out_precision == 1 else 8,
            ),
            v.out_chn_data_out_rsc_z,
        )
        for v in vectors(oracles("nvdla/rtl/cdma_cvt.npz"))
    ]
    compare(pairs, compared, 5000)


def test_accumulator(oracles, compared):
    """Partial sums, and final ones at every truncation: also those the C model refuses."""
    pairs, defined = [], 0
    for v in vectors(oracles("nvdla/rtl/cacc_nv_large.npz")):
        acc = cacc_accumulate(v.in_op if v.in_op_valid else 0, v.in_data)
        if v.in_sel:
            pairs.append((cacc_clip(acc, v.cfg_truncate), v.out_out_final_data))
            defined += cacc_clip_is_defined(acc, v.cfg_truncate)
        else:
            pairs.append((acc, v.out_out_partial_data))
    assert 500 < defined < len(pairs)
    compare(pairs, compared, 5000)


@pytest.mark.parametrize("precision", [0, 1], ids=["int8", "int16"])
def test_output_converter(oracles, compared, precision):
    out_bits = 16 if precision else 8
    pairs = [
        (sdp_out_convert(v.cvt_data_in, v.cfg_offset, v.cfg_scale, v.cfg_truncate, out_bits), v.out_cvt_data_out)
        for v in vectors(oracles("nvdla/rtl/sdp_c.npz"))
        if v.cfg_out_precision == precision and not v.cfg_mode_eql
    ]
    compare(pairs, compared, 1200)


def test_bias_and_multiplier(oracles, compared):
    """The whole X1 stage out of sdp_bias, sdp_multiply and a shift: ALU, MUL, PReLU, ReLU, with every bypass."""
    pairs = []
    for v in vectors(oracles("nvdla/rtl/sdp_x1.npz")):
        x, operand = v.chn_data_in, v.chn_alu_op if v.cfg_alu_src else v.cfg_alu_op
        shifted = sdp_bias(0, operand, v.cfg_alu_shift_value)
        choices = max(x, shifted), min(x, shifted), *[sdp_bias(x, operand, v.cfg_alu_shift_value)] * 2
        total = x if v.cfg_alu_bypass else choices[v.cfg_alu_algo]
        factor = v.chn_mul_op if v.cfg_mul_src else v.cfg_mul_op
        if v.cfg_mul_bypass:
            result = shift_right_saturate(total, v.cfg_mul_shift_value, 49, 32)
        elif v.cfg_mul_prelu and total >= 0:
            result = wrap(total, 32)
        else:
            result = sdp_multiply(total, factor, v.cfg_mul_shift_value)
        pairs.append((result if v.cfg_relu_bypass else max(result, 0), v.out_chn_data_out))
    compare(pairs, compared, 5000)


def test_elementwise_operand_converter(oracles, compared):
    pairs = []
    for v in vectors(oracles("nvdla/rtl/sdp_y_cvt.npz")):
        product = (v.cvt_data_in - v.cfg_cvt_offset) * v.cfg_cvt_scale
        converted = shift_right_saturate(product, v.cfg_cvt_truncate, 49, 32)
        pairs.append((v.cvt_data_in if v.cfg_cvt_bypass else converted, v.out_cvt_data_out))
    compare(pairs, compared, 2000)


@pytest.mark.parametrize(("name", "width", "out_bits"), [("cdp_icvt", 25, 9), ("cdp_ocvt", 42, 8)])
def test_normalization_converters(oracles, compared, name, width, out_bits):
    pairs = []
    for v in vectors(oracles(f"nvdla/rtl/{name}.npz")):
        product = (v.chn_data_in_rsc_z - v.cfg_alu_in_rsc_z) * v.cfg_mul_in_rsc_z
        pairs.append((shift_right_saturate(product, v.cfg_truncate_rsc_z, width, out_bits), v.out_chn_data_out_rsc_z))
    compare(pairs, compared, 2000)


@pytest.mark.parametrize(("size", "bits"), [("small", 19), ("large", 22)])
def test_multiply_accumulate_cells_are_dot_products(oracles, compared, size, bits):
    """8 or 64 lanes as dp4a words; a lane whose non-zero flag is off counts as 0."""
    archive = oracles(f"nvdla/rtl/cmac_nv_{size}.npz")
    lanes = [words(archive[f"{side}_actv_data"], archive[f"{side}_actv_nz"]) for side in ("dat", "wt")]
    pairs = []
    for data, weights, expected in zip(*lanes, archive["out_mac_out_data"].tolist(), strict=True):
        total = 0
        for a, b in zip(data, weights, strict=True):
            total = dp4a(a, b, total)
        pairs.append((total, wrap(expected, bits)))
    compare(pairs, compared, 1250)


def words(data: Any, flags: Any) -> list[list[int]]:
    """Per vector, its bytes with masked lanes zeroed, as 32-bit words."""
    lanes = data.astype("<u8").view(np.uint8).reshape(len(data), -1) if data.ndim == 1 else data
    kept = flags[:, None] >> np.arange(lanes.shape[1], dtype=np.uint64) & np.uint64(1)
    return np.ascontiguousarray(lanes * kept.astype(np.uint8)).view("<u4").tolist()


def test_pooling_core(oracles, compared):
    """Whole cubes: averages by pdp_average over the window's sum and the configured padding, maxima and minima."""
    archive = oracles("nvdla/rtl/pdp_core_nv_small.npz")
    names = archive["cfg_names"].tolist()
    pairs: list[tuple[int, int]] = []
    source, target, averages = 0, 0, 0
    for row, (height, width, channels) in zip(archive["cfg"].tolist(), archive["in_dims"].tolist(), strict=True):
        cfg = dict(zip(names, row, strict=True))
        x = archive["in_hwc"][source : source + height * width * channels].reshape(height, width, channels)
        source += x.size
        y = pool(cfg, x.astype(np.int64))
        averages += y.size if cfg["type"] == 0 else 0
        pairs += zip(y.ravel().tolist(), archive["out_hwc"][target : target + y.size].tolist(), strict=True)
        target += y.size
    assert target == len(archive["out_hwc"])
    assert averages >= 5000
    compare(pairs, compared, 28_000)


def pool(cfg: dict[str, int], x: Any) -> Any:
    """One cube [height, width, channels]. Padding is part of an average and of nothing else."""
    height, width, channels = x.shape
    y = np.empty((cfg["oh"], cfg["ow"], channels), np.int64)
    for row, column in np.ndindex(cfg["oh"], cfg["ow"]):
        top, left = row * cfg["sh"] - cfg["pt"], column * cfg["sw"] - cfg["pl"]
        window = x[max(top, 0) : min(top + cfg["kh"], height), max(left, 0) : min(left + cfg["kw"], width)]
        cells = window.reshape(-1, channels)
        if cfg["type"] == 0:
            totals = cells.sum(0) + cfg["pad_value"] * (cfg["kh"] * cfg["kw"] - len(cells))
            y[row, column] = [pdp_average(t, cfg["recip_w"], cfg["recip_h"]) for t in totals.tolist()]
        else:
            y[row, column] = cells.max(0) if cfg["type"] == 1 else cells.min(0)
    return y


def compare(pairs: list[tuple[int, int]], compared: Any, least: int) -> None:
    """0 mismatches, and enough of them."""
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    compared(len(pairs), least)

"""What a table proves: the published readings of public tables, uniqueness, and contradictions, each provoked."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import int8sim
from int8sim.calibration.explanation.candidates import bin_of, common_range, limits_between, pairs, scale_of
from int8sim.calibration.explanation.explain import explain
from int8sim.calibration.explanation.readings import (
    MAXIMUM,
    exceeds_one,
    input_readings,
    probability_readings,
    short_constant,
)
from int8sim.calibration.run import calibrate
from int8sim.formats.registry import read_table
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.errors import UnknownNameError
from int8sim.model.table import Provenance, Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.registry import op
from int8sim.spec.calibration import entropy_scale, minmax_scale
from int8sim.spec.float32 import float32, float32_bits, float32_from_bits

sys.path.insert(0, str(Path(__file__).parents[1] / "exporters"))
from exporter_networks import images, lenet, residual

RANGES = st.floats(2.0**-60, 2.0**60, width=32)
BINS = st.integers(128, 2048)


def scalar_scale(chosen, limit):
    """The rule, a number at a time: the width of a bin (rounded below 2**-115 only), the threshold, the scale."""
    return float32(float32((chosen + 0.5) * float32(limit / 2048)) / 127)


def bits(word):
    return float32_from_bits(word)


def table(**scales):
    return Table({name: Row(scale) for name, scale in scales.items()}, Provenance("entropy2"))


# Candidates


@given(BINS, RANGES)
def test_a_scale_is_made_by_two_roundings(chosen, limit):
    scale = scalar_scale(chosen, limit)
    assert scale_of(np.array([chosen]), np.array([limit], np.float32)).item() == scale
    assert entropy_scale(chosen, limit) == scale


@given(BINS, RANGES)
def test_pairs_hold_what_made_the_scale_and_nothing_else(chosen, limit):
    scale = scalar_scale(chosen, limit)
    bins, limits = pairs(scale)
    found = list(zip(bins.tolist(), limits.tolist(), strict=True))
    assert (chosen, limit) in found
    assert len(set(found)) == len(found)
    assert all(scalar_scale(*each) == scale for each in found[::97])
    least, greatest = limits_between(scale)
    assert least * (1 - 2**-22) <= min(limits) <= max(limits) <= greatest * (1 + 2**-22)
    assert bin_of(scale, limit) == (chosen, 0)


@given(st.floats(2.0**-100, 2.0**100, width=32), st.floats(1.0, 16.0, width=32))
def test_a_bin_is_found_where_a_neighbour_fits(scale, times):
    limit = float32(limits_between(scale)[0] * times)
    found = bin_of(scale, limit)
    near = [
        chosen
        for chosen in range(128, 2049)
        if abs(float32_bits(scalar_scale(chosen, limit)) - float32_bits(scale)) <= 1
    ]
    assert near == ([found[0]] if found else [])


@given(BINS, BINS, RANGES, st.integers(0, 2))
def test_rows_of_one_range_have_a_common_range(a, b, limit, doublings):
    found = common_range(scalar_scale(a, limit * 2.0**doublings), scalar_scale(b, limit))
    assert found is not None
    assert found <= doublings


def test_scales_at_the_ends_of_float32():
    for scale in (2.0**-149, 2.0**-126, float(np.finfo(np.float32).max)):
        assert all(
            scalar_scale(*each) == scale for each in zip(*(array.tolist() for array in pairs(scale)), strict=True)
        )
        explain(table(data=scale))


# Published readings: tensorrt-calibration of public tables

PUBLISHED = {
    0x3F801830: ("pixel - 128", 128.0, 2033),
    0x4000890A: ("pixel, 0 .. 255", 255.0, 2048),
    0x3C010A14: ("pixel / 255", 1.0, 2048),
    0x3C008912: ("pixel / 255", 1.0, 2040),
    0x3C000889: ("pixel / 256", 255 / 256, 2040),
    0x3CB1AB7D: ("CIFAR-10 mean, deviation 0.2023 0.1994 0.2010", float32(2.7537313), 2048),
}


@pytest.mark.parametrize("word", PUBLISHED, ids="{:08x}".format)
def test_published_inputs_are_read_exactly(word):
    meaning, limit, chosen = PUBLISHED[word]
    best = input_readings(bits(word)).readings[0]
    assert (best.meaning, best.limit, best.bin, best.off, best.whole) == (meaning, limit, chosen, 0, True)
    assert (chosen, limit) in list(zip(*(array.tolist() for array in pairs(bits(word))), strict=True))
    assert input_readings(bits(word)).chance < 0.002


def test_a_doubled_first_batch_is_found():
    """3c020660: the brightest pixel of the first batch was 247, then one doubling; by float32(1 / 255) exactly."""
    read = input_readings(bits(0x3C020660))
    best = read.readings[0]
    assert (best.meaning, best.bin, best.doublings, best.off, best.whole) == ("pixel / 255", 1065, 1, 0, False)
    assert best.first == float32(247 * float32(1 / 255))
    assert best.limit == 2 * best.first
    assert 0.05 < read.chance < 0.2
    divided = next(each for each in read.readings if each.first == float32(247 / 255))
    assert (divided.bin, divided.off) == (1065, -1)


def grid(limit):
    """m * 2**k below `limit`, m = 1 .. 255."""
    return sorted({m * 2.0**k for m in range(1, 256) for k in range(-30, 30) if m * 2.0**k < limit})


def test_128_is_the_only_range_of_the_published_data_row():
    scale = bits(0x3F801830)
    fits = [(limit, *found) for limit in grid(512) if (found := bin_of(scale, limit))]
    assert fits == [(128.0, 2033, 0)]


@pytest.mark.parametrize(("word", "chosen"), [(0x3C010A14, 2048), (0x3C008912, 2040)])
def test_a_range_of_1_is_the_only_short_one(word, chosen):
    assert [(limit, *found) for limit in grid(2.0) if (found := bin_of(bits(word), limit))] == [(1.0, chosen, 0)]


def test_a_softmax_just_below_1_was_doubled():
    """3c01f3e7: two ranges, no other within 2**-14 of 2."""
    found = probability_readings(bits(0x3C01F3E7))
    assert [(each.limit, each.bin, each.first) for each in found] == [
        (2 * (1 - 2.0**-24), 1031, 1 - 2.0**-24),
        (2 * (1 - 2.0**-23), 1031, 1 - 2.0**-23),
    ]
    assert [(each.limit, each.bin) for each in probability_readings(bits(0x3C010A14))] == [(1.0, 2048)]
    assert (1.9999704360961914, 1081) in [(each.limit, each.bin) for each in probability_readings(bits(0x3C083FFD))]


@pytest.mark.parametrize(("word", "constant"), [(0x3C010A14, 1.0), (0x3C810A14, 2.0)])
def test_constants_take_the_last_bin(word, constant):
    found = short_constant(bits(word))
    assert (found.limit, found.bin, found.off) == (constant, 2048, 0)


@given(st.integers(1, 255), st.integers(-20, 20))
def test_every_short_constant_is_found(m, k):
    value = m * 2.0**k
    assert short_constant(scalar_scale(2048, value)).limit == value
    assert short_constant(minmax_scale(value), MAXIMUM).limit == value


def test_the_sinusoid_constant_fits():
    """3bdf4e9d: 128 numbers from 1 down, bin 1772."""
    assert (1772, 1.0) in list(zip(*(array.tolist() for array in pairs(bits(0x3BDF4E9D))), strict=True))


def test_maxima_are_read_without_a_bin():
    best = input_readings(bits(0x3CB1A063), MAXIMUM).readings[0]
    assert (best.limit, best.bin, best.off) == (float32(2.7537313), None, 0)
    assert input_readings(bits(0x3C008102), MAXIMUM).readings[0].meaning == "pixel / 256"
    assert probability_readings(bits(0x3C010204), MAXIMUM)[0].limit == 1.0


def test_a_scale_of_no_scaling_has_no_reading():
    assert input_readings(bits(0x400054A6)).readings == ()
    assert "none of the usual scalings" in explain(table(data=bits(0x400054A6))).verdict[0]


# Whole tables


def test_the_input_is_named_or_guessed():
    rows = table(conv=1.0, data=bits(0x3F801830), other=bits(0x4000890A))
    assert list(explain(rows).inputs) == ["data"]
    assert list(explain(rows, inputs=["other"]).inputs) == ["other"]
    assert list(explain(table(conv=1.0, relu=2.0)).inputs) == ["conv"]
    with pytest.raises(UnknownNameError, match="'none'"):
        explain(rows, inputs=["none"])


def test_equal_bits_zero_and_infinity_are_said():
    rows = {row.tensor: row for row in explain(table(data=1.0, a=0.5, b=0.5, zero=0.0, none=float("inf"))).rows}
    assert (rows["b"].equals, rows["a"].equals) == ("a", "")
    assert rows["zero"].remark == "always 0 in calibration"
    assert "not finite" in rows["none"].remark


def test_a_softmax_above_1_is_a_contradiction():
    impossible = float32(2.001 / 127)
    assert exceeds_one(impossible)
    assert not exceeds_one(scalar_scale(2048, 2.0))
    found = explain(table(data=1.0, prob=impossible))
    assert [(each.kind, each.tensors) for each in found.contradictions] == [("probability", ("prob",))]
    assert "contradicted 1x" in found.verdict[-1]
    assert explain(table(data=1.0, **{"softmax/Reshape:0": impossible})).contradictions == ()


def lenet_table(graph, method="entropy2"):
    rng = np.random.default_rng(5)
    return calibrate(graph, [rng.random((8, 1, 28, 28), np.float32) for _ in range(3)], method=method)


def edited(rows, tensor, scale):
    return replace(rows, rows={**rows.rows, tensor: Row(scale)})


def test_a_pool_with_a_row_of_its_own_is_a_contradiction():
    graph = lenet()
    rows = lenet_table(graph)
    found = explain(rows, graph)
    assert found.contradictions == ()
    assert {row.tensor: row.repeats for row in found.rows if row.repeats} == {
        "pool1": "conv1",
        "pool2": "conv2",
        "flatten": "conv2",
    }
    wrong = edited(rows, "pool1", rows["pool1"].scale * 0.75)
    assert [each.tensors for each in explain(wrong, graph).contradictions] == [("pool1", "conv1")]
    own = replace(wrong, provenance=Provenance("legacy"))
    assert "repeats" not in [each.kind for each in explain(own, graph).contradictions], (
        "its pools have rows of their own"
    )


@pytest.mark.parametrize("method", ["entropy2", "minmax"])
def test_other_weights_put_rows_out_of_reach(method):
    graph = lenet()
    rows = lenet_table(graph, method)
    assert explain(rows, graph).contradictions == ()
    weak = {name: values * np.float32(2.0**-8) for name, values in graph.constants.items()}
    found = explain(rows, replace(graph, constants=weak)).contradictions
    assert ("reach", ("conv1", "data")) in [(each.kind, each.tensors) for each in found]


@pytest.mark.parametrize("method", ["entropy2", "minmax"])
@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_a_true_table_is_never_contradicted(layout, method):
    for seed in range(4):
        graph = residual(seed, layout)
        data = images(graph, seed, 24)["x"] * np.float32(2.0 ** (seed - 2))
        rows = calibrate(graph, [data[:8] / 4, data[8:16], data[16:]], method=method)
        found = explain(rows, graph)
        assert found.contradictions == (), seed
        assert (found.missing, found.extra) == ((), ())


def test_names_of_another_network_are_counted():
    graph = lenet()
    rows = lenet_table(graph)
    other = replace(rows, rows={("dense" if name == "ip1" else name): row for name, row in rows.items()})
    found = explain(other, graph)
    assert (found.missing, found.extra) == (("ip1",), ("dense",))


def test_an_nvdla_table_is_read_by_layers():
    graph = float_graph(
        "net",
        [Layer("layer", op("relu")(), ("data",), "tensor")],
        {"data": TensorType((1, 4))},
        ["tensor"],
        {},
    )
    rows = Table({"data": Row(1.0), "layer": Row(0.5)}, Provenance(producer="NVDLA JSON"))
    found = explain(rows, graph)
    assert (found.missing, found.extra) == ((), ())
    assert [row.tensor for row in found.rows] == ["data", "tensor"]


def sum_table(total, relu):
    return table(**{"data": 1.0, "(Unnamed Layer* 3) [ElementWise]_output": total, "block": relu})


def test_a_sum_and_its_relu_share_a_range():
    fits = explain(sum_table(scalar_scale(1500, 10.7), scalar_scale(1600, 10.7)))
    assert [pair.doublings for pair in fits.pairs] == [0]
    assert 0.0 < fits.pairs[0].chance < 0.5
    doubled = explain(sum_table(scalar_scale(1500, 21.4), scalar_scale(1600, 10.7)))
    assert doubled.pairs[0].doublings in (0, 1)
    assert explain(sum_table(0.5, 0.5)).pairs == (), "equal rows say nothing"


def test_sums_are_found_by_the_network_too():
    graph = residual(0, "NCHW")
    data = images(graph, 0, 16)["x"]
    found = explain(calibrate(graph, [data]), graph)
    assert {(pair.total, pair.relu) for pair in found.pairs} <= {("sum", "after")}


# Witnesses: tables that TensorRT wrote


@pytest.mark.witness
def test_every_row_of_a_reproduced_cache_has_its_range_and_bin(oracle_folder, compared):
    folder = oracle_folder / "tensorrt" / "lenet_trt7202"
    rows = json.loads((folder / "expected.json").read_text())
    for name, row in rows.items():
        found = list(zip(*(array.tolist() for array in pairs(bits(int(row["bits"], 16)))), strict=True))
        assert (row["i"], row["R"]) in found, name
    compared(len(rows), least=7)


INPUTS = {
    "KelvinCPChiu_FasterRCNN_etlt_cal.bin": ("pixel - ImageNet mean 103.939 116.779 123.68", 1886),
    "LeiWang1999_nvdla_loadables_resnet18-cifar10-caffe_resnet_18_cifar10_calibration.cache": ("pixel - 128", 2033),
    "joel5638_gstream-det-track-log_calib.table_a814e7c": ("pixel * 0.00392156979 (DeepStream)", 2048),
    "lannyyip_share_calibration.cache": ("pixel / 255", 2048),
    "liujuanLT_model_convert_calibration.cache_297a591": ("ImageNet mean and deviation", 2048),
    "modricwang_Pytorch-Model-to-TensorRT_calibration_cache.bin_9751a04": ("ImageNet mean and deviation", 2048),
    "nvdla_sw_umd_utils_calibdata_resnet50.txt": ("pixel - ImageNet mean 104 117 123", 2048),
    "nt4sth_Torch-TensorRT-VGG16_calibration.cache": ("CIFAR-10 mean, deviation 0.2023 0.1994 0.2010", None),
    "vkaser_tensorrt_data_mnist_LegacyCalibrationTable": ("pixel / 256", None),
}


@pytest.mark.witness
@pytest.mark.parametrize("file", INPUTS)
def test_public_tables_name_their_input(oracle_folder, file):
    found = explain(read_table(oracle_folder / "tensorrt" / "caches" / file))
    (read,) = found.inputs.values()
    best = read.readings[0]
    assert (best.meaning, best.bin, best.off, best.whole) == (*INPUTS[file], 0, True)
    assert read.chance < 0.002
    assert found.contradictions == ()


SUMS = {
    "LeiWang1999_nvdla_loadables_resnet18-cifar10-caffe_resnet_18_cifar10_calibration.cache": (8, 7, 6),
    "nvdla_sw_umd_utils_calibdata_resnet50.txt": (16, 15, 13),
}


@pytest.mark.witness
def test_sums_and_relus_of_public_tables_share_ranges(oracle_folder, compared):
    """19 of 22 unequal pairs have one range, without a doubling; fewer than 6 would by chance."""
    fits = chance = 0
    for file, (every, unequal, expected) in SUMS.items():
        rows = read_table(oracle_folder / "tensorrt" / "caches" / file)
        assert sum(name.endswith("[ElementWise]_output") for name in rows) == every
        found = explain(rows).pairs
        assert len(found) == unequal
        assert sum(pair.doublings == 0 for pair in found) == expected
        fits += expected
        chance += sum(pair.chance for pair in found)
    assert fits == 19
    assert chance < 6
    compared(22, what="pairs")


@pytest.mark.witness
def test_a_real_table_fits_its_network_and_not_other_weights(oracle_folder, compared):
    """The public ResNet-18 table: every tensor has its row, no contradiction; a quarter of the weights is found out."""
    graph = int8sim.load(oracle_folder / "tensorrt" / "resnet18_cifar10.prototxt")
    rows = read_table(oracle_folder / "tensorrt" / "caches" / next(iter(SUMS)))
    found = explain(rows, graph)
    assert (found.missing, found.extra, found.contradictions) == ((), (), ())
    assert {row.tensor: row.repeats for row in found.rows if row.repeats} == {"global_avg_pool": "group2_block1_sum"}
    assert [(pair.total, pair.relu) for pair in found.pairs] == [(p.total, p.relu) for p in explain(rows).pairs]
    weak = {name: values / np.float32(4) if values.ndim == 4 else values for name, values in graph.constants.items()}
    kinds = [each.kind for each in explain(rows, replace(graph, constants=weak)).contradictions]
    assert "reach" in kinds
    compared(len(found.rows), least=86)

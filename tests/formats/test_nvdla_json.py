"""NVDLA tables: what its script writes, what its compiler looks up, reading with every bad entry named."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.formats import nvdla_json
from int8sim.formats.dynamic_range import dynamic_range, through_range
from int8sim.formats.registry import read_table, write_table
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.errors import (
    BadScaleError,
    LayerError,
    MissingLayersError,
    NotATableError,
    RowNotWritableError,
    UnknownNameError,
)
from int8sim.model.table import Provenance, Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu
from int8sim.ops.softmax import Softmax
from int8sim.spec.float32 import float32, float32_from_bits

GAP = 0.027613282203674316  # a float32 that no float32 range gives
UNNAMED = "(Unnamed Layer* 1) [Fully Connected]_output"


def network():
    """pool, fully connected with an in-place ReLU, softmax: layer names are not tensor names, as in Caffe."""
    layers = [
        Layer("pool", MaxPool((2, 2), (2, 2)), ("data",), "pool"),
        Layer("flat", Flatten(), ("pool",), "flat"),
        Layer("fc", FullyConnected(), ("flat", "w"), UNNAMED),
        Layer("relu", Relu(), (UNNAMED,), "fc"),
        Layer("out", Softmax(1), ("fc",), "prob"),
    ]
    listed = ("data", "pool", UNNAMED, "fc", "prob")
    inputs = {"data": TensorType((1, 1, 4, 4), "float32", "NCHW")}
    return float_graph("net", layers, inputs, ["prob"], {"w": np.ones((3, 4), np.float32)}, listed)


SCALES = {"data": 0.5, "pool": 0.5, UNNAMED: 2.0, "fc": 1.0, "prob": 0.25}


def table(**changed):
    return Table({name: Row(changed.get(name, scale)) for name, scale in SCALES.items()})


def test_plain_text():
    expected = (
        '{\n    "data": {\n        "scale": 0.007845180109143257, \n        "min": 0, \n        "max": 0, \n'
        '        "offset": 0\n    }\n}'
    )
    assert nvdla_json.to_text(Table({"data": Row(0.007845180109143257)})) == expected


def test_plain_is_what_the_script_makes_of_names_and_values():
    """Colons skipped, spaces stripped, a later equal name in the first one's place, no JSON for NaN and infinity."""
    rows = {"a:0": 1.0, " b": 0.5, "c": float("inf"), "b\t": 0.25, "é": 0.0, "d": float("nan")}
    made = nvdla_json.written(Table({name: Row(scale) for name, scale in rows.items()}))
    scales = [line.lstrip() for line in made.text.split("\n") if "scale" in line]
    assert scales == ['"scale": 0.25, ', '"scale": Infinity, ', '"scale": 0.0, ', '"scale": NaN, ']
    assert list(made.table) == ["b", "c", "é", "d"]
    assert '"\\u00e9": {' in made.text
    named = [(caution.kind, caution.tensor) for caution in made.cautions]
    assert named == [("left out", "a:0"), ("left out", " b"), ("scale", "c"), ("scale", "d")]


def test_rows_left_out_are_returned(tmp_path):
    cautions = write_table(Table({"add:0": Row(1.0), "b": Row(1.0)}), tmp_path / "t", format="nvdla")
    assert [(caution.kind, caution.tensor) for caution in cautions] == [("left out", "add:0")]
    assert list(read_table(tmp_path / "t")) == ["b"]


def test_checked_names_the_layers():
    content = json.loads(nvdla_json.to_text(table(), network()))
    assert {name: entry["scale"] for name, entry in content.items()} == {
        "data": 0.5,
        "pool": 0.5,
        "fc": 2.0,
        "relu": 1.0,
        "out": 0.25,
    }
    assert list(content) == ["data", "pool", "fc", "relu", "out"]


def test_checked_keeps_who_shares_with_whom_by_the_new_names():
    rows = dict(table().rows)
    rows["fc"] = Row(2.0, shared_with=UNNAMED)
    assert nvdla_json.layer_table(Table(rows), network())["relu"].shared_with == "fc"


def test_checked_needs_every_layer(tmp_path):
    rows = {name: row for name, row in table().items() if name not in {"data", UNNAMED}}
    with pytest.raises(MissingLayersError, match=r"data, fc \(tensor '\(Unnamed Layer\* 1\)") as caught:
        write_table(Table(rows), tmp_path / "t", format="nvdla", graph=network())
    assert caught.value.layers == {"data": "data", "fc": UNNAMED}
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scale", [0.0, -1.0, float("inf"), float("nan"), 3e38])
def test_checked_refuses_what_the_compiler_cannot_use(scale):
    with pytest.raises(BadScaleError, match="tensor 'pool'"):
        nvdla_json.to_text(table(pool=scale), network())


def test_checked_refuses_one_name_for_two_scales():
    graph = network()
    layers = [*graph.layers[:-1], Layer("fc", Softmax(1), ("fc",), "prob")]
    inputs = {"data": graph.tensors["data"]}
    twice = float_graph("net", layers, inputs, ["prob"], graph.constants, graph.listed)
    with pytest.raises(LayerError, match="layer 'fc': it names two layers"):
        nvdla_json.to_text(table(), twice)
    assert nvdla_json.to_text(table(prob=2.0), twice)


@pytest.mark.parametrize("graph", [None, network()])
def test_scales_that_the_compiler_changes_are_named(graph):
    made = nvdla_json.written(table(pool=GAP), graph)
    assert [(caution.kind, caution.tensor) for caution in made.cautions] == [("range", "pool")]
    assert repr(GAP) in made.cautions[0].message
    assert repr(through_range(GAP)) in made.cautions[0].message


@given(st.integers(0x00800000, 0x7B000000))
def test_the_way_through_a_range_is_numpys_float32(bits):
    scale = float32_from_bits(bits)
    amax = np.float32(scale) * np.float32(127.0)
    assert dynamic_range(scale) == float(amax)
    assert through_range(scale) == float(np.float32(np.float64(amax) / 127.0))


@given(st.integers(0x00800000, 0x7B000000))
def test_a_scale_that_changes_is_one_that_no_range_gives(bits):
    scale = float32_from_bits(bits)
    if through_range(scale) != scale:
        near = np.float32(dynamic_range(scale)).view(np.uint32)
        for step in range(-3, 4):
            assert float32(float32_from_bits(int(near) + step) / 127) != scale


def test_the_gap_is_one():
    assert through_range(GAP) != GAP


def test_other_formats_options_are_refused(tmp_path):
    with pytest.raises(UnknownNameError, match="unknown option of table format nvdla 'padded'; known: graph"):
        write_table(table(), tmp_path / "t", format="nvdla", padded=True)
    with pytest.raises(UnknownNameError, match="'graph'"):
        write_table(table(), tmp_path / "t", graph=network())


def test_a_name_that_rapidjson_refuses(tmp_path):
    with pytest.raises(RowNotWritableError, match="surrogate"):
        write_table(Table({"\udc80": Row(1.0)}), tmp_path / "t", format="nvdla")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}', "entry 'a' is 1"),
        ('{"a": {"scale": "x"}}', "entry 'a': scale is 'x', not a number"),
        ('{"a": {"scale": true}}', "entry 'a': scale is True"),
        ('{"a": {"scale": 1' + "0" * 400 + "}}", "entry 'a': scale is beyond every float"),
        ('{"a": {"scale": 1, "offset": 3}}', "entry 'a': offset is 3"),
        ('{"a": {"scale": 1, "min": -1, "max": 1}}', "entry 'a' has both scale and min, max"),
        ('{"a": {"scale": 1, "min": -1}}', "entry 'a' has both"),
        ('{"a": {}}', "entry 'a' has neither scale nor both min and max"),
        ('{"a": {"min": 0}}', "entry 'a' has neither scale nor both min and max"),
        ('{"a": {"max": 1, "offset": 0}}', "entry 'a' has neither"),
        ('{"a": {"min": 2, "max": 1}}', r"tensor 'a': range \(2.0, 1.0\)"),
        ('{"a": {"min": NaN, "max": 1}}', "tensor 'a': range"),
        ('{"a": {"scale": 1}, "a": {"scale": 2}}', "key 'a' stands twice"),
        ('{"a": \n', "line 2"),
        ('{"a": ' + "[" * 100_000, "not a table"),
        ('{"a": {"scale": 1' + "0" * 5000 + "}}", "not a table"),
        ("{}", "a JSON object"),
    ],
)
def test_bad_entries_are_named(tmp_path, content, message):
    path = tmp_path / "bad.json"
    path.write_text(content)
    with pytest.raises(NotATableError, match=message) as caught:
        read_table(path)
    assert caught.value.path == str(path)


def test_reading_min_and_max_as_the_compiler_does(tmp_path):
    """Into float32 first, then the greater |bound| over 127, in double, rounded once more (Tensor.cpp)."""
    path = tmp_path / "t.json"
    path.write_text('{"a": {"min": -2.54, "max": 1.27, "offset": 0}, "b": {"scale": 0.1, "min": 0, "max": 0}}')
    table = read_table(path)
    expected = np.float32(np.float64(np.float32(2.54)) / 127.0)
    assert table["a"] == Row(float(expected), float(np.float32(-2.54)), float(np.float32(1.27)))
    assert table["b"] == Row(float(np.float32(0.1)))


@given(
    st.dictionaries(st.text(st.characters(codec="ascii", exclude_characters=": \t\n\r\x0b\x0c")), st.integers(0, 2**31))
)
def test_any_plain_table_comes_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("nvdla") / "t"
    scales = {name: Row(float32_from_bits(bits)) for name, bits in rows.items() if bits <= 0x7F800000}
    write_table(Table(scales), path, format="nvdla")
    if scales:
        assert read_table(path).rows == scales
        assert list(read_table(path)) == list(scales)


@pytest.mark.witness
def test_plain_is_what_its_script_writes(oracle_folder, tmp_path, compared):
    """959 bytes that NVDLA's calib_txt_to_json.py makes of the sampleINT8 README table."""
    table = read_table(oracle_folder / "nvdla" / "readme_table.cache")
    assert write_table(table, tmp_path / "t.json", format="nvdla") == ()
    expected = (oracle_folder / "nvdla" / "readme_table_calib.json").read_bytes()
    assert (tmp_path / "t.json").read_bytes() == expected
    compared(len(expected), least=959)


@pytest.mark.witness
def test_checked_is_the_table_that_a_real_lenet_was_compiled_with(oracle_folder, tmp_path, compared):
    """lenet.int8.json from lenet.calibration.table and the layers of lenet.prototxt, 1,045 bytes."""
    folder = oracle_folder / "tensorrt" / "lenet_trt7202"
    table = read_table(folder / "lenet.calibration.table")
    assert write_table(table, tmp_path / "t.json", format="nvdla", graph=caffe_lenet()) == ()
    expected = (folder / "lenet.int8.json").read_bytes()
    assert (tmp_path / "t.json").read_bytes() == expected
    again = read_table(tmp_path / "t.json")
    assert again == read_table(folder / "lenet.int8.json")
    assert again.provenance == Provenance(producer="NVDLA JSON")
    compared(len(expected), least=1045)


def caffe_lenet():
    """lenet.prototxt's layers, each with the tensor that TensorRT's table names; the weights do not matter here."""
    unnamed = "(Unnamed Layer* 4) [Fully Connected]_output"
    tensors = {"ip1": unnamed, "relu1": "ip1"}
    layers, source = [], "data"
    for name in ("conv1", "pool1", "conv2", "pool2", "flatten", "ip1", "relu1", "ip2", "prob"):
        op = Flatten() if name == "flatten" else Relu()
        layers.append(Layer(name, op, (source,), tensors.get(name, name)))
        source = layers[-1].output
    listed = ("data", *(layer.output for layer in layers if layer.name != "flatten"))
    inputs = {"data": TensorType((1, 1, 28, 28), "float32", "NCHW")}
    return float_graph("LeNet", layers, inputs, ["prob"], {}, listed)

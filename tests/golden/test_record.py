"""Recording some samples at a time: the same file, in bounded memory, and no broken one when it is stopped."""

import dataclasses
import json
import os
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

from int8sim import api
from int8sim.golden import packaged, record, store
from int8sim.golden.digests import data_sets, items
from int8sim.graph.run import run
from int8sim.model.errors import DamagedDataSetError, InputMismatchError, NotAGoldenFileError, ParameterError

from . import small

REFERENCE = {"backend": "reference"}


@pytest.fixture(scope="module")
def graph():
    return small.lowered()


@pytest.fixture
def recorded(graph, tmp_path):
    path = tmp_path / "g.h5"
    api.record(graph, {"x": small.images()}, path, samples=3, accumulators=True, **REFERENCE)
    return path


class Watched:
    """Images of which only slices are handed out, and are counted."""

    def __init__(self, stop_at=None):
        self.array, self.asked = small.images(), []
        self.ndim = self.array.ndim

    def __len__(self):
        return len(self.array)

    def __getitem__(self, part):
        self.asked.append(len(self.array[part]))
        return self.array[part]


def test_pieces_give_the_same_values_as_one_run(graph, recorded, tmp_path, monkeypatch):
    """Whole and in pieces of two: every data set has the same values; the input is never read whole."""
    monkeypatch.setattr(record, "AT_ONCE", 2)
    path, watched = tmp_path / "pieces.h5", Watched()
    api.record(graph, {"x": watched}, path, samples=3, accumulators=True, **REFERENCE)
    assert watched.asked == [2, 2, 1]
    with h5py.File(path) as pieces, h5py.File(recorded) as whole:
        assert (pieces.attrs["batch"], whole.attrs["batch"]) == (2, 250)
        found = {name: data_set[()] for name, data_set in data_sets(items(pieces)).items()}
        assert found.keys() == data_sets(items(whole)).keys()
        assert all(np.array_equal(values, whole[name][()]) for name, values in found.items())
    report = api.verify(path, **REFERENCE)
    assert report.matched
    assert report.compared == api.verify(recorded, **REFERENCE).compared


def test_a_read_file_is_read_by_parts(recorded):
    golden = store.read(recorded)
    assert golden.rows("block/conv.1", 1, 3).shape == (2, 3, 2, 5)
    assert golden.rows("block/conv.1", 2, 9).shape == (1, 3, 2, 5), "three are kept"
    assert (golden.count, golden.recorded("block/conv.1"), golden.recorded("y")) == (5, 3, 5)
    assert np.array_equal(golden.inputs["x"], small.images())


def test_accumulators_are_what_the_definition_sums(graph, recorded, compared):
    """Each one by the interpreted definition; and the output step makes the recorded tensor of it."""
    golden = store.read(recorded)
    assert set(golden.accumulators) == {"block/conv.1", "y_quantized"}
    tensors = run(graph, {"x": small.images()[:3]}, keep="all", **REFERENCE)
    for name, sums in golden.accumulators.items():
        layer, values = graph.producer(name), tensors[name]
        assert sums.dtype == np.int32
        inputs = [graph.constants.get(each, tensors.get(each)) for each in layer.inputs]
        for index in np.ndindex(*values.shape):
            assert sums[index] == layer.op.accumulator(graph.types(layer), layer.arithmetic, inputs, index)
            assert layer.arithmetic["output"](int(sums[index]), channel=index[1]) == values[index]
        compared(sums.size)


def test_accumulators_of_more_than_32_bits_are_int64(tmp_path):
    """NVDLA's 34 bits, and 16-bit activations."""
    for profile, dtype in (("nvdla", "int64"), ("onnxruntime", "int32")):
        path = tmp_path / f"{profile}.h5"
        api.record(small.lowered(profile), {"x": small.images()}, path, accumulators=True, **REFERENCE)
        assert {values.dtype.name for values in store.read(path).accumulators.values()} == {dtype}


def test_a_wrong_accumulator_is_found(recorded):
    with h5py.File(recorded, "r+") as file:
        file["accumulators/y_quantized"][1, 2] += 1
        file.attrs["digest"] = store._digest(file)
    report = api.verify(recorded, **REFERENCE)
    assert (report.different, report.first.tensor, report.first.index) == (1, "accumulators/y_quantized", (1, 2))
    assert report.first.expected - report.first.actual == 1


def test_plain_h5py_shows_layers_and_tensors(graph, recorded):
    with h5py.File(recorded) as file:
        conv = file["layers/block%2Fconv"]
        assert (conv.attrs["op"], conv.attrs["number"], conv.attrs["output"]) == ("conv2d", 1, "block/conv.1")
        assert conv.attrs["strides"].tolist() == [2, 1]
        step = graph.producer("block/conv.1").arithmetic["output"]
        assert conv["output"].attrs["function"] == step.name
        assert conv["output"].attrs["zero_point"] == step.parameters["zero_point"]
        assert conv["output/multiplier"][()].tolist() == step.parameters["multiplier"].tolist()
        tensor = file["tensors/block%2Fconv%2E1"]
        assert tensor.attrs["tensor"] == "block/conv.1"
        assert tensor.attrs["scale"] == graph.tensors["block/conv.1"].quantized.scale
        assert json.loads(bytes(file.attrs["graph"]))["name"] == graph.name


def test_files_of_schema_1_are_read():
    """Those that the engines made with version 0.1.0; the comparisons are in the other tests."""
    path = packaged.lenet("onnxruntime.h5")
    with h5py.File(path) as file:
        assert file.attrs["int8sim_schema"] == 1
    golden = store.read(path)
    assert (golden.count, golden.recorded("conv1"), golden.batch) == (1000, 16, 0)
    assert not golden.accumulators


@pytest.mark.parametrize(
    "key", ["tensors/flat", "constants/fc_weight", "sha256/y", "arithmetic/block%2Fconv/output/shift"]
)
def test_a_damaged_data_set_is_named(recorded, key):
    with h5py.File(recorded, "r+") as file:
        flat = file[key][()].reshape(-1)
        flat[-1] ^= 1
        file[key][...] = flat.reshape(file[key].shape)
    with pytest.raises(DamagedDataSetError, match="do not match its SHA-256") as caught:
        store.read(recorded)
    assert caught.value.data_set == f"/{key}"


@pytest.mark.parametrize("key", ["tensors/flat", "constants/fc_weight", "sha256/y", "inputs/x"])
def test_a_missing_data_set_is_named(recorded, key):
    with h5py.File(recorded, "r+") as file:
        del file[key]
    with pytest.raises(DamagedDataSetError, match="it is missing") as caught:
        store.read(recorded)
    assert caught.value.data_set == f"/{key}"


@pytest.mark.parametrize("name", ["producer", "batch", "graph"])
def test_an_edited_attribute_is_noticed(recorded, name):
    with h5py.File(recorded, "r+") as file:
        graph = np.void(bytes(file.attrs["graph"]).replace(b"small", b"large"))
        file.attrs[name] = {"producer": "ONNX Runtime", "batch": 7, "graph": graph}[name]
    with pytest.raises(NotAGoldenFileError, match="damaged or was edited"):
        store.read(recorded)


def test_a_graph_is_read_past_damaged_samples(recorded, graph):
    """The samples of a large file are not looked at for its graph; its constants are."""
    with h5py.File(recorded, "r+") as file:
        values = file["tensors/flat"][()]
        file["tensors/flat"][...] = values ^ 1
    assert store.read_graph(recorded).name == graph.name
    with h5py.File(recorded, "r+") as file:
        file["constants/fc_weight"][...] = file["constants/fc_weight"][()] ^ 1
    with pytest.raises(DamagedDataSetError, match="/constants/fc_weight"):
        store.read_graph(recorded)


def test_a_file_cut_anywhere_is_named(recorded, tmp_path):
    whole, short = recorded.read_bytes(), tmp_path / "short.h5"
    for size in range(0, len(whole), len(whole) // 9):
        short.write_bytes(whole[:size])
        with pytest.raises(NotAGoldenFileError) as caught:
            store.read(short)
        assert str(short) in str(caught.value)


def test_bad_samples_leave_nothing(graph, tmp_path):
    path = tmp_path / "g.h5"
    for bad, message in (({}, "no such input"), ({"x": small.images()[:0]}, "found float32 \\[0")):
        with pytest.raises(InputMismatchError, match=message):
            api.record(graph, bad, path, **REFERENCE)
    with pytest.raises(InputMismatchError, match="4 samples, the network expects 5, as in the first"):
        api.record(graph, {"x": small.images(), "z": small.images()[:4]}, path, **REFERENCE)
    with (
        pytest.raises(ParameterError, match="number of samples is 0; allowed: 5"),
        store.writing(path, graph, store.Producer(), 5),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


CHILD = """
import os, pickle, signal, sys
import numpy as np
from int8sim import api
from int8sim.golden import record
record.AT_ONCE = 1
class Stopping:
    ndim = 4
    def __len__(self):
        return 5
    def __getitem__(self, part):
        if part.start == 2:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # a runner in the background has it ignored
            os.kill(os.getpid(), int(sys.argv[2]))
        return np.zeros((1, 2, 4, 5), np.float32)
graph = api.load(sys.argv[1])
api.record(graph, {"x": Stopping()}, sys.argv[3], backend="reference")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_stopped_record_leaves_the_old_file(recorded, tmp_path, number):
    """Killed behind the second sample: under the final name is what was there before, whole."""
    target = tmp_path / "target.h5"
    target.write_bytes(recorded.read_bytes())
    arguments = [sys.executable, "-c", CHILD, recorded, str(int(number)), target]
    done = subprocess.run(arguments, capture_output=True, check=False, env={**os.environ})
    assert done.returncode != 0
    assert target.read_bytes() == recorded.read_bytes()
    left = {path.name for path in tmp_path.iterdir()} - {"g.h5", "target.h5"}
    assert left == set() if number == signal.SIGINT else all(name.endswith(".partial") for name in left)


def test_layers_of_one_name_are_kept_apart(graph, tmp_path):
    """Names of layers need not differ, those of tensors do."""
    flatten = dataclasses.replace(graph.layers[2], name="quantize_x", inputs=("x_quantized",))
    kinds = {**graph.tensors, "flat": dataclasses.replace(graph.tensors["flat"], shape=(1, 40))}
    same = dataclasses.replace(graph, layers=(graph.layers[0], flatten), tensors=kinds, outputs=("flat",))
    path = tmp_path / "g.h5"
    store.write(path, same, {}, store.Producer())
    with h5py.File(path) as file:
        assert [file[f"layers/{name}"].attrs["op"] for name in ("quantize_x", "quantize_x#1")] == [
            "quantize",
            "flatten",
        ]
    assert [layer.name for layer in store.read_graph(path).layers] == ["quantize_x", "quantize_x"]

"""The golden store: exact round trip, plain h5py, damage by name; and the comparer's explanation."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest

from int8sim import api
from int8sim.golden import store
from int8sim.golden.compare import compare, is_defined
from int8sim.golden.graph_json import encode
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.errors import InputMismatchError, NotAGoldenFileError, OutputNotWritableError, UnknownNameError
from int8sim.model.step import Step
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.clip import Clip
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.softmax import Softmax
from int8sim.profiles.registry import profiles
from int8sim.spec.requantize import real_half_away


def network():
    rng = np.random.default_rng(3)
    layers = [
        Layer("conv/1", Conv2d(pads=(1, 1, 1, 1)), ("x", "w", "b"), "conv.1"),
        Layer("clip", Clip(0.0), ("conv.1",), "clipped"),
        Layer("pool", MaxPool((2, 2), (2, 2)), ("clipped",), "pool"),
        Layer("flat", Flatten(), ("pool",), "flat"),
        Layer("fc", FullyConnected(), ("flat", "v"), "fc"),
        Layer("prob", Softmax(1), ("fc",), "prob"),
    ]
    constants = {
        "w": rng.standard_normal((5, 2, 3, 3)),
        "b": rng.standard_normal(5),
        "v": rng.standard_normal((4, 80)) / 9,
    }
    kind = TensorType((1, 2, 8, 8), "float32", "NCHW")
    return float_graph("net", layers, {"x": kind}, ["prob"], {k: v.astype(np.float32) for k, v in constants.items()})


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(4).standard_normal((6, 2, 8, 8)).astype(np.float32)


@pytest.fixture(scope="module")
def lowered(images):
    graph = network()
    tensors = run(graph, {"x": images}, keep="all")
    rows = {k: Row(float(np.float32(abs(v).max() / 127)), float(v.min()), float(v.max())) for k, v in tensors.items()}
    return {name: lower(graph, Table(rows), profile=name, preset="mixed") for name in profiles()}


@pytest.fixture
def recorded(lowered, images, tmp_path):
    path = tmp_path / "g.h5"
    api.record(lowered["tflite_reference"], {"x": images}, path, samples=2)
    return path


@pytest.mark.parametrize("profile", profiles())
def test_round_trip_is_exact(lowered, images, tmp_path, profile):
    """Same JSON, same arrays, same bits after HDF5, for every profile."""
    path = tmp_path / "g.h5"
    api.record(lowered[profile], {"x": images}, path)
    again = api.load(path)
    (text, arrays), (text_again, arrays_again) = encode(lowered[profile]), encode(again)
    assert text == text_again
    assert arrays.keys() == arrays_again.keys()
    assert all((arrays[key] == arrays_again[key]).all() for key in arrays)
    report = api.verify(path)
    assert report.matched
    tensors = run(again, {"x": images}, keep="all")
    assert report.compared == sum(values.size for name, values in tensors.items() if name != "x")


def test_plain_h5py_reads_it(recorded):
    with h5py.File(recorded) as file:
        assert file.attrs["int8sim_schema"] == 2
        assert file.attrs["producer"] == "int8sim"
        assert file["inputs/x"].shape == (6, 2, 8, 8)
        assert file["tensors/clipped"].shape == (2, 5, 8, 8)
        assert file["tensors/clipped"].dtype == np.int8
        assert file["sha256/clipped"].shape == (6, 32)
        assert file["outputs/prob"].shape == (6, 4)
        layers = json.loads(bytes(file.attrs["graph"]))["layers"]
        assert [layer["op"] for layer in layers][:2] == ["quantize", "conv2d"]


def test_reference_backend_agrees(recorded):
    assert api.verify(recorded, backend="reference").matched


def test_recording_twice_gives_the_same_bytes(lowered, images, tmp_path):
    for name in ("a", "b"):
        api.record(lowered["nvdla"], {"x": images}, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def edit(path, key, change, fix_digest=True):
    with h5py.File(path, "r+") as file:
        values = file[key][()]
        change(values)
        file[key][...] = values
        if fix_digest:
            file.attrs["digest"] = store._digest(file)


def flip(values):
    values[(1, 3, 2, 5)] ^= 1


def test_one_flipped_bit_is_found_and_explained(recorded, lowered):
    edit(recorded, "tensors/clipped", flip)
    report = api.verify(recorded)
    assert not report
    assert report.different == 1
    first = report.first
    assert (first.layer, first.op, first.tensor, first.index) == ("conv/1", "conv2d", "clipped", (1, 3, 2, 5))
    assert abs(first.actual - first.expected) == 1
    graph = lowered["tflite_reference"]
    layer = graph.producer("clipped")
    assert layer.arithmetic["output"](first.accumulator, channel=3) == first.actual
    text = "\n".join(first.lines())
    for word in ("expected", "accumulator", "multiplier=", "shift=", "output_double"):
        assert word in text


def test_a_sample_known_by_hash_only_is_counted(recorded):
    def damage(values):
        values[5, 0] ^= 1

    edit(recorded, "sha256/pool", damage)
    report = api.verify(recorded)
    entry = next(entry for entry in report.tensors if entry.tensor == "pool")
    assert (entry.bad_samples, entry.different) == ([5], 1)
    assert not report


def test_another_arithmetic_is_caught(recorded, lowered):
    report = api.verify(recorded, graph=lowered["tensorrt"])
    assert not report
    assert report.problems or report.different


def test_damage_is_named(recorded, tmp_path):
    edit(recorded, "tensors/clipped", flip, fix_digest=False)
    with pytest.raises(NotAGoldenFileError, match="damaged or was edited"):
        api.verify(recorded)
    whole = recorded.read_bytes()
    for size in (0, 7, 600, len(whole) // 2, len(whole) - 9):
        short = tmp_path / "short.h5"
        short.write_bytes(whole[:size])
        with pytest.raises(NotAGoldenFileError) as caught:
            api.verify(short)
        assert str(short) in str(caught.value)


def test_foreign_newer_and_missing_files(recorded, tmp_path):
    other = tmp_path / "other.h5"
    with h5py.File(other, "w") as file:
        file["a"] = [1]
    with pytest.raises(NotAGoldenFileError, match="something else"):
        api.verify(other)
    with h5py.File(recorded, "r+") as file:
        file.attrs["int8sim_schema"] = 99
    with pytest.raises(NotAGoldenFileError, match="schema 99"):
        api.load(recorded)
    with pytest.raises(NotAGoldenFileError, match="no such file"):
        api.load(tmp_path / "none.h5")


def test_an_unregistered_function_is_refused(recorded):
    """A stored graph names its functions; what is not registered is never imported."""
    with h5py.File(recorded, "r+") as file:
        text = bytes(file.attrs["graph"]).replace(b"int8sim.spec.requantize:output_double", b"os:system")
        file.attrs["graph"] = np.void(text)
        file.attrs["digest"] = store._digest(file)
    with pytest.raises(NotAGoldenFileError, match="unknown spec function 'os:system'"):
        api.load(recorded)


def test_an_unwritable_folder_leaves_nothing(lowered, images, tmp_path):
    with pytest.raises(OutputNotWritableError):
        api.record(lowered["nvdla"], {"x": images}, tmp_path / "none" / "g.h5")
    assert list(tmp_path.iterdir()) == []


def test_a_graph_alone(lowered, tmp_path):
    path = tmp_path / "g.h5"
    store.write(path, lowered["nvdla"], {}, store.Producer())
    assert encode(api.load(path))[0] == encode(lowered["nvdla"])[0]
    with pytest.raises(NotAGoldenFileError, match="no samples"):
        api.verify(path)


def test_bad_inputs_of_run_are_named(lowered, images):
    graph = lowered["nvdla"]
    for bad, message in (
        ({}, "no such input"),
        ({"x": images, "y": images}, "data for it"),
        ({"x": images[:, :1]}, r"float32 \[N, 2, 8, 8\]"),
        ({"x": images[:0]}, r"found float32 \[0, 2, 8, 8\]"),
        ({"x": images.astype(complex)}, "complex128"),
    ):
        with pytest.raises(InputMismatchError, match=message):
            run(graph, bad)
    with pytest.raises(UnknownNameError, match="cpu, cuda, reference"):
        run(graph, {"x": images}, backend="gpu")


def test_definedness_is_asked_of_the_step():
    step = Step(real_half_away, {"multiplier": np.float64(2.0)})
    assert is_defined(step, (1 << 29,), 0)
    assert not is_defined(step, (1 << 31,), 0)


def test_import_loads_nothing():
    code = "import int8sim, sys; print(sorted({'numpy', 'numba', 'onnx', 'h5py'} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_compare_counts_every_value(recorded):
    golden = store.read(recorded)
    report = compare(golden)
    assert {entry.tensor: entry.compared for entry in report.tensors}["x_quantized"] == 6 * 2 * 8 * 8

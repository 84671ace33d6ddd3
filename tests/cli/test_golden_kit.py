"""`int8sim golden generate` and `diff`: vectors written, a device's mistake named, bad dumps refused by name."""

import json
from dataclasses import replace

import h5py
import numpy as np
import pytest
from PIL import Image

from int8sim.api import record
from int8sim.cli import golden_generate
from int8sim.golden.mutations.catalogue import catalogue
from int8sim.golden.mutations.subject import Subject
from int8sim.golden.store import read
from int8sim.model.errors import LayerError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kit")


@pytest.fixture
def golden(folder, command):
    path = folder / "pool.h5"
    if not path.exists():
        options = ("--profile", "tflite_reference", "--kill-score", "-o", path)
        status, out, _ = command("golden", "generate", "average_pool", *options)
        assert status == 0
        assert "vectors kill 11 of 11 mutations" in out
        assert "random" in out
        assert "all" in out
        assert "sums tried" in out
    return path


def device(golden, folder, key, name="dut.npz"):
    """A dump of a device with one of the catalogue's mistakes."""
    file = read(golden)
    (layer,), (tensor,) = file.graph.layers, file.graph.outputs
    expected, given = file.outputs[tensor], [file.inputs[layer.inputs[0]]]
    entries = catalogue(Subject.of(file.graph, layer))
    wrong = next(each.subject for each in entries if each.key == key)
    actual = wrong.values(given, np.arange(expected.size)).reshape(expected.shape)
    np.savez(folder / name, **{tensor: actual})
    return folder / name


def test_generated_vectors_are_a_golden_file(command, golden):
    status, out, _ = command("golden", "verify", golden)
    assert status == 0
    assert "every bit equal" in out


def test_the_mistake_is_named(command, golden, folder):
    dump = device(golden, folder, "finish.round_half_even")
    status, out, _ = command("golden", "diff", golden, dump, "--png", folder / "heat.png")
    assert status == 1
    assert "all are explained" in out
    assert "ties to even instead of ties away from zero (finish: average_half_away)" in out
    assert "mismatches by channel" in out
    with Image.open(folder / "heat.png") as heat:
        assert heat.mode == "L"
        assert heat.getextrema() == (0, 255)
    status, out, _ = command("golden", "diff", golden, dump, "--json")
    found = json.loads(out)
    assert (status, found["matched"], found["diagnosis"]["explained"]) == (1, False, True)
    assert sum(found["by_channel"]) == found["different"] == found["tensors"][0]["different"]


def test_equal_dumps(command, golden):
    status, out, _ = command("golden", "diff", golden, golden)
    assert status == 0
    assert "every bit equal" in out


def test_a_flipped_bit_is_not_explained(command, golden, folder):
    file = read(golden)
    (tensor,) = file.graph.outputs
    values = np.array(file.outputs[tensor])
    values.flat[7] ^= 64
    np.savez(folder / "flipped.npz", **{tensor: values})
    status, out, _ = command("golden", "diff", golden, folder / "flipped.npz")
    assert status == 1
    assert "none of the catalogue's" in out


def test_a_wrong_input_has_no_layer(command, golden, folder):
    file = read(golden)
    (tensor,) = file.graph.inputs
    np.savez(folder / "input.npz", **{tensor: file.inputs[tensor] ^ 1})
    status, out, _ = command("golden", "diff", golden, folder / "input.npz")
    assert status == 1
    assert "no layer can be judged" in out


def test_too_few_vectors_leave_survivors(command, golden):
    """And the same seed finds the same."""
    status, out, _ = command("golden", "generate", golden, "--layer", "layer", "--vectors", "1", "--json")
    found = json.loads(out)["layers"][0]
    assert (status, found["vectors"]) == (1, 1)
    assert found["killed"] + len(found["survivors"]) + len(found["proved"]) == found["mutations"]


def test_a_layer_that_cannot_be_covered_is_named_and_the_others_go_on(command, golden, folder, monkeypatch):
    file = read(golden)
    graph, (layer,), (x,) = file.graph, file.graph.layers, file.graph.inputs
    twin = replace(layer, name="twin", output="twin")
    tensors = {**graph.tensors, "twin": graph.tensors[layer.output]}
    both = replace(graph, layers=(layer, twin), tensors=tensors, outputs=(layer.output, "twin"))
    record(both, {x: np.array(file.inputs[x])}, folder / "both.h5")
    right = golden_generate.generate

    def generate(graph, layer, **options):
        if layer.name == "layer":
            raise LayerError("layer", "no such vectors")
        return right(graph, layer, **options)

    monkeypatch.setattr(golden_generate, "generate", generate)
    status, out, _ = command("golden", "generate", folder / "both.h5", "--json")
    found = json.loads(out)
    assert (status, found["complete"]) == (1, False)
    assert found["not_covered"] == [{"layer": "layer", "reason": "no such vectors"}]
    assert [each["layer"] for each in found["layers"]] == ["twin"]
    status, out, _ = command("golden", "generate", folder / "both.h5")
    assert status == 1
    assert "not covered: layer 'layer': no such vectors" in out
    assert "twin (average_pool)" in out
    status, _, err = command("golden", "generate", folder / "both.h5", "--layer", "layer")
    assert status == 2
    assert "no such vectors" in err


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"y_quantized": np.zeros((1, 2), np.int8)}, "int8[1, 2]; tensor"),
        ({"y_quantized": "uint8"}, "is uint8"),
        ({"other": np.zeros(3)}, "tensor 'other' is not in the golden file"),
    ],
)
def test_bad_dumps_are_named(command, golden, folder, arrays, says):
    shape = read(golden).outputs["y_quantized"].shape
    given = {name: np.zeros(shape, each) if isinstance(each, str) else each for name, each in arrays.items()}
    np.savez(folder / "bad.npz", **given)
    status, _, err = command("golden", "diff", golden, folder / "bad.npz")
    assert status == 2
    assert says in " ".join(err.split())


def test_damaged_files_are_named(command, golden, folder):
    (folder / "broken.npz").write_bytes(b"PK\x03\x04 no archive")
    assert command("golden", "diff", golden, folder / "broken.npz")[0] == 2
    assert command("golden", "diff", golden, folder / "absent.npz")[0] == 2
    cut = folder / "cut.h5"
    cut.write_bytes(golden.read_bytes()[:3000])
    assert command("golden", "diff", golden, cut)[0] == 2
    with h5py.File(folder / "foreign.h5", "w") as file:
        file["x"] = 1
    assert command("golden", "diff", folder / "foreign.h5", golden)[0] == 2


def test_bad_words_are_named(command, golden):
    assert "known: add, average_pool" in " ".join(command("golden", "generate", "conv3d")[2].split())
    assert "profile is None" in command("golden", "generate", "add")[2]
    assert "integer layer 'z'" in command("golden", "generate", golden, "--layer", "z")[2]

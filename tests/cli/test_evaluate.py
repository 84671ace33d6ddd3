"""`int8sim evaluate`: accuracy and changed predictions, counted here once more; labels, ranges, targets; bad input."""

import json

import numpy as np
import pytest

from int8sim import api
from int8sim.cli.accuracy import judge
from int8sim.golden import store
from int8sim.golden.packaged import lenet

from .small_network import CLASSES, write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("evaluate"))


def arguments(folder, *options):
    """The small network on its data, as JSON."""
    given = ("--data", folder / "data.npy", "--backend", "reference", "--json")
    return ("evaluate", folder / "model.onnx", *given, *options)


def results(command, folder, *options):
    status, out, err = command(*arguments(folder, *options))
    assert status == 0, err
    return json.loads(out)["results"]


def predictions(graph, x):
    """By score, then by class number."""
    scores = api.run(graph, {"x": x}, backend="reference")["y"]
    return [sorted(range(CLASSES), key=lambda place: (-row[place], place)) for row in scores.tolist()]


def test_counts_are_those_of_the_predictions(command, folder):
    """Ranges far too narrow, so that predictions change: each count from sorted scores."""
    coarse = folder / "coarse.cache"
    table = api.read_table(folder / "small.cache")
    narrow = {name: row.threshold / (1 if name == "x" else 12) for name, row in table.items()}
    api.write_table(api.read_table(folder / "small.cache").from_ranges(narrow), coarse, format="tensorrt")
    x, labels = np.load(folder / "data.npy"), np.load(folder / "labels.npy").tolist()
    network = api.load(folder / "model.onnx")
    real = predictions(network, x)
    found = results(command, folder, "--table", coarse, "--labels", folder / "labels.npy", "--profile", "nvdla")
    ranked = [real, predictions(api.lower(network, api.read_table(coarse), profile="nvdla"), x)]
    for entry, own in zip(found, ranked, strict=True):
        right = [order[0] == label for order, label in zip(own, labels, strict=True)]
        before = [order[0] == label for order, label in zip(real, labels, strict=True)]
        assert entry["top1"] == sum(right) / len(x)
        assert entry["top5"] == sum(label in order[:5] for order, label in zip(own, labels, strict=True)) / len(x)
        assert entry["changed"] == sum(a[0] != b[0] for a, b in zip(own, real, strict=True))
        assert entry["lost"] == sum(b and not a for a, b in zip(right, before, strict=True))
        assert entry["gained"] == sum(a and not b for a, b in zip(right, before, strict=True))
    assert found[0]["changed"] == 0 < found[1]["changed"]


def test_both_directions_and_neither():
    """Right to wrong, wrong to right, wrong to another wrong one, the same."""
    real, found = np.array([[0, 1], [0, 1], [0, 1], [1, 0]]), np.array([[1, 0], [1, 0], [2, 0], [1, 0]])
    entry = judge("x", found, 1.0, np.array([0, 1, 1, 1]), real)
    assert (entry.top1, entry.top5, entry.changed, entry.lost, entry.gained) == (0.5, 0.75, 3, 1, 1)
    assert judge("x", found, 1.0, None, real).row() == ["x", "", "", "3", "1"]


def test_targets_presets_tables_and_calibrators_in_one_table(command, folder):
    """Every combination once, behind the float network; a table's calibrator gives what `calibrate` writes."""
    made = folder / "minmax.cache"
    x = np.load(folder / "data.npy")
    batches = [x[start : start + 4] for start in range(0, 12, 4)]
    table = api.calibrate(api.load(folder / "model.onnx"), batches, method="minmax", backend="reference")
    api.write_table(table, made, format="tensorrt")
    ranges = ("--table", made, "--method", "minmax", "--calibrate-on", folder / "data.npy", "--batch-size", "4")
    targets = ("--profile", "nvdla", "--profile", "onnxruntime", "--preset", "performance", "--preset", "mixed")
    found = results(command, folder, *ranges, *targets, "--labels", folder / "labels.npy")
    names = [(entry["name"], entry["preset"], entry["ranges"]) for entry in found]
    both = [(name, preset) for name in ("nvdla", "onnxruntime") for preset in ("performance", "mixed")]
    assert names == [("float32", "", ""), *((*each, source) for source in (str(made), "minmax") for each in both)]
    counts = [[entry[key] for key in ("top1", "top5", "changed", "lost", "gained")] for entry in found]
    assert counts[1] == counts[5], "nvdla has symmetric activations, which a cache holds whole"


def test_a_graph_as_it_is(command, folder):
    """The same row as of the lowering that it was written by; no table is needed then."""
    lowered = api.lower(api.load(folder / "model.onnx"), api.read_table(folder / "small.cache"), profile="nvdla")
    store.write(folder / "nvdla.h5", lowered, {}, store.Producer())
    options = ("--labels", folder / "labels.npy", "--profile", "nvdla")
    by_table = results(command, folder, *options, "--table", folder / "small.cache")[1]
    as_it_is = results(command, folder, *options, "--graph", folder / "nvdla.h5")[1]
    keys = ("name", "top1", "top5", "changed", "lost", "gained")
    assert [by_table[key] for key in keys] == [as_it_is[key] for key in keys]
    assert as_it_is["ranges"] == str(folder / "nvdla.h5")


def test_without_labels_only_agreement_is_known(command, folder):
    options = ("--table", folder / "small.cache", "--profile", "nvdla", "--samples", "5")
    found = results(command, folder, *options)
    assert [(entry["top1"], entry["lost"], entry["gained"]) for entry in found] == [(None,) * 3] * 2
    shown = command(*(each for each in arguments(folder, *options) if each != "--json"))[1]
    assert "5 images" in shown
    assert "top-1" not in shown
    assert "Without labels nobody knows which are right" in shown


def test_bad_input_is_one_message_and_status_2(command, folder, tmp_path):
    table = ("--table", folder / "small.cache")
    high, few = tmp_path / "high.npy", tmp_path / "few.npy"
    np.save(high, np.full(12, CLASSES))
    np.save(few, np.zeros(3, np.uint8))
    for options, message in (
        ((), "--table is ''; allowed: ranges; or a --method"),
        (("--graph", folder / "model.onnx"), "a lowered graph, .h5, or a quantized network"),
        (("--graph", lenet("tflite_reference.h5")), "do not belong together: inputs ['data']"),
        (("--method", "minmax"), "--calibrate-on is ''"),
        (("--method", "minmax", "--calibrate-on", folder / "data.npy"), "50 images were asked for, the data holds 12"),
        ((*table, "--labels", few), "12 images, 3 labels"),
        (
            (*table, "--labels", high, "--profile", "nvdla"),
            "found classes 7 .. 7, the network expects class numbers 0 .. 6",
        ),
        ((*table, "--labels", "folders"), "data.npy"),
        ((*table, "--profile", "npu"), "unknown profile 'npu'"),
    ):
        status, printed, err = command(*arguments(folder, *options))
        assert status == 2, options
        assert message in err, options
        assert err.startswith("int8sim: ")
        assert "Traceback" not in err + printed
    assert "--data is ''" in command("evaluate", folder / "model.onnx", *table)[2]

"""`int8sim report`: tables, JSON, CSV, and bad input."""

import csv
import json

import numpy as np
import pytest

from int8sim import api
from int8sim.golden import store

from .small_network import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The small network, and its form for tflite_reference."""
    made = write(tmp_path_factory.mktemp("report"))
    graph = api.lower(api.load(made / "model.onnx"), api.read_table(made / "small.cache"), profile="tflite_reference")
    store.write(made / "lowered.h5", graph, {}, store.Producer())
    return made


def arguments(folder, *options):
    """A report on the lowered graph."""
    given = ("--float", folder / "model.onnx", "--data", folder / "data.npy", "--backend", "reference")
    return ("report", folder / "lowered.h5", *given, *options)


def rows(file):
    with file.open() as text:
        return list(csv.DictReader(text))


def as_text(entries):
    return [{key: "" if value is None else str(value) for key, value in entry.items()} for entry in entries]


def test_layers_as_table_json_and_csv(command, folder, tmp_path):
    file = tmp_path / "layers.csv"
    options = arguments(folder, "--layers", "--csv", file)
    status, out, _ = command(*options)
    assert status == 0
    assert "12 samples, by local" in out
    assert all(word in out for word in ("quantize_x", "conv", "flat", "fc", "cosine"))
    status, out, _ = command(*options, "--json", "--samples", "5")
    content = json.loads(out)
    assert (status, content["samples"], content["profile"]) == (0, 5, "tflite_reference")
    local = [entry["local_sqnr"] for entry in content["layers"] if entry["local_sqnr"] is not None]
    assert local == sorted(local), "worst first"
    assert rows(file) == as_text(content["layers"])
    for by, names in (("order", ["quantize_x", "conv", "flat"]), ("whole", None)):
        found = json.loads(command(*options, "--json", "--by", by)[1])["layers"]
        whole = [entry["sqnr"] for entry in found]
        assert [entry["layer"] for entry in found][:3] == names if names else whole == sorted(whole)


def test_accumulators_with_and_without_data(command, folder, tmp_path):
    file = tmp_path / "accumulators.csv"
    options = ("--accumulators", "--width", "16", "--csv", file)
    status, out, _ = command(*arguments(folder, *options, "--json"))
    found = json.loads(out)["accumulators"]
    assert status == 0
    assert rows(file) == as_text(found)
    assert {entry["layer"] for entry in found} == {"conv", "fc"}
    for entry in found:
        assert entry["worst_low"] <= entry["seen_low"] < entry["seen_high"] <= entry["worst_high"]
        assert entry["headroom_16"] == 16 - entry["worst_bits"] <= 16 - entry["seen_bits"]
    status, out, _ = command("report", folder / "lowered.h5", "--accumulators")
    assert status == 0
    assert "left of 34" in out
    assert "seen low" not in out, "no data"


def test_two_graphs_with_and_without_data(command, folder, tmp_path):
    """The graph and one for another target: what differs, and each graph's own error as `--layers` has it."""
    file, other = tmp_path / "pairs.csv", tmp_path / "nvdla.h5"
    graph = api.lower(api.load(folder / "model.onnx"), api.read_table(folder / "small.cache"), profile="nvdla")
    store.write(other, graph, {}, store.Producer())
    status, out, _ = command(*arguments(folder, other, "--csv", file, "--json"))
    content = json.loads(out)
    assert (status, content["graph"], content["other"]) == (0, "small_tflite_reference", "small_nvdla")
    layers = {entry["layer"]: entry for entry in content["layers"]}
    alone = json.loads(command(*arguments(folder, "--layers", "--json"))[1])["layers"]
    assert {entry["layer"]: entry["sqnr"] for entry in alone} == {name: e["first_sqnr"] for name, e in layers.items()}
    assert "constants 2 -> 1" in layers["conv"]["changes"]
    assert [row["changes"] for row in rows(file)] == ["; ".join(entry["changes"]) for entry in content["layers"]]
    status, out, _ = command("report", folder / "lowered.h5", other)
    assert status == 0
    assert "int8 -> int8: 4 of 4 layers" in out
    assert " dB" not in out, "no data"


def test_a_float_network_is_lowered_here(command, folder):
    """The same figures as of the graph that was lowered before."""
    given = ("--data", folder / "data.npy", "--backend", "reference", "--layers", "--json")
    here = ("--table", folder / "small.cache", "--profile", "tflite_reference")
    one = command("report", folder / "model.onnx", *here, *given)
    assert one == command(*arguments(folder, "--layers", "--json"))
    assert one[0] == 0


def bad_inputs(folder, tmp_path):
    """(arguments, what the message says)."""
    other, graph, model = tmp_path / "other.npy", folder / "lowered.h5", folder / "model.onnx"
    np.save(other, np.zeros((2, 1, 5, 5), np.float32))
    data = ("--data", folder / "data.npy")
    return [
        (("report", graph, *data, "--layers"), "--float is ''; allowed: the float network"),
        (("report", graph, "--float", model, "--layers"), "--data is ''"),
        (("report", graph, "--float", model, "--layers", "--data", other), "other.npy: [2, 1, 5, 5]"),
        ((*arguments(folder), "--layers", "--csv", tmp_path / "no" / "rows.csv"), "No such file or directory"),
        (("report", model, *data, "--layers"), "a float network with --table and --profile"),
        (
            ("report", model, "--table", folder / "small.cache", "--profile", "npu", *data, "--layers"),
            "unknown profile 'npu'",
        ),
        (("report", graph, model), "a lowered graph, .h5, or a quantized network"),
        (("report", graph, graph, *data), "--float is ''; allowed: the float network"),
        (("report", graph, "--float", graph, *data, "--layers"), "is no float network"),
        (("report", other, "--layers"), "the ending '.npy'"),
    ]


def test_bad_input_is_one_message_and_status_2(command, folder, tmp_path):
    for given, message in bad_inputs(folder, tmp_path):
        before = sorted(tmp_path.rglob("*"))
        status, printed, err = command(*given)
        assert status == 2, given
        assert message in err, given
        assert "Traceback" not in err + printed
        assert err.startswith("int8sim: ")
        assert sorted(tmp_path.rglob("*")) == before


def test_which_report_must_be_said(command, folder):
    assert command("report", folder / "lowered.h5")[0] == 2
    assert command(*arguments(folder, "--layers", "--accumulators"))[0] == 2
    assert command(*arguments(folder, "--accumulators", "--width", "65"))[0] == 2

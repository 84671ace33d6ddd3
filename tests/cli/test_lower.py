"""`int8sim lower`: weight scales, layers left in float32, ranges of a lowered graph; and the same in `evaluate`."""

import json

import pytest

from int8sim import api
from int8sim.exporters.tflite import export_tflite

from .small_network import write


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write(tmp_path_factory.mktemp("lower"))


def lower(folder, output, *options, table="small.cache", profile="tflite_reference"):
    return ("lower", folder / "model.onnx", "--table", folder / table, "--profile", profile, "-o", output, *options)


def test_choices_reach_the_graph(command, folder, tmp_path):
    status, out, _ = command(*lower(folder, tmp_path / "g.h5", "--weights", "tensor", "--exclude", "fc", "--json"))
    graph = api.load(tmp_path / "g.h5")
    assert status == 0
    assert graph.tensors["conv_weight"].quant.axis is None
    assert "fc: fully_connected stays in float32, as asked" in json.loads(out)["notes"]
    assert command(*lower(folder, tmp_path / "g.h5", "--float-ends"))[0] == 0
    real = [layer.name for layer in api.load(tmp_path / "g.h5").layers if layer.arithmetic is None]
    assert real == ["conv", "relu", "flat", "fc"]


def test_ranges_of_a_lowered_graph_and_of_a_quantized_file(command, folder, tmp_path):
    """One graph, lowered by a table; by that graph's own ranges; and by those of the .tflite that it becomes."""
    assert command(*lower(folder, folder / "one.h5", "--preset", "mixed"))[0] == 0
    assert command(*lower(folder, folder / "two.h5", "--preset", "mixed", table="one.h5"))[0] == 0
    one, two = (api.load(folder / name) for name in ("one.h5", "two.h5"))
    assert all(not pair.changes for pair in api.layer_pairs(one, two))
    export_tflite(one, folder / "one.tflite")
    quantized = api.own_ranges(api.load(folder / "one.tflite", profile="tflite_reference"))
    assert {row.scale for row in quantized.values()} <= {row.scale for row in api.own_ranges(one).values()}
    status, out, _ = command(
        "evaluate",
        folder / "model.onnx",
        *("--table", folder / "one.h5", "--data", folder / "data.npy", "--backend", "reference", "--json"),
        *("--profile", "onnxruntime", "--exclude", "conv", "--weights", "channel"),
    )
    assert status == 0
    assert [entry["name"] for entry in json.loads(out)["results"]] == ["float32", "onnxruntime"]


def test_bad_input_is_one_message_and_status_2(command, folder, tmp_path):
    out = tmp_path / "g.h5"
    for arguments, message in (
        (lower(folder, out, "--exclude", "none"), "unknown layer to exclude 'none'; known: conv, fc, flat, relu"),
        (lower(folder, out, "--weights", "channel", profile="nvdla"), "weights is 'channel'; allowed: tensor"),
        (lower(folder, out, "--exclude", "fc", profile="nvdla"), "layer 'fc': it is to stay in float32"),
        (lower(folder, out, table="model.onnx"), "has no quantized tensor whose range could be taken"),
        (lower(folder, out, table="none.h5"), "none.h5"),
    ):
        status, printed, err = command(*arguments)
        assert status == 2, arguments
        assert message in err, arguments
        assert err.startswith("int8sim: ")
        assert "Traceback" not in err + printed
        assert not out.exists()
    assert command(*lower(folder, out, "--weights", "row"))[0] == 2
    report = ("report", folder / "model.onnx", "--table", folder / "small.cache", "--profile", "tosa", "--accumulators")
    assert command(*report, "--exclude", "none")[0] == 2
    assert command(*report, "--exclude", "conv", "--json")[0] == 0

"""calibrate and statistics, as a user types them: every calibrator, saved, continued, merged, looked at."""

import json

import numpy as np
import pytest

from int8sim import api
from int8sim.golden.packaged import lenet

LENET = lenet("lenet.onnx")
DIGITS = lenet("digits.h5")
DATA = (LENET, "--data", f"{DIGITS}:calibrate/images", "--divide", "255")


@pytest.mark.parametrize("method", ["entropy", "minmax", "legacy", "percentile", "mse"])
def test_every_calibrator_writes_a_table(command, tmp_path, method):
    path = tmp_path / "a.cache"
    status, out, _ = command("calibrate", *DATA, "--batches", "2", "--method", method, "-o", path, "--json")
    assert status == 0
    made = json.loads(out)
    assert made["provenance"]["method"] == method
    assert {name: row.scale for name, row in api.read_table(path).items()} == {
        name: row["scale"] for name, row in made["rows"].items()
    }


def test_saved_statistics_give_the_same_tables_without_the_data(command, tmp_path):
    save, direct, derived = (tmp_path / name for name in ("s.h5", "direct.cache", "derived.cache"))
    assert command("calibrate", *DATA, "--batches", "2", "--save", save, "-o", tmp_path / "a.cache")[0] == 0
    options = ("--method", "percentile", "--percentile", "99.9", "-o")
    assert command("calibrate", *DATA, "--batches", "2", *options, direct)[0] == 0
    assert command("statistics", "table", save, *options, derived)[0] == 0
    assert direct.read_bytes() == derived.read_bytes()


def test_resume_continues_to_the_whole(command, tmp_path):
    save, whole, both = (tmp_path / name for name in ("s.h5", "whole.cache", "both.cache"))
    assert command("calibrate", *DATA, "--batches", "4", "-o", whole)[0] == 0
    assert command("calibrate", *DATA, "--batches", "2", "--save", save, "-o", both)[0] == 0
    assert command("calibrate", *DATA, "--batches", "2", "--skip", "100", "--resume", save, "-o", both)[0] == 0
    assert whole.read_bytes() == both.read_bytes()


def test_shards_merge_in_any_order(command, tmp_path):
    tables = []
    for number, (skip, batches) in enumerate(((0, 1), (50, 3))):
        options = ("--statistics", "mergeable", "--skip", skip, "--batches", batches)
        save = tmp_path / f"{number}.h5"
        assert command("calibrate", *DATA, *options, "--save", save, "-o", tmp_path / "part.cache")[0] == 0
    for order in ("01", "10"):
        merged = tmp_path / f"{order}.h5"
        assert command("statistics", "merge", *(tmp_path / f"{each}.h5" for each in order), "-o", merged)[0] == 0
        assert command("statistics", "table", merged, "-o", tmp_path / f"{order}.cache")[0] == 0
        tables.append((tmp_path / f"{order}.cache").read_bytes())
    options = ("--statistics", "mergeable", "--batches", 1, "--batch-size", 200)
    assert command("calibrate", *DATA, *options, "-o", tmp_path / "whole.cache")[0] == 0
    assert tables[0] == tables[1] == (tmp_path / "whole.cache").read_bytes()


def test_tensorrt_statistics_refuse_to_merge(command, tmp_path):
    save = tmp_path / "s.h5"
    assert command("calibrate", *DATA, "--batches", "1", "--save", save, "-o", tmp_path / "a.cache")[0] == 0
    status, _, err = command("statistics", "merge", save, save, "-o", tmp_path / "c.h5")
    assert (status, len(err.splitlines())) == (2, 1)
    assert "mergeable" in err
    assert not (tmp_path / "c.h5").exists()


def test_the_curve_has_its_least_value_where_the_table_cuts(command, tmp_path):
    save = tmp_path / "s.h5"
    assert command("calibrate", *DATA, "--batches", "2", "--save", save, "-o", tmp_path / "a.cache")[0] == 0
    curve = json.loads(command("statistics", "curve", save, "conv1", "--json")[1])
    values = np.array([np.inf if value is None else value for value in curve["divergences"]])
    assert curve["bins"][int(values.argmin())] == curve["chosen"]
    assert curve["chosen"] == api.read_table(tmp_path / "a.cache")["conv1"].chosen_bin
    out = command("statistics", "curve", save, "pool1")[1]
    assert "<- chosen" in out
    assert str(curve["chosen"]) in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("curve", "{save}", "conv9"), "unknown tensor 'conv9'; known: conv1"),
        (("table", "{none}", "-o", "{out}"), "no such file"),
        (("table", "{save}", "--quantile", "0.9", "-o", "{out}"), "parameter of entropy2 'quantile'"),
        (("table", "{save}", "--method", "percentile", "--percentile", "0", "-o", "{out}"), "percentile is 0.0"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(command, tmp_path, arguments, words):
    save = tmp_path / "s.h5"
    assert command("calibrate", *DATA, "--batches", "1", "--save", save, "-o", tmp_path / "a.cache")[0] == 0
    paths = {"save": save, "none": tmp_path / "none.h5", "out": tmp_path / "out.cache"}
    status, _, err = command("statistics", *(each.format(**paths) for each in arguments))
    assert (status, len(err.splitlines())) == (2, 1)
    assert words in err
    assert not paths["out"].exists()


def test_evaluate_names_test_images_that_were_calibrated_on(command, tmp_path):
    path = tmp_path / "a.cache"
    assert command("calibrate", *DATA, "--batches", "2", "-o", path)[0] == 0
    options = ("--table", path, "--profile", "nvdla", "--labels", f"{DIGITS}:calibrate/labels")
    out = command("evaluate", *DATA, *options)[1]
    assert "100 of 500 samples were calibrated on" in out
    fresh = (LENET, "--data", f"{DIGITS}:test/images", "--divide", "255", "--labels", f"{DIGITS}:test/labels")
    assert "calibrated on" not in command("evaluate", *fresh, "--table", path, "--profile", "nvdla")[1]

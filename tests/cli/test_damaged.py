"""Damaged models on the command line: exit status 2, one message, no file."""

import numpy as np
import pytest

from ..importers.whole_models import WHOLE


@pytest.mark.parametrize("verb", ["run", "lower"])
@pytest.mark.parametrize("name", WHOLE)
def test_half_a_model(command, tmp_path, name, verb):
    whole = WHOLE[name]()
    for file, content in {**whole.beside, whole.name: whole.content[: len(whole.content) // 2]}.items():
        (tmp_path / file).write_bytes(content)
    np.save(tmp_path / "x.npy", np.zeros((1, 4), np.float32))
    (tmp_path / "ranges.cache").write_text("TRT-8601-EntropyCalibration2\nx: 3c010a14\n")
    options = {
        "run": ["--data", tmp_path / "x.npy", "-o", tmp_path / "made"],
        "lower": ["--table", tmp_path / "ranges.cache", "--profile", "onnxruntime", "-o", tmp_path / "made"],
    }
    status, out, err = command(verb, tmp_path / whole.main, *options[verb])
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"int8sim: {tmp_path / whole.name}: ")
    assert not (tmp_path / "made").exists()

"""Damaged copies of models of every importer: each one loads, or raises an Int8SimError; nothing else gets out.

damage.py says what is done to them. The whole proof runs in processes of bounded memory, where a copy that
loads is also calibrated, lowered and run.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

import int8sim
from int8sim.graph.ir import Graph
from int8sim.importers import onnx_network
from int8sim.model.errors import Int8SimError, LayerError, NotAModelError, UnsupportedOperatorError

from .damage import WAYS, bounded_time, damaged, read
from .onnx_models import loaded, model, node
from .whole_models import WHOLE

TESTS = Path(__file__).parents[1]
FEW, MANY = 6, 2000
MEMORY = 256 << 20
"""Bytes that damaged copies may take beyond the whole file."""
WITHOUT_SLACK = ("onnx", "caffemodel")
"""Files that are none without their last byte."""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", WHOLE)
def test_a_few_copies(name, way, tmp_path):
    whole = WHOLE[name]()
    assert isinstance(read(whole, whole.content, tmp_path), Graph)
    for seed in range(FEW):
        with bounded_time(), suppress(Int8SimError):
            read(whole, damaged(whole, way, seed), tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", WHOLE)
def test_many_copies(name, way):
    whole = WHOLE[name]()  # skips where its format cannot be written
    command = [sys.executable, "-W", "error::RuntimeWarning", "-m", "importers.damage", name, way, "0", str(MANY)]
    paths = {**os.environ, "PYTHONPATH": str(Path(int8sim.__file__).parents[1])}
    done = subprocess.run(command, cwd=TESTS, env=paths, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert not found["problems"]
    assert sum(found["outcomes"].values()) == MANY
    assert found["memory"] < MEMORY
    if way == "cut" and whole.form in WITHOUT_SLACK:
        assert found["outcomes"].keys() <= {"NotAModelError", "ModelBytesError"}


class Trap:
    """What unpickling it does leaves a trace."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return self.path.touch, ()


@pytest.mark.parametrize("name", ["ONNX, windows", "TFLite, int8", "Caffe, text", "Caffe, weights"])
def test_a_pickle_is_refused_and_not_loaded(name, tmp_path):
    whole, content = WHOLE[name](), pickle.dumps(Trap(tmp_path / "loaded"))
    with pytest.raises(NotAModelError, match=whole.name):
        read(whole, content, tmp_path)
    assert not (tmp_path / "loaded").exists()


ABSURD = [
    node("MaxPool", "x", "y", kernel_shape=[2, 2], dilations=[1 << 40, 1], pads=[1 << 39, 0, 1 << 39, 0]),
    node("MaxPool", "x", "y", kernel_shape=[1 << 40, 1], pads=[1 << 39, 0, 1 << 39, 0]),
    node("AveragePool", "x", "y", kernel_shape=[1, 1 << 40], pads=[0, 1 << 39, 0, 1 << 39]),
    node("Resize", "x - many", "y", mode="nearest"),
    node("Resize", "x - - sizes", "y", mode="linear"),
    node("Pad", "x pads", "y"),
    node("Split", "x", "y z", axis=1, num_outputs=1 << 40),
]
"""Numbers that no machine can count to."""
NUMBERS = {"many": np.float32([1, 1, 1e20, 1]), "sizes": np.array([1, 2, 4, 1 << 40])}
NUMBERS |= {"pads": np.array([0, 0, 0, 0, 0, 0, 1 << 40, 0])}


@pytest.mark.parametrize("absurd", ABSURD, ids=lambda each: each.op_type)
def test_absurd_numbers_are_refused_at_once(absurd, tmp_path):
    proto = model([absurd], {"x": ["N", 2, 4, 4]}, constants=NUMBERS, opset=18)
    with pytest.raises((LayerError, UnsupportedOperatorError)):
        loaded(proto, tmp_path)


def test_an_input_of_absurd_size_is_refused(tmp_path):
    proto = model([node("Relu", "x", "y")], {"x": ["N", 1 << 30, 1 << 30]})
    with pytest.raises(NotAModelError, match="the file is damaged"):
        loaded(proto, tmp_path)


def test_constants_that_grow_out_of_little_are_refused_together(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_network, "LARGEST_COMPUTED", 100)
    nodes = [*(node("Expand", "one size", f"c{i}") for i in range(3)), node("Relu", "x", "y")]
    proto = model(nodes, {"x": ["N", 4]}, constants={"one": np.float32([1]), "size": np.array([60])})
    with pytest.raises(UnsupportedOperatorError, match=r"node 'c2', .*'c2' has 60 values, and 12 are left"):
        loaded(proto, tmp_path)

"""A small golden file, and pytest inside pytest with this plugin alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import int8sim
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.model.table import Table
from int8sim.model.tensor import TensorType
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.relu import Relu
from int8sim.testing import GoldenFile


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Path:
    """A golden file of four samples: x -> dense -> rectified.

    Made before `pytester` looks at sys.modules, which it restores: Numba's modules do not survive a second import.
    """
    layers = [Layer("dense", FullyConnected(), ("x", "w"), "d"), Layer("rectified", Relu(), ("d",), "r")]
    weight = (np.arange(15).reshape(3, 5) / 8 - 1).astype(np.float32)
    graph = float_graph("small", layers, {"x": TensorType((1, 5))}, ["d", "r"], {"w": weight})
    lowered = int8sim.lower(graph, Table.from_ranges({"x": 4.0, "d": 9.0, "r": 9.0}), profile="tflite_reference")
    path = tmp_path_factory.mktemp("golden") / "golden.h5"
    int8sim.record(lowered, {"x": np.linspace(-4, 4, 20, dtype=np.float32).reshape(4, 5)}, path)
    assert GoldenFile(path).verify()
    return path


@pytest.fixture
def inside(recorded, pytester, monkeypatch):
    """inside(test, *arguments): its result; golden.h5 lies beside the test."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    shutil.copy(recorded, pytester.path / "golden.h5")

    def call(test: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(test)
        plugins = "-p", "int8sim.pytest_plugin", "-p", "no:cacheprovider"
        return pytester.runpytest_inprocess(*plugins, "--strict-markers", *arguments)

    return call

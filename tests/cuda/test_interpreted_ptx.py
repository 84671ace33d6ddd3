"""Whole graphs by their compiled PTX, executed by the interpreter, against backend cpu: every tensor, every bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.kernels.cuda.assembly import Capability
from int8sim.kernels.cuda.interpreter.execute import interpreted
from int8sim.model.step import Array

from ..conformance.layers import same_on_a_gpu
from . import networks
from .conforming import conform


def compare(graph: Graph, inputs: dict[str, Array], capability: Capability = (8, 0)) -> int:
    """How many values were compared: every tensor of the graph."""
    expected = run(graph, inputs, keep="all")
    with interpreted(capability):
        found = run(replace(graph), inputs, backend="cuda", keep="all")
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        assert found[name].shape == values.shape
        wrong = np.flatnonzero(found[name].ravel() != values.ravel())
        assert same_on_a_gpu(found[name], values), f"{name}: {wrong.size} of {values.size} differ, first {wrong[:1]}"
    return sum(values.size for values in expected.values())


def interpreted_network(name: str) -> int:
    graph, inputs = networks.network(name)
    with networks.instructions_of(name):
        return compare(graph, inputs)


@pytest.mark.parametrize("name", networks.FAST)
def test_networks(name, compared):
    compared(interpreted_network(name), what=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [each for each in networks.names() if each not in networks.FAST])
def test_every_network(name, compared):
    compared(interpreted_network(name), what=name)


@pytest.mark.slow
def test_everything(tmp_path, compared):
    """The conformance test of every backend, by what the kernels are compiled to."""
    found = conform({"INT8SIM_CONFORMANCE_BY_PTX": "1"}, tmp_path / "counts", 1)
    compared(sum(found.values()), 600_000)

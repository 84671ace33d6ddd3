"""Drawn layers and networks: legal for every op with an integer form, and equal on every instruction set."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from int8sim import strategies
from int8sim.graph.check import check, float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.kernels.cpu import float_conv2d, integer_conv2d
from int8sim.kernels.cpu.float_tile import FLOAT_SUMS
from int8sim.kernels.cpu.tile import DOT_PRODUCTS
from int8sim.lowering.lower import lower
from int8sim.model.errors import UnknownNameError
from int8sim.model.table import Table
from int8sim.model.tensor import TensorType
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.registry import ops
from int8sim.profiles.registry import profiles
from int8sim.strategies.graphs import integer_ops
from int8sim.strategies.rules import BORDER, rules

from ..conformance.layers import same_bits

PRESETS = [
    (name, preset)
    for name, profile in profiles().items()
    for preset in {rule: preset for preset, rule in profile.activations.items()}.values()  # each rule once
]
LAYERS = sorted({(name, op) for name, preset in PRESETS for op in integer_ops(name, preset)})
DRAWS = settings(suppress_health_check=[HealthCheck.too_slow])  # the first draws import and compile


def own_and_another(sets, turn):
    """The machine's own instruction set and one of the others in turn: to compile all takes minutes."""
    own, *others = sets.available()
    return [own, *others[turn % len(others) :][:1]] if others else [own]


def equal_to_the_reference(graph: Graph, inputs, sets, names=()) -> None:
    """Every tensor with every instruction set, each on a graph of its own, which has no kernels yet."""
    expected = run(graph, inputs, backend="reference", keep="all")
    for name in names or sets.available():
        with sets.forced(name):
            found = run(replace(graph), inputs, backend="cpu", keep="all")
        for tensor, values in expected.items():
            assert same_bits(found[tensor], values), (name, tensor)


NETWORKS = [  # one preset of every profile with two instruction sets, everything with all of them
    *{name: pytest.param(name, preset, False, id=f"{name}-two") for name, preset in PRESETS}.values(),
    *(pytest.param(name, preset, True, id=f"{name}-{preset}-all", marks=pytest.mark.slow) for name, preset in PRESETS),
]


@pytest.mark.parametrize(("name", "preset", "every"), NETWORKS)
@settings(DRAWS, max_examples=3)
@given(data=st.data())
def test_networks_on_instruction_sets(name, preset, every, data):
    drawn = data.draw(strategies.runs(strategies.graphs(name, preset=preset)))
    check(drawn.graph)
    names = DOT_PRODUCTS.available() if every else own_and_another(DOT_PRODUCTS, PRESETS.index((name, preset)))
    equal_to_the_reference(*drawn, DOT_PRODUCTS, names)


TILED = {"conv2d", "fully_connected", "matmul"}
"""The ops whose kernels an instruction set chooses; tests/conformance/test_backends.py has the others' layers."""
DRAWN = [
    *(pytest.param(name, op, False, id=f"{name}-{op}-two") for name, op in LAYERS if op in TILED),
    *(pytest.param(name, op, True, id=f"{name}-{op}-all", marks=pytest.mark.slow) for name, op in LAYERS),
]


@pytest.mark.parametrize(("name", "op", "every"), DRAWN)
@settings(DRAWS, max_examples=2)
@given(data=st.data())
def test_layers_on_instruction_sets(name, op, every, data):
    graph, arrays = data.draw(strategies.runs(strategies.layers(name, op=op)))
    (layer,) = graph.layers
    assert layer.op.name == op
    assert layer.arithmetic is not None
    names = DOT_PRODUCTS.available() if every else own_and_another(DOT_PRODUCTS, LAYERS.index((name, op)))
    equal_to_the_reference(graph, arrays, DOT_PRODUCTS, names)


@settings(DRAWS, max_examples=10)
@given(strategies.runs(strategies.float_graphs(ops=["conv2d", "fully_connected", "matmul", "add"])))
def test_float_networks_on_every_instruction_set(drawn):
    equal_to_the_reference(*drawn, FLOAT_SUMS)


class Spy(dict):
    """The tiles, and the names of those taken."""

    taken: list[str] = []  # noqa: RUF012

    def __getitem__(self, name):
        self.taken.append(name)
        return super().__getitem__(name)


@pytest.mark.parametrize(
    ("sets", "module", "name"), [(DOT_PRODUCTS, integer_conv2d, "TILES"), (FLOAT_SUMS, float_conv2d, "FLOAT_TILES")]
)
def test_a_forced_instruction_set_is_the_one_prepared_with(sets, module, name, monkeypatch):
    monkeypatch.setattr(module, name, Spy(getattr(module, name)))
    monkeypatch.setattr(integer_conv2d, "LEAST_DEPTH", 0)
    weight = np.eye(3, 4, dtype=np.float32)
    layer, x = Layer("layer", FullyConnected(), ("x", "w"), "y"), TensorType((1, 4))
    graph, inputs = float_graph("one", [layer], {"x": x}, ["y"], {"w": weight}), {"x": np.ones((2, 4), np.float32)}
    if sets is DOT_PRODUCTS:
        graph = lower(graph, Table.from_ranges({"x": 1.0, "y": 1.0}), profile="onnxruntime")
    for chosen in sets.available():
        with sets.forced(chosen):
            run(replace(graph), inputs)
        assert Spy.taken[-1] == chosen
    run(replace(graph), inputs)
    assert Spy.taken[-1] == sets.available()[0]
    with pytest.raises(UnknownNameError, match="'abacus'"), sets.forced("abacus"):
        pass


def test_every_op_with_an_integer_form_has_a_rule():
    integer = {op for _, op in LAYERS}
    assert sorted(integer - set(rules()) - BORDER) == []
    assert set(ops()) >= BORDER


@pytest.mark.parametrize("name", sorted(rules()))
def test_every_attribute_is_varied(name):
    """A rule that leaves an attribute at its default is an omission too."""
    seen = Counter()

    @settings(DRAWS, max_examples=60, derandomize=True)
    @given(strategies.float_graphs(ops=[name], max_layers=1))
    def collect(graph):
        op = graph.layers[0].op
        seen.update({(field.name, getattr(op, field.name)) for field in fields(op)})

    collect()
    for field in fields(ops()[name]):
        assert sum(attribute == field.name for attribute, _ in seen) > 1, field.name

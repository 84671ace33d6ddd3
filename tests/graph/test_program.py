"""Runs again: the calls of one run on the values of another."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from int8sim.bench.networks import ds_cnn, resnet8
from int8sim.bench.peers import ranges
from int8sim.graph import program as module
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.program import Program
from int8sim.graph.run import plan, run
from int8sim.kernels.cpu.memory import empty
from int8sim.lowering.lower import lower
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.reshape import Reshape

BATCHES = (1, 1, 1, 3, 3, 1, 1, 1)
"""The same shapes for the first, second and third time, others, and the first ones again."""


@pytest.fixture(scope="module", params=[resnet8, ds_cnn], ids=["ResNet-8", "DS-CNN"])
def network(request):
    graph = request.param()
    x = np.random.default_rng(0).standard_normal((24, *graph.tensors["x"].shape[1:])).astype(np.float32)
    return lower(graph, ranges(graph, x), profile="tflite_reference"), x


def expected(graph, x):
    whole = run(graph, {"x": x}, keep="all")
    return {name: whole[name] for name in graph.outputs}


def test_every_run_is_that_of_its_own_values(network, compared):
    graph, x = network
    count, first = 0, expected(graph, x[:1])
    kept = run(graph, {"x": x[:1]})
    for turn, batch in enumerate(BATCHES):
        part = x[turn : turn + batch]
        found = run(graph, {"x": part})
        for name, values in expected(graph, part).items():
            assert np.array_equal(found[name], values)
            count += values.size
    assert all(np.array_equal(kept[name], first[name]) for name in kept)  # nobody wrote over what was given away
    compared(count, least=100)


def test_threads_play_programs_of_their_own(network):
    graph, x = network
    wanted = [expected(graph, x[i : i + 1]) for i in range(len(x))]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda i: run(graph, {"x": x[i : i + 1]}), range(len(x))))
    assert all(np.array_equal(f[name], w[name]) for f, w in zip(found, wanted, strict=True) for name in w)


def test_activations_share_rooms(network):
    """As many bytes as lie side by side, not as many as there are activations."""
    graph, x = network
    made = Program(graph, plan(graph, "cpu"), {"x": x[:1]})
    rooms = sum(room.size for each in made._rooms.by_bits for room, _ in each)
    assert 0 < rooms < sum(np.prod(graph.tensors[name].shape) for name in graph.activations())


def test_a_graph_that_nobody_holds_is_gone(network):
    graph, x = network
    own = replace(graph)
    for _ in range(3):
        run(own, {"x": x[:1]})
    watched = weakref.ref(own)
    del own
    gc.collect()
    assert watched() is None


def strided(kernel):
    """The same layer; its output lies in a room with the last axis first."""

    def call(*stored):
        out = kernel(*stored)
        turned = np.moveaxis(empty((out.shape[-1], *out.shape[:-1]), out.dtype), 0, -1)
        turned[...] = out
        return turned

    return call


def test_activations_may_lie_in_any_order(network, compared):
    graph, x = network
    planned = [
        each._replace(kernel=strided(each.kernel)) if isinstance(each.layer.op, Conv2d) else each
        for each in plan(graph, "cpu")
    ]
    made = Program(graph, planned, {"x": x[:1]})
    for i in range(1, len(x)):
        found, wanted = made({"x": x[i : i + 1]}), expected(graph, x[i : i + 1])
        assert all(np.array_equal(found[name], wanted[name]) for name in wanted)
    compared((len(x) - 1) * sum(each.size for each in wanted.values()), least=100)


def in_a_room(x):
    out = empty(x.shape, x.dtype)
    out[...] = x
    return out


def test_a_view_of_an_activation_is_no_other_place():
    """a = x; b = a backwards, a view of it; y = a - b."""
    kernels = {"a": (in_a_room, "x"), "b": (lambda a: a[:, ::-1], "a"), "y": (lambda a, b: in_a_room(a - b), "a", "b")}
    layers = tuple(Layer(name, Reshape((4,)), tuple(reads), name) for name, (_, *reads) in kernels.items())
    graph = Graph(layers, dict.fromkeys("xaby", TensorType((1, 4))), {}, ("x",), ("y",))
    planned = [(layer, kernels[layer.name][0], layer.inputs, ()) for layer in layers]
    made = Program(graph, planned, {"x": np.zeros((1, 4), np.float32)})
    for x in np.random.default_rng(1).standard_normal((5, 1, 4)).astype(np.float32):
        assert np.array_equal(made({"x": x})["y"], x - x[:, ::-1])


def test_large_runs_are_not_recorded(network, monkeypatch):
    graph, x = network
    monkeypatch.setattr(module, "MOST_VALUES", 0)
    monkeypatch.setattr(module, "Program", None)
    for _ in range(3):
        assert run(graph, {"x": x[:2]}).keys() == set(graph.outputs)

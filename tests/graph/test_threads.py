"""Threads: the same bits as one, for parts of a batch and for parts of a layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from int8sim.bench.networks import ds_cnn, resnet8
from int8sim.bench.peers import ranges
from int8sim.graph import run as module
from int8sim.graph.run import run
from int8sim.graph.trace import Tracer
from int8sim.kernels.cpu import threads as pool
from int8sim.kernels.cpu.tile import DOT_PRODUCTS
from int8sim.lowering.lower import lower
from int8sim.model.errors import ThreadsError

MAKERS: dict[str, Callable] = {"ResNet-8": resnet8, "DS-CNN": ds_cnn}


@pytest.fixture(scope="module", params=sorted(MAKERS))
def network(request):
    graph = MAKERS[request.param]()
    x = np.random.default_rng(0).standard_normal((5, *graph.tensors["x"].shape[1:])).astype(np.float32)
    return lower(graph, ranges(graph, x), profile="tflite_reference"), x


@pytest.mark.parametrize("form", DOT_PRODUCTS.available()[:2])
@pytest.mark.parametrize("batch", [1, 5])
def test_no_bit_depends_on_threads(network, form, batch, monkeypatch, compared):
    for shares in (pool, module):
        monkeypatch.setattr(shares, "LEAST_PRODUCTS", 0)
    graph, x = network
    expected = run(graph, {"x": x[:batch]}, keep="all")
    with DOT_PRODUCTS.forced(form):
        own = replace(graph)
        for threads in (2, 3, 7):
            found = run(own, {"x": x[:batch]}, keep="all", threads=threads)
            assert found.keys() == expected.keys()
            assert all(np.array_equal(found[name], expected[name]) for name in expected)
    compared(3 * sum(each.size for each in expected.values()), least=1000)


def test_a_trace_sees_every_tensor_whole(network, monkeypatch):
    graph, x = network
    sizes = {}

    class Sizes(Tracer):
        def tensor(self, graph, layer, name, values):
            sizes[name] = len(values)

    run(graph, {"x": x}, threads=2, trace=Sizes())
    assert set(sizes.values()) == {5}


def test_codes_that_depend_on_their_place_are_not_split(network, monkeypatch):
    graph, x = network
    monkeypatch.setattr(module, "_on_parts_of_the_batch", None)
    monkeypatch.setattr(module, "_by_image", lambda _: False)
    run(graph, {"x": x}, threads=2)


def test_an_error_in_a_part_is_raised(monkeypatch):
    monkeypatch.setattr(pool, "LEAST_PRODUCTS", 0)

    def work(part, _):
        if part == 1:
            raise ArithmeticError

    with pool.on_threads(2), pytest.raises(ArithmeticError):
        pool.in_parts(work, 1)


def test_less_than_one_thread(network):
    with pytest.raises(ThreadsError, match="0 threads: 1 or more"):
        run(network[0], {"x": network[1]}, threads=0)

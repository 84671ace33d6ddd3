"""The bench: what it measures is what it says, and contenders of one arithmetic give the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from int8sim.bench import Setting, integers, machine, measure
from int8sim.bench.job import Contender, Job
from int8sim.bench.measure import lines_of, ratio
from int8sim.bench.networks import NETWORKS, Builder, macs, same_pads
from int8sim.bench.peers import ENGINES, codes_for, codes_only, contenders, normal, ranges
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.errors import BitsDifferError, UnknownNameError

MACS = {"ResNet-8": 12_501_632, "DS-CNN": 2_656_768, "MobileNetV2": 300_774_272, "ResNet-50": 4_089_184_256}
"""Counted by hand from the papers' tables; MobileNetV2's says 300 million, ResNet-50's 3.8 thousand million multiplies
with strides in the 1x1 convolutions, 4.1 with strides in the 3x3 ones."""


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_networks_have_their_published_work(name):
    assert macs(NETWORKS[name]("NCHW")) == macs(NETWORKS[name]("NHWC")) == MACS[name]


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "pads"), [(224, 7, 2, (2, 3)), (56, 3, 1, (1, 1)), (9, 3, 2, (1, 1))]
)
def test_same_pads(size, kernel, stride, pads):
    assert same_pads(size, kernel, stride) == pads


def small(layout):
    net = Builder((3, 6, 6), layout)
    net.conv(4, 3, 2)
    return net.graph("small")


def test_codes_only_is_the_same_network_without_its_borders():
    graph, x = small("NCHW"), normal((2, 3, 6, 6))
    whole = lower(graph, ranges(graph, x), profile="onnxruntime", preset="mixed")
    tensors = run(whole, {"x": x}, keep="all")
    inner = codes_only(whole)
    (given,), (found,) = inner.inputs, inner.outputs
    assert np.array_equal(run(inner, {given: tensors[given]})[found], tensors[found])
    assert codes_for(inner, x)[given].shape == x.shape


@pytest.mark.engine
def test_contenders_of_one_arithmetic_are_equal(compared):
    pytest.importorskip("onnxruntime")
    pytest.importorskip("ai_edge_litert")
    taking = tuple(contenders(small, 2, Setting(threads=2)))
    lines = lines_of(Job("small", "runs/s", 1, taking, rounds=1), 0.0)
    own, peers = (
        [f"int8sim {each.arithmetic}" for each in ENGINES],
        [each for each in taking if not each.who[0].islower()],
    )
    assert [line.who for line in lines if line.ratio == 1.0] == own
    assert [each.who for each in peers] == ["ONNX Runtime u8s8", "ONNX Runtime s8s8", "XNNPACK", "LiteRT reference"]
    assert all(each.arithmetic for each in taking)
    compared(len(ENGINES) * 2 * 4 * 3 * 3, least=288)


def test_other_bits_are_an_error():
    calls = Contender("int8sim", lambda: np.array([1, 2]), "a"), Contender("peer", lambda: np.array([1, 3]), "a")
    with pytest.raises(BitsDifferError, match="job: 1 of 2 values of peer are not int8sim's"):
        lines_of(Job("job", "runs/s", 1, calls), 0.0)


def test_groups_are_named():
    with pytest.raises(UnknownNameError, match="'nothing'"):
        next(measure(Setting(), ["products", "nothing"]))


def test_the_machine_is_named():
    assert any("numba" in line for line in machine())


def test_products_without_peers_are_a_fraction_of_the_ceiling(monkeypatch):
    monkeypatch.setattr(integers, "PRODUCTS", ((3, 8, 5),))
    (job,) = integers.product_jobs(Setting(threads=2, peers=False))
    assert (job.name, job.work) == ("GEMM 3x8x5", 3 * 8 * 5 / 1e9)
    *own, ceiling = lines_of(job, 0.0)
    assert {line.who.split()[0] for line in own} == {"int8sim"}
    assert all(line.of_ceiling == ratio(line.turns, ceiling.turns) for line in own)
    assert ceiling.of_ceiling == 1.0
    assert all(len(line.turns) == job.rounds for line in own)


def test_ratios_are_of_the_same_round():
    """A machine that is twice as slow in every other round."""
    assert ratio([8.0, 4.0, 8.0], [4.0, 2.0, 1.0]) == 2.0

"""Whole networks, their tensors on the device between layers, beside the cpu backend; and a calibration."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from gpu.budget import Budget
from gpu.report import Compared
from int8sim.calibration.gather import gather
from int8sim.golden.store import Golden, read
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.kernels.cuda.device import place
from int8sim.kernels.cuda.products import forced
from int8sim.kernels.histogram import count, extremes
from int8sim.lowering.lower import lower
from int8sim.model.step import Array
from int8sim.model.table import Row, Table
from int8sim.ops.clip import Clip
from int8sim.spec.float32 import float32

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "golden" / "lenet"
CHOSEN = (
    *(("ResNet-8", profile) for profile in ("tflite_reference", "onnxruntime", "nvdla", "tensorrt", "xnnpack")),
    *(("MobileNetV2", profile) for profile in ("tflite_reference", "tensorrt")),
)


@cache
def shapes() -> Any:
    """int8sim/bench/networks.py, without the bench around it, which reads ONNX files."""
    source = importlib.util.spec_from_file_location("bench_networks", ROOT / "int8sim" / "bench" / "networks.py")
    assert source is not None
    assert source.loader is not None
    module = importlib.util.module_from_spec(source)
    sys.modules[source.name] = module
    source.loader.exec_module(module)
    return module


def small() -> Graph:
    """For the simulator: a convolution, one of every channel alone, a sum, an average, a product."""
    net = shapes().Builder((3, 4, 4))
    before = net.conv(4, 3, then=Clip(0.0, 6.0))
    net.depthwise()
    net.add(before)
    net.pool_all()
    net.dense(3)
    graph: Graph = net.graph("small")
    return graph


def images(graph: Graph, batch: int, seed: int = 0) -> dict[str, Array]:
    """Random ones, some values far outside of what was calibrated."""
    random, found = np.random.default_rng(seed), {}
    for name in graph.inputs:
        values = random.standard_normal((batch, *graph.tensors[name].shape[1:])).astype(np.float32)
        values[random.random(values.shape) < 0.01] *= np.float32(20)
        found[name] = values
    return found


def table(graph: Graph, backend: str = "cpu") -> Table:
    """Ranges of a random run, by minimum and maximum."""
    rows = {}
    for name, values in run(graph, images(graph, 2, 90), keep="all", backend=backend).items():
        amax = float(np.abs(values).max())
        rows[name] = Row(float32(amax / 127), float(values.min()), float(values.max()), amax)
    return Table(rows)


def networks(budget: Budget) -> Iterator[Compared]:
    """LeNet beside what two engines computed, then random networks beside the cpu backend."""
    for path in budget.size(sorted(GOLDEN.glob("*_reference.h5")) + sorted(GOLDEN.glob("onnx*.h5")), []):
        yield from _beside_engine(budget, read(path))
    for name, profile in budget.size(CHOSEN, [("small", "tflite_reference")]):
        if not budget.left(30.0):
            yield Compared(f"no time was left for {name}, {profile}, and what comes after it")
            return
        graph = budget.size(shapes().NETWORKS.get(name), lambda _: small())("NCHW")
        integer = lower(graph, table(graph, budget.judge), profile=profile)
        yield from _beside_cpu(budget, f"{name}, {profile}", integer, images(graph, budget.size(4, 1)))


def _beside_engine(budget: Budget, golden: Golden) -> Iterator[Compared]:
    """Every tensor that an engine recorded, by each dot product."""
    inputs = dict(golden.inputs)
    for instruction in budget.dot_products:
        with forced(instruction):
            found = run(replace(golden.graph), inputs, backend="cuda", keep="all")
        recorded = {**golden.tensors, **golden.outputs}
        lines = [Compared.arrays(each, found[each][: len(values)], values) for each, values in recorded.items()]
        yield _summed(f"LeNet, {golden.producer.name} {golden.producer.version}, {instruction}", lines)


def _beside_cpu(budget: Budget, name: str, graph: Graph, inputs: dict[str, Array]) -> Iterator[Compared]:
    """Every tensor."""
    expected = run(graph, inputs, keep="all", backend=budget.judge)
    for instruction in budget.dot_products:
        with forced(instruction):
            found = run(replace(graph), inputs, backend="cuda", keep="all")
        lines = [Compared.arrays(each, found[each], values) for each, values in expected.items()]
        yield _summed(f"{name}, {instruction}", lines)


def _summed(name: str, lines: list[Compared]) -> Compared:
    """All tensors of a run as one line; the first that differs is shown."""
    wrong = [line for line in lines if line.different]
    facts = {"tensors": len(lines), "first": [wrong[0].name, dict(wrong[0].facts)] if wrong else []}
    return Compared(name, sum(line.compared for line in lines), sum(line.different for line in wrong), facts)


def calibration(budget: Budget) -> Iterator[Compared]:
    """Extremes and histograms of any numbers, then of every tensor of a float network's run."""
    random = np.random.default_rng(4)
    for size in budget.size((1, 1 << 24), (1, 700)):
        values = (random.standard_normal(size) * 3).astype(np.float32)
        held, (low, high) = place(values), extremes(values)
        yield Compared.arrays(f"extremes of {size:,}", np.array(extremes(held)), np.array([low, high]))
        for bins in (2048, 4096):
            found, expected = np.zeros(bins, np.int64), np.zeros(bins, np.int64)
            count(held, max(-low, high), found)
            count(values, max(-low, high), expected)
            yield Compared.arrays(f"{bins} bins of {size:,}", found, expected)
    graph = budget.size(shapes().resnet8, small)()
    batches = [images(graph, budget.size(16, 1), seed) for seed in budget.size((1, 2), (1,))]
    found, expected = (gather(graph, batches, backend=backend).tensors for backend in ("cuda", budget.judge))
    for name, each in expected.items():
        own = found[name]
        same = (own.limit, own.low, own.high) == (each.limit, each.low, each.high)
        yield Compared.arrays(f"{name}, counts", own.counts, each.counts, ends_equal=same)
        yield Compared(f"{name}, ends", 3, 0 if same else 3)

"""Float32, every sum one chain of FMAs, beside ONNX Runtime's float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from int8sim.bench.job import Job, Setting, named
from int8sim.bench.networks import convolution, macs, product, resnet50
from int8sim.bench.peers import normal, onnxruntime
from int8sim.graph.ir import Graph
from int8sim.graph.run import run


def float_jobs(setting: Setting) -> Iterator[Job]:
    """A product, a convolution, a network."""
    yield _job("float32 GEMM 1024x1024x1024", product(1024, 1024), 1024, setting)
    yield _job("float32 conv 3x3 64->64 @56", convolution(64, 64, 56, 3, 1), 1, setting)
    yield _job("float32 ResNet-50, batch 1", resnet50(), 1, setting)


def _job(name: str, graph: Graph, batch: int, setting: Setting) -> Job:
    x = {"x": normal((batch, *graph.tensors["x"].shape[1:]))}
    calls: dict[str, Callable[[], object]] = {"int8sim, FMA chain": lambda: run(graph, x, threads=setting.threads)}
    if setting.has("onnxruntime"):
        calls["ONNX Runtime"] = onnxruntime(graph, x, setting.threads)
    return Job(name, "GMAC/s", batch * macs(graph) / 1e9, named(calls))

"""Float32, every sum one chain of FMAs, beside ONNX Runtime's float32."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np

from int8sim.bench.integers import macs
from int8sim.bench.job import Job, named
from int8sim.bench.networks import Builder, resnet50
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.ops.fully_connected import FullyConnected


def float_jobs(threads: int) -> Iterator[Job]:
    """A product, a convolution, a network."""
    product, convolution = Builder((1024,)), Builder((64, 56, 56))
    product.put(FullyConnected(), "x", *product.weights((1024, 1024)), shape=(1024,))
    convolution.conv(64, 3)
    yield _job("float32 GEMM 1024x1024x1024", product.graph("product"), 1024, threads)
    yield _job("float32 conv 3x3 64->64 @56", convolution.graph("conv"), 1, threads)
    yield _job("float32 ResNet-50, batch 1", resnet50(), 1, threads)


def _job(name: str, graph: Graph, batch: int, threads: int) -> Job:
    shape = (batch, *graph.tensors["x"].shape[1:])
    x = np.random.default_rng(4).standard_normal(shape).astype(np.float32)
    calls: dict[str, Callable[[], object]] = {"int8sim cpu, FMA chain": lambda: run(graph, {"x": x}, threads=threads)}
    if find_spec("onnxruntime"):
        from int8sim.bench.peers import onnxruntime

        calls["ONNX Runtime"] = onnxruntime(graph, {"x": x}, threads)
    return Job(name, "GMAC/s", batch * macs(graph) / 1e9, named(calls))

"""Integer products, convolutions and networks beside their peers: which shapes, and how much work each is."""

from __future__ import annotations

import math
from collections.abc import Iterator
from importlib.util import find_spec

import numpy as np

from int8sim.bench.job import Contender, Job
from int8sim.bench.networks import NETWORKS, Builder
from int8sim.bench.peers import contenders, torch_product
from int8sim.golden.packaged import lenet
from int8sim.graph.ir import Graph
from int8sim.importers.onnx import load_onnx
from int8sim.model.step import Array
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected

PRODUCTS = (1024, 1024, 1024), (4096, 1024, 1024), (1, 4096, 4096), (64, 768, 3072)
"""M, K, N."""
CONVOLUTIONS = (
    (64, 64, 56, 3, 1),
    (128, 128, 28, 3, 1),
    (256, 256, 14, 3, 1),
    (256, 256, 14, 1, 1),
    (3, 64, 224, 7, 2),
)
"""Channels in and out, height and width, kernel, stride."""
DEPTHWISE = (32, 112), (144, 56)
"""Channels, height and width; 3x3."""
LARGE_BATCH = {"LeNet": 500, "ResNet-8": 100, "DS-CNN": 100, "MobileNetV2": 8, "ResNet-50": 4}


def product_jobs(threads: int) -> Iterator[Job]:
    """Fully connected layers, and the bare product in torch."""
    for m, k, n in PRODUCTS:
        for mixed in (False, True):
            net = Builder((k,))
            net.put(FullyConnected(), "x", *net.weights((n, k)), shape=(n,))
            taking = list(contenders(net.graph("product"), _normal((m, k)), mixed=mixed, threads=threads))
            if not mixed and find_spec("torch"):
                rng = np.random.default_rng(2)
                left, right = (rng.integers(-127, 128, shape).astype(np.int8) for shape in ((m, k), (k, n)))
                taking.append(Contender("torch, int32 out", torch_product(left, right, threads)))
            yield Job(f"GEMM {m}x{k}x{n} {'u8s8' if mixed else 's8s8'}", "GMAC/s", m * k * n / 1e9, tuple(taking))


def convolution_jobs(threads: int) -> Iterator[Job]:
    """Convolutions of one image."""
    for channels, outputs, size, kernel, stride in CONVOLUTIONS:
        net = Builder((channels, size, size))
        net.conv(outputs, kernel, stride)
        name = f"conv {kernel}x{kernel} {channels}->{outputs} @{size}{f' s{stride}' if stride > 1 else ''}"
        for mixed in (False, True):
            yield _job(f"{name} {'u8s8' if mixed else 's8s8'}", net.graph("conv"), 1, mixed, threads)
    for channels, size in DEPTHWISE:
        net = Builder((channels, size, size))
        net.depthwise()
        yield _job(f"depthwise 3x3 {channels} @{size} s8s8", net.graph("depthwise"), 1, False, threads)


def network_jobs(threads: int) -> Iterator[Job]:
    """Whole networks, one image and many."""
    graphs = {"LeNet": lambda: load_onnx(lenet("lenet.onnx")), **NETWORKS}
    for name, make in graphs.items():
        graph = make()
        for batch in (1, LARGE_BATCH[name]):
            yield _job(f"{name}, batch {batch}", graph, batch, True, threads)


def _job(name: str, graph: Graph, batch: int, mixed: bool, threads: int) -> Job:
    x = _normal((batch, *graph.tensors[graph.inputs[0]].shape[1:]))
    taking = contenders(graph, x, mixed=mixed, threads=threads)
    return Job(name, "GMAC/s", batch * macs(graph) / 1e9, tuple(taking))


def macs(graph: Graph) -> int:
    """Multiplications of one image's convolutions and fully connected layers."""
    found = 0
    for layer in graph.layers:
        if isinstance(layer.op, Conv2d | FullyConnected):
            weight, y = graph.constants[layer.inputs[1]], graph.tensors[layer.output]
            found += math.prod(y.shape[1:]) * math.prod(weight.shape[1:])
    return found


def _normal(shape: tuple[int, ...]) -> Array:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)

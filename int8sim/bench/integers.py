"""Integer products, convolutions and networks beside their peers: which shapes, and how much work each is."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from functools import partial

from int8sim.bench import torch_peer
from int8sim.bench.ceiling import ceiling
from int8sim.bench.job import Contender, Job, Setting
from int8sim.bench.networks import NETWORKS, convolution, depthwise, macs, product
from int8sim.bench.peers import Make, contenders
from int8sim.golden.packaged import lenet
from int8sim.importers.onnx import load_onnx

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


def product_jobs(setting: Setting) -> Iterator[Job]:
    """Fully connected layers, and the bare product in torch."""
    for m, k, n in PRODUCTS:
        yield _job(f"GEMM {m}x{k}x{n}", partial(product, k, n), m, setting, torch_peer.product(m, k, n, setting))


def convolution_jobs(setting: Setting) -> Iterator[Job]:
    """Convolutions of one image."""
    for shape in CONVOLUTIONS:
        channels, outputs, size, kernel, stride = shape
        name = f"conv {kernel}x{kernel} {channels}->{outputs} @{size}{f' s{stride}' if stride > 1 else ''}"
        yield _job(name, partial(convolution, *shape), 1, setting, torch_peer.convolution(*shape, setting))
    for channels, size in DEPTHWISE:
        yield _job(f"depthwise 3x3 {channels} @{size}", partial(depthwise, channels, size), 1, setting)


def network_jobs(setting: Setting) -> Iterator[Job]:
    """Whole networks, one image and many."""
    makers: dict[str, Make] = {"LeNet": lambda _: load_onnx(lenet("lenet.onnx")), **NETWORKS}
    for name, make in makers.items():
        for batch in (1, LARGE_BATCH[name]):
            yield _job(f"{name}, batch {batch}", make, batch, setting)


def _job(name: str, make: Make, batch: int, setting: Setting, more: tuple[Contender, ...] = ()) -> Job:
    once = functools.cache(make)
    taking = (*contenders(once, batch, setting), *more, ceiling(setting.threads))
    return Job(name, "GMAC/s", batch * macs(once("NCHW")) / 1e9, taking)

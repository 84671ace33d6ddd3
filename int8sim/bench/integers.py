"""Integer products, convolutions and networks beside their peers: which shapes, and how much work each is."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec

import numpy as np

from int8sim.bench.ceiling import ceiling
from int8sim.bench.job import Contender, Job
from int8sim.bench.networks import NETWORKS, convolution, depthwise, macs, product
from int8sim.bench.peers import Make, contenders, torch_product
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


def product_jobs(threads: int) -> Iterator[Job]:
    """Fully connected layers, and the bare product in torch."""
    for m, k, n in PRODUCTS:
        make = functools.cache(partial(product, k, n))
        for mixed in (False, True):
            taking = list(contenders(make, m, mixed=mixed, threads=threads))
            if not mixed and find_spec("torch"):
                rng = np.random.default_rng(2)
                left, right = (rng.integers(-127, 128, shape).astype(np.int8) for shape in ((m, k), (k, n)))
                taking.append(Contender("torch, int32 out", torch_product(left, right, threads)))
            name = f"GEMM {m}x{k}x{n} {'u8s8' if mixed else 's8s8'}"
            yield Job(name, "GMAC/s", m * k * n / 1e9, (*taking, ceiling()))


def convolution_jobs(threads: int) -> Iterator[Job]:
    """Convolutions of one image."""
    for channels, outputs, size, kernel, stride in CONVOLUTIONS:
        name = f"conv {kernel}x{kernel} {channels}->{outputs} @{size}{f' s{stride}' if stride > 1 else ''}"
        make = functools.cache(partial(convolution, channels, outputs, size, kernel, stride))
        for mixed in (False, True):
            yield _job(f"{name} {'u8s8' if mixed else 's8s8'}", make, 1, mixed, threads, (ceiling(),))
    for channels, size in DEPTHWISE:
        make = functools.cache(partial(depthwise, channels, size))
        yield _job(f"depthwise 3x3 {channels} @{size} s8s8", make, 1, False, threads)


def network_jobs(threads: int) -> Iterator[Job]:
    """Whole networks, one image and many."""
    makers: dict[str, Make] = {"LeNet": lambda _: load_onnx(lenet("lenet.onnx")), **NETWORKS}
    for name, each in makers.items():
        make = functools.cache(each)
        for batch in (1, LARGE_BATCH[name]):
            yield _job(f"{name}, batch {batch}", make, batch, True, threads)


def _job(name: str, make: Make, batch: int, mixed: bool, threads: int, more: tuple[Contender, ...] = ()) -> Job:
    taking = contenders(make, batch, mixed=mixed, threads=threads)
    return Job(name, "GMAC/s", batch * macs(make("NCHW")) / 1e9, (*taking, *more))

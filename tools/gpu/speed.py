"""How fast, by the device's own events: products beside torch's, copies, and LeNet by the image."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from gpu.budget import Budget
from gpu.machine import stands_in
from gpu.networks import GOLDEN, shapes, table
from gpu.report import Compared, SkippedError
from int8sim.golden.store import read
from int8sim.graph.ir import Graph
from int8sim.graph.run import plan, run
from int8sim.kernels.cuda.device import DeviceArray, enter, place
from int8sim.kernels.cuda.gemm import multiply, pack
from int8sim.kernels.cuda.products import forced
from int8sim.lowering.lower import lower
from int8sim.ops.conv2d import Conv2d

SIZES = (1024, 4096, 8192)
CONVOLUTIONS = ((64, 64, 56, 3, 1), (128, 128, 28, 3, 1), (256, 256, 14, 3, 1), (3, 64, 224, 7, 2))
"""Channels, outputs, size, kernel, stride: of ResNets."""
BATCH = 4096
SAMPLE_INT8 = 2.28
"""Microseconds an image: what NVIDIA's sampleINT8 README prints for its LeNet."""


def timed(call: Callable[[], object], least: float = 0.3) -> list[float]:
    """Seconds of one call, by CUDA events: seven turns, each of as many calls as fill its share of `least`."""
    from numba import cuda

    def turn(calls: int) -> float:
        start, stop = cuda.event(), cuda.event()
        start.record()
        for _ in range(calls):
            call()
        stop.record()
        stop.synchronize()
        return float(cuda.event_elapsed_time(start, stop)) / 1e3 / calls

    call()
    calls = max(1, int(least / 7 / max(turn(2), 1e-7)))
    return [turn(calls) for _ in range(7)]


def line(name: str, seconds: list[float], **work: float) -> Compared:
    """A figure for each kind of work: operations in TOP/s, bytes in GB/s, images in microseconds an image."""
    median = statistics.median(seconds)
    facts: dict[str, Any] = {"seconds": median, "turns": seconds}
    facts |= {"TOP/s": work["operations"] / median / 1e12} if "operations" in work else {}
    facts |= {"GB/s": work["bytes"] / median / 1e9} if "bytes" in work else {}
    facts |= {"us an image": median * 1e6 / work["images"]} if "images" in work else {}
    return Compared(name, facts=facts)


def speed(budget: Budget) -> Iterator[Compared]:
    """Every figure; none in the simulator."""
    if stands_in():
        raise SkippedError(f"{stands_in()} has no speed")
    yield from copies()
    for path in sorted(GOLDEN.glob("*_reference.h5")) + sorted(GOLDEN.glob("onnx*.h5")):
        yield from lenet(path.stem, read(path).graph)
    asked: list[tuple[Callable[..., Compared], Any, str]]
    asked = [(gemm, size, instruction) for instruction in reversed(budget.dot_products) for size in SIZES]
    asked += [
        (convolution, shape, instruction) for instruction in reversed(budget.dot_products) for shape in CONVOLUTIONS
    ]
    for measure, shape, instruction in asked:
        if not budget.left(15.0):
            yield Compared(f"no time was left for {measure.__name__} {shape}, {instruction}, and what comes after it")
            break
        yield measure(shape, instruction)
    yield from by_torch()


def copies() -> Iterator[Compared]:
    """What the memory does: a copy on the device, and a pointwise kernel of as many bytes."""
    size = 1 << 28
    a, b = place(np.zeros(size, np.int8)), place(np.zeros(size, np.int8))
    yield line("copy", timed(lambda: b.memory.copy_to_device(a.memory)), bytes=2 * size)


def kernel(integer: Graph, op: type, instruction: str) -> Callable[[DeviceArray], DeviceArray]:
    """That of the one layer of an op."""
    with forced(instruction):
        (found,) = (each.kernel for each in plan(replace(integer), "cuda") if isinstance(each.layer.op, op))
    return found


def stored(shape: tuple[int, ...]) -> DeviceArray:
    """Random stored codes."""
    return place(np.random.default_rng(8).integers(0, 256, shape).astype(np.uint8))


def gemm(size: int, instruction: str) -> Compared:
    """uint8 by int8 to int32, size by size by size."""
    b = pack(np.random.default_rng(10).integers(-128, 128, (size, size)).astype(np.int8), instruction)
    a = stored((size, size))
    return line(f"GEMM {size}, {instruction}", timed(lambda: multiply(a, b)), operations=2.0 * size**3)


def convolution(shape: tuple[int, int, int, int, int], instruction: str, batch: int = 64) -> Compared:
    """A batch of a convolution, its output step within."""
    channels, outputs, size, window, stride = shape
    made = shapes().convolution(*shape)
    integer = lower(made, table(made), profile="tensorrt")
    call, x = kernel(integer, Conv2d, instruction), stored((batch, size, size, channels))
    name = f"conv {window}x{window} {channels}->{outputs} @{size} s{stride}, batch {batch}, {instruction}"
    return line(name, timed(lambda: call(x)), operations=2.0 * shapes().macs(integer) * batch)


def by_torch() -> Iterator[Compared]:
    """torch._int_mm, which is cuBLASLt's, on the same card; a line that says so where there is none."""
    try:
        import torch
    except ImportError:
        yield Compared("torch is not installed")
        return
    if not torch.cuda.is_available():
        yield Compared(f"torch {torch.__version__} has no CUDA device")
        return
    for size in SIZES:
        a, b = (torch.randint(-128, 128, (size, size), dtype=torch.int8, device="cuda") for _ in range(2))
        seconds = by_torch_events(torch, partial(torch._int_mm, a, b.t()))  # noqa: SLF001 (it has no public name)
        yield line(f"GEMM {size}, torch._int_mm", seconds, operations=2.0 * size**3)


def by_torch_events(torch: Any, call: Callable[[], object], turns: int = 7, calls: int = 10) -> list[float]:
    """Seconds of one call: torch has streams of its own."""
    call()
    found = []
    for _ in range(turns):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(calls):
            call()
        stop.record()
        stop.synchronize()
        found.append(float(start.elapsed_time(stop)) / 1e3 / calls)
    return found


def lenet(name: str, graph: Graph) -> Iterator[Compared]:
    """A batch of images: on the device alone, and from the host's memory and back."""
    random = np.random.default_rng(9)
    (given,) = graph.inputs
    batch = random.random((BATCH, *graph.tensors[given].shape[1:]), np.float32)
    planned = plan(graph, "cuda")

    def forward(x: DeviceArray) -> DeviceArray:
        held = {given: x}
        for layer, kernel, reads, _ in planned:
            held[layer.output] = kernel(*[held[each] for each in reads])
        return held[graph.outputs[0]]

    x = enter(batch, graph.tensors[given])
    aim = {"sampleINT8": f"{SAMPLE_INT8} us an image"}
    on_device = line(f"LeNet {name}, batch {BATCH}, on the device", timed(lambda: forward(x)), images=BATCH)
    yield replace(on_device, facts={**on_device.facts, **aim})
    whole = timed(lambda: run(graph, {given: batch}, backend="cuda"))
    yield line(f"LeNet {name}, batch {BATCH}, with copies", whole, images=BATCH)

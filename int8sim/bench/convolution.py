"""Convolutions beside ONNX Runtime's, on the same integers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import numpy as np

from int8sim.bench.job import Job
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.step import Array
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d


def convolution_jobs() -> Iterator[Job]:
    """3x3 convolutions of 64 channels at 56x56, and the same in float32."""
    graph, x = convolution(64, 56)
    macs = 64 * 64 * 9 * 56 * 56 / 1e9
    integer = lower(graph, _table(graph, x), profile="onnxruntime", preset="mixed")
    contenders: dict[str, Callable[[], object]] = {"int8sim cpu, uint8": lambda: run(integer, {"x": x})}
    symmetric = lower(graph, _table(graph, x), profile="onnxruntime")
    contenders["int8sim cpu, int8"] = lambda: run(symmetric, {"x": x})
    if find_spec("onnxruntime"):
        contenders["ONNX Runtime, u8s8"] = _onnxruntime(integer, x)
        contenders["ONNX Runtime, s8s8"] = _onnxruntime(symmetric, x)
    yield Job("conv 3x3 64->64 @56, quantize and dequantize included", "GMAC/s", macs, contenders)
    real: dict[str, Callable[[], object]] = {"int8sim cpu, FMA chain": lambda: run(graph, {"x": x})}
    yield Job("the same in float32", "GMAC/s", macs, real)


def convolution(channels: int, size: int) -> tuple[Graph, Array]:
    """A float graph of one 3x3 convolution, and an image for it."""
    rng = np.random.default_rng(7)
    weight = (rng.standard_normal((channels, channels, 3, 3)) / 24).astype(np.float32)
    bias = rng.standard_normal(channels).astype(np.float32)
    layer = Layer("conv", Conv2d(pads=(1, 1, 1, 1)), ("x", "w", "b"), "y")
    kind = TensorType((1, channels, size, size), "float32", "NCHW")
    graph = float_graph("conv", [layer], {"x": kind}, ["y"], {"w": weight, "b": bias})
    return graph, rng.standard_normal(kind.shape).astype(np.float32)


def _table(graph: Graph, x: Array) -> Table:
    tensors = run(graph, {"x": x}, keep="all")
    return Table(
        {
            name: Row(float(np.float32(np.abs(values).max() / 127)), float(values.min()), float(values.max()))
            for name, values in tensors.items()
        }
    )


def _onnxruntime(graph: Graph, x: Array) -> Callable[[], object]:
    """The exported graph in ONNX Runtime, one thread."""
    import onnxruntime

    from int8sim.exporters.onnx import onnx_model

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(onnx_model(graph).SerializeToString(), options)
    return lambda: session.run(None, {"x": x})

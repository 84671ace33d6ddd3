"""ONNX Runtime without VNNI: pairs of products that saturate, in the order of MLAS's packed K."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from int8sim.exporters.exact import require_exact
from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.paths import sequential_layers
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.errors import NotExportableError
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.matmul import Matmul
from int8sim.profiles.onnxruntime import ONNXRUNTIME_AVX2
from int8sim.spec.requantize import float_rne

IMAGES = np.random.default_rng(5).uniform(0, 1, (3, 3, 6, 6)).astype(np.float32)


def network(least):
    """A convolution of three channels and a fully connected layer, their weights of magnitude `least` .. 1."""
    rng = np.random.default_rng(6)
    shapes = {"w": (5, 3, 3, 3), "v": (4, 180)}
    constants = {}
    for name, shape in shapes.items():
        constants[name] = (rng.uniform(least, 1, shape) * rng.choice([-1, 1], shape)).astype(np.float32)
    layers = [
        Layer("conv", Conv2d(pads=(1, 1, 1, 1)), ("x", "w"), "c"),
        Layer("rows", Flatten(), ("c",), "f"),
        Layer("dense", FullyConnected(), ("f", "v"), "y"),
    ]
    graph = float_graph("pairs", layers, {"x": TensorType((1, 3, 6, 6), "float32", "NCHW")}, ["y"], constants)
    tensors = run(graph, {"x": IMAGES}, keep="all")
    rows = {name: Row(1.0, float(values.min()), float(values.max())) for name, values in tensors.items()}
    return graph, Table(rows)


def by_numpy(codes, layer, graph):
    """uint8 codes [N, K] and weights [O, K] by pairs of NumPy's int16, then ONNX Runtime's output."""
    w = graph.constants[layer.inputs[1]].astype(np.int64)
    flat = w.transpose(0, 2, 3, 1).reshape(len(w), -1) if w.ndim == 4 else w
    products = codes[:, None, :].astype(np.int64) * flat
    products = np.pad(products, ((0, 0), (0, 0), (0, products.shape[2] % 2)))
    acc = np.clip(products.reshape(*products.shape[:2], -1, 2).sum(3), -(2**15), 2**15 - 1).sum(2)
    acc -= graph.tensors[layer.inputs[0]].quantized.tensor_zero_point * flat.sum(1)
    step = layer.arithmetic["output"]
    assert step.function is float_rne
    return np.array([[step(int(value), channel=o) for o, value in enumerate(row)] for row in acc.tolist()])


def test_pairs(compared):
    graph, table = network(0.7)
    integer = lower(graph, table, profile="onnxruntime_avx2")
    assert sequential_layers(integer) == ["conv", "dense"]
    fast, slow = (run(integer, {"x": IMAGES}, keep="all", backend=name) for name in ("cpu", "reference"))
    assert all(np.array_equal(fast[name], values) for name, values in slow.items())
    conv, dense = integer.producer("c"), integer.producer("y_quantized")
    image = np.pad(
        fast["x_quantized"].transpose(0, 2, 3, 1),
        ((0, 0), (1, 1), (1, 1), (0, 0)),
        constant_values=integer.tensors["x_quantized"].quantized.tensor_zero_point,
    )
    windows = np.stack([image[:, u : u + 3, v : v + 3].reshape(3, -1) for u in range(6) for v in range(6)], 1)
    expected = by_numpy(windows.reshape(108, 27), conv, integer).reshape(3, 6, 6, 5).transpose(0, 3, 1, 2)
    assert np.array_equal(fast["c"], expected)
    assert np.array_equal(fast["y_quantized"], by_numpy(fast["f"], dense, integer))
    compared(expected.size + fast["y_quantized"].size, 500)
    with_vnni = run(lower(graph, table, profile="onnxruntime", preset="mixed"), {"x": IMAGES}, keep="all")
    assert not np.array_equal(with_vnni["c"], fast["c"])
    assert fast["x_quantized"].tolist() == with_vnni["x_quantized"].tolist()


def test_weights_of_seven_bits_are_safe():
    """Pairs whose weights add up to 128 fit 16 bits: the same answers as with VNNI, by the same kernel."""
    graph, table = network(0.0)
    for values in graph.constants.values():
        values *= 0.49
        values[(slice(None), 0, 0, 0)[: values.ndim]] = 1.0  # a code of 127, and 0 beside it in K
        values[(slice(None), 1, 0, 0)[: values.ndim]] = 0.0
    integer = lower(graph, table, profile="onnxruntime_avx2")
    assert sequential_layers(integer) == []
    with_vnni = lower(graph, table, profile="onnxruntime", preset="mixed")
    assert np.array_equal(run(integer, {"x": IMAGES})["y"], run(with_vnni, {"x": IMAGES})["y"])


def test_what_is_exact_there():
    """Depthwise convolutions and products of two activations have kernels of their own."""
    rng = np.random.default_rng(8)
    layers = [
        Layer("deep", Conv2d(group=3), ("x", "w"), "d"),
        Layer("product", Matmul(), ("d", "d"), "y"),
    ]
    constants = {"w": rng.uniform(0.9, 1, (3, 1, 3, 3)).astype(np.float32)}
    graph = float_graph("exact", layers, {"x": TensorType((1, 3, 6, 6), "float32", "NCHW")}, ["y"], constants)
    table = Table({name: Row(1.0, 0.0, 9.0) for name in ("x", "d", "y")})
    integer = lower(graph, table, profile="onnxruntime_avx2")
    assert all("accumulate" not in (layer.arithmetic or {}) for layer in integer.layers)
    layer, twice = Layer("conv", Conv2d(group=3), ("x", "w"), "y"), {"w": np.repeat(constants["w"], 2, 0)}
    grouped = float_graph("grouped", [layer], {"x": graph.tensors["x"]}, ["y"], twice)
    steps = lower(grouped, table, profile="onnxruntime_avx2").producer("y_quantized").arithmetic
    assert "accumulate" in steps


def test_another_loop_is_no_exact_export():
    """What an engine will compute from a file is compared with its loop, not only with its function."""
    graph, table = network(0.7)
    integer = lower(graph, table, profile="onnxruntime_avx2")
    require_exact(integer, ONNXRUNTIME_AVX2, "ONNX")
    layer = integer.producer("c")
    step = layer.arithmetic["accumulate"]
    fours = {**layer.arithmetic, "accumulate": replace(step, loop=replace(step.loop, products=4))}
    layers = [replace(each, arithmetic=fours) if each is layer else each for each in integer.layers]
    with pytest.raises(NotExportableError, match=r"4 products a step .* onnxruntime_avx2 by modulo 2.*, 2 products"):
        require_exact(replace(integer, layers=tuple(layers)), ONNXRUNTIME_AVX2, "ONNX")

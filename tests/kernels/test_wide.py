"""16-bit activations and 4-bit weights in the convolution family: accumulators that are exact in 64 bits."""

from __future__ import annotations

import numpy as np
import pytest

from int8sim.golden.graph_json import decode, encode
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.model.step import Step
from int8sim.model.tensor import QuantParams, TensorType, dtype_range
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.matmul import Matmul
from int8sim.spec.integers import clamp
from int8sim.spec.requantize import output_double

SHIFTED = {"shift": 17, "zero_point": 3, "low": -32768, "high": 32767}


def shifted(acc: int, shift: int, zero_point: int, low: int, high: int) -> int:
    """clamp((acc >> shift) + zero_point), over all of 64 bits."""
    return clamp((acc >> shift) + zero_point, low, high)


def kind(shape, dtype, zero_point=0, layout=""):
    return TensorType(shape, dtype, layout, QuantParams(1.0, zero_point, None, dtype))


def codes(seed, shape, dtype):
    """The whole range of a type, its ends often; int4 in int8 arrays."""
    low, high = dtype_range(dtype)
    rng = np.random.default_rng(seed)
    values = np.where(rng.random(shape) < 0.3, rng.choice([low, high], shape), rng.integers(low, high + 1, shape))
    return values.astype("int8" if dtype == "int4" else dtype)


def layer(op, types, output, constants, step=None):
    names = [f"x{i}" for i in range(len(types))]
    steps = {"output": step or Step(shifted, SHIFTED)}
    tensors = {**dict(zip(names, types, strict=True)), "y": output}
    held = {names[i]: value for i, value in constants.items()}
    inputs = tuple(name for name in names if name not in held)
    return Graph((Layer("layer", op, tuple(names), "y", steps),), tensors, held, inputs, ("y",))


def both(graph, inputs):
    """The output, the same on both backends."""
    fast, slow = (run(graph, inputs, backend=backend)["y"] for backend in ("cpu", "reference"))
    assert fast.dtype == slow.dtype
    assert np.array_equal(fast, slow)
    return fast


def requantized(acc, dtype="int16"):
    """The output step by NumPy."""
    low, high = dtype_range(dtype)
    return np.clip((acc >> SHIFTED["shift"]) + SHIFTED["zero_point"], low, high)


GREAT = np.array([-(2**40), 2**40 - 1, 0, 2**31, -(2**33), 7], np.int64)


@pytest.mark.parametrize("w_dtype", ["int8", "int4"])
@pytest.mark.parametrize("zero_point", [0, 5])
@pytest.mark.parametrize("group", [1, 2, 6], ids=["plain", "groups", "depthwise"])
def test_convolutions_of_16_bits(group, zero_point, w_dtype):
    """A window that covers the input: the sum by NumPy, exact in int64, beyond 32 bits."""
    x, w = codes(1, (3, 6, 3, 4), "int16"), codes(2, (6, 6 // group, 3, 4), w_dtype)
    types = [kind((1, 6, 3, 4), "int16", zero_point, "NCHW"), kind(w.shape, w_dtype), kind((6,), "int64")]
    graph = layer(Conv2d(group=group), types, kind((1, 6, 1, 1), "int16", 3, "NCHW"), {1: w, 2: GREAT})
    found = both(graph, {"x0": x})[:, :, 0, 0]
    parts = (x.astype(np.int64) - zero_point).reshape(3, group, 1, -1)
    acc = (parts * w.astype(np.int64).reshape(1, group, 6 // group, -1)).sum(3).reshape(3, 6) + GREAT
    assert np.array_equal(found, requantized(acc))
    assert (np.abs(acc) >= 2**31).any()


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
@pytest.mark.parametrize("multiplier", [1, 3])
def test_windows_of_16_bits(layout, multiplier):
    """Strides, dilations and padding; depthwise with a multiplier; a zero point, which padding holds."""
    shape = (1, 4, 7, 6) if layout == "NCHW" else (1, 7, 6, 4)
    op = Conv2d((2, 1), (1, 2, 0, 1), (1, 2), 4)
    w = codes(3, (4 * multiplier, 1, 3, 2), "int8")
    types = [kind(shape, "int16", -9, layout), kind(w.shape, "int8")]
    inferred = op.infer(types).shape
    graph = layer(
        op, types, kind(inferred, "int8", 3, layout), {1: w}, Step(shifted, {**SHIFTED, "low": -128, "high": 127})
    )
    assert both(graph, {"x0": codes(4, (2, *shape[1:]), "int16")}).dtype == np.int8


def test_16_bits_in_fully_connected():
    x, w = codes(5, (2, 3, 900), "int16"), codes(6, (5, 900), "int8")
    types = [kind((1, 3, 900), "int16"), kind(w.shape, "int8"), kind((5,), "int64")]
    graph = layer(FullyConnected(), types, kind((1, 3, 5), "int16", 3), {1: w, 2: GREAT[:5]})
    acc = x.astype(np.int64) @ w.T.astype(np.int64) + GREAT[:5]
    assert np.array_equal(both(graph, {"x0": x}), requantized(acc))


def test_16_bits_saturate_in_the_output_only():
    """A sum of extremes far beyond 32 bits, which a 32-bit accumulator would have wrapped."""
    x, w = np.full((1, 70_000), -32768, np.int16), np.full((2, 70_000), -128, np.int8)
    w[1] = 127
    types = [kind((1, 70_000), "int16"), kind(w.shape, "int8")]
    graph = layer(FullyConnected(), types, kind((1, 2), "int16", 3), {1: w})
    assert both(graph, {"x0": x}).tolist() == [[32767, -32768]]


@pytest.mark.parametrize("dtypes", [("int16", "int16"), ("int16", "int8"), ("uint8", "int16")], ids=" by ".join)
def test_16_bits_in_matmul(dtypes):
    a, b = codes(7, (2, 2, 3, 70), dtypes[0]), codes(8, (2, 2, 70, 5), dtypes[1])
    types = [kind((1, 2, 3, 70), dtypes[0], 4), kind((1, 2, 70, 5), dtypes[1], -7)]
    graph = layer(Matmul(), types, kind((1, 2, 3, 5), "int16", 3), {})
    acc = (a.astype(np.int64) - 4) @ (b.astype(np.int64) + 7)
    assert np.array_equal(both(graph, {"x0": a, "x1": b}), requantized(acc))


@pytest.mark.parametrize("x_dtype", ["int8", "uint8"])
def test_4_bit_weights(x_dtype):
    """Codes -8 .. 7 with a scale per channel; the graph goes through its stored form."""
    numbers = {"multiplier": 1 << 30, "shift": 2, "zero_point": 0, "low": -32768, "high": 32767}
    w = codes(9, (6, 4, 3, 3), "int4")
    types = [kind((1, 4, 5, 5), x_dtype, 3, "NCHW"), kind(w.shape, "int4"), kind((6,), "int32")]
    output = kind((1, 6, 3, 3), "int16", 0, "NCHW")
    constants = {1: w, 2: np.arange(6, dtype=np.int32)}
    graph = layer(Conv2d(), types, output, constants, Step(output_double, numbers))
    text, arrays = encode(graph)
    read = decode(text, arrays.__getitem__)
    inputs = {"x0": codes(10, (2, 4, 5, 5), x_dtype)}
    found = both(graph, inputs)
    assert np.array_equal(found, both(read, inputs))
    assert read.tensors["x1"].dtype == "int4"
    assert np.abs(found.astype(int)).max() > 127

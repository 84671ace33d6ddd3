"""Accumulators and their worst cases against sums written out in Python's integers."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from int8sim.analysis.accumulators import Accumulator, accumulators, worst
from int8sim.analysis.sums import accumulates, bias, pixels, sums, weights, width
from int8sim.graph.ir import Graph, Layer
from int8sim.model.step import Step
from int8sim.model.tensor import QuantParams, TensorType, dtype_range
from int8sim.ops.base import channels_last
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.fully_connected import FullyConnected
from int8sim.spec.requantize import output_double

STEP = Step(output_double, {"multiplier": 1 << 30, "shift": 8, "zero_point": 0, "low": -128, "high": 127})


def integer_layer(op, shape, layout, w, zero=0, w_zero=0, added=None, dtype="int8"):
    """A graph of one layer."""
    x = TensorType(shape, dtype, layout, QuantParams(0.5, zero, dtype=dtype))
    per_channel = isinstance(w_zero, tuple)
    scale = (0.25,) * len(w_zero) if per_channel else 0.25
    kind = TensorType(w.shape, "int8", "", QuantParams(scale, w_zero, 0 if per_channel else None))
    constants = {"w": w} if added is None else {"w": w, "b": added}
    types = {"x": x, "w": kind, "b": TensorType((len(w),), "int32", "", QuantParams(0.125, dtype="int32"))}
    names = ("x", *constants)
    out = replace(op.infer([types[name] for name in names]), dtype="int8", quant=QuantParams(1.0))
    layer = Layer("layer", op, names, "y", {"output": STEP}, ("y",))
    return Graph((layer,), types | {"y": out}, constants, ("x",), ("y",), profile="tflite_reference")


def by_hand(graph, x, place):
    """One accumulator, at (n, row, column, output), in Python's integers, straight from the definition."""
    op, w, image = as_convolution(graph, x)
    zero, zeros = graph.tensors["x"].quantized.tensor_zero_point, graph.tensors["w"].quantized.zero_point
    n, i, j, o = place
    total = int(graph.constants["b"][o]) if "b" in graph.constants else 0
    for c, u, v in itertools.product(*map(range, w.shape[1:])):
        row = i * op.strides[0] - op.pads[0] + u * op.dilations[0]
        column = j * op.strides[1] - op.pads[1] + v * op.dilations[1]
        if 0 <= row < image.shape[1] and 0 <= column < image.shape[2]:
            channel = o // (len(w) // op.group) * w.shape[1] + c
            weight = int(w[o, c, u, v]) - (zeros[o] if isinstance(zeros, tuple) else zeros)
            total += (int(image[n, row, column, channel]) - zero) * weight
    return total


def as_convolution(graph, x):
    """The op, its weights [O, C, kh, kw], and x as [N, H, W, C]."""
    (layer,), w = graph.layers, graph.constants["w"]
    if isinstance(layer.op, FullyConnected):
        return Conv2d(), w[:, :, None, None], x.reshape(-1, 1, 1, x.shape[-1])
    return layer.op, w, channels_last(x, graph.tensors["x"].layout)


def places(graph, x):
    op, w, image = as_convolution(graph, x)
    return np.ndindex(len(image), *op.window(w.shape).output_size(*image.shape[1:3]), len(w))


@st.composite
def convolutions(draw):
    """A graph of one drawn convolution or fully connected layer."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    dtype, layout = draw(st.sampled_from(["int8", "uint8", "int16"])), draw(st.sampled_from(["NCHW", "NHWC"]))
    zero = draw(st.integers(*dtype_range(dtype)))
    group, inner, outputs = draw(st.integers(1, 2)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
    outputs *= group
    added = rng.integers(-(2**31), 2**31, outputs, np.int32) if draw(st.booleans()) else None
    w_zero = draw(st.sampled_from([0, 3, tuple(range(outputs))]))
    if draw(st.booleans()):
        w = rng.integers(-128, 128, (outputs, 5), np.int8)
        return integer_layer(FullyConnected(), (1, 2, 5), "", w, zero, w_zero, added, dtype)
    pair = st.tuples(st.integers(1, 2), st.integers(1, 2))
    op = Conv2d(draw(pair), draw(st.tuples(*[st.integers(0, 2)] * 4)), draw(pair), group)
    w = rng.integers(-128, 128, (outputs, inner, *draw(pair)), np.int8)
    shape = (1, group * inner, 3, 3) if layout == "NCHW" else (1, 3, 3, group * inner)
    return integer_layer(op, shape, layout, w, zero, w_zero, added, dtype)


@given(convolutions(), st.integers(0, 2**32 - 1))
def test_sums_are_those_of_the_definition(graph, seed):
    (layer,), kind = graph.layers, graph.tensors["x"]
    low, high = dtype_range(kind.dtype)
    x = np.random.default_rng(seed).integers(low, high, (3, *kind.shape[1:]), kind.dtype, endpoint=True)
    assert accumulates(layer)
    found = sums(layer, pixels(kind, x, layer), weights(graph, layer)) + bias(graph, layer)
    expected = {place: by_hand(graph, x, place) for place in places(graph, x)}
    assert {place: found[place].item() for place in expected} == expected
    assert found.size == len(expected)


@settings(max_examples=15)
@given(convolutions())
def test_no_data_leave_the_worst_case_and_some_reach_it(graph):
    """Every output's greatest and smallest sum, found code by code: each counts by itself."""
    (layer,), kind = graph.layers, graph.tensors["x"]
    every = list(places(graph, np.zeros(kind.shape, kind.dtype)))
    reached = [extreme(graph, place, sign) for place in every for sign in (1, -1)]
    assert worst(graph, layer) == (min(reached), max(reached))


def extreme(graph, place, sign):
    """One output's greatest (sign 1) or smallest sum: each code of x in turn at the end that is worse."""
    kind = graph.tensors["x"]
    low, high = dtype_range(kind.dtype)
    x = np.full(kind.shape, low, kind.dtype)
    found = by_hand(graph, x, place)
    for at in np.ndindex(*kind.shape):
        x[at] = high
        other = by_hand(graph, x, place)
        found, x[at] = (other, high) if sign * other > sign * found else (found, low)
    return found


def test_large_images_are_laid_out_piece_by_piece(monkeypatch):
    rng = np.random.default_rng(3)
    graph = integer_layer(Conv2d(), (1, 2, 5, 5), "NCHW", rng.integers(-128, 128, (3, 2, 3, 3), np.int8))
    (layer,), kind = graph.layers, graph.tensors["x"]
    x = pixels(kind, rng.integers(-128, 128, (7, 2, 5, 5), np.int8), layer)
    whole = sums(layer, x, weights(graph, layer))
    monkeypatch.setattr("int8sim.analysis.sums.TAPS", 1000)
    assert np.array_equal(sums(layer, x, weights(graph, layer)), whole)


@given(st.integers(), st.integers())
def test_width_is_the_narrowest_word(low, high):
    bits = width(low, high)
    assert all(-(1 << bits - 1) <= value < 1 << bits - 1 for value in (low, high))
    assert bits == 1 or not all(-(1 << bits - 2) <= value < 1 << bits - 2 for value in (low, high))


def test_report_over_batches():
    """Observed ends are those of all batches; without data there are none; headroom may be negative."""
    graph = integer_layer(
        FullyConnected(), (1, 2), "", np.array([[127, -128]], np.int8), added=np.array([305], np.int32)
    )
    batches = [{"x": np.array([[1, 0], [0, 1]], np.int8)}, {"x": np.array([[2, 0]], np.int8)}]
    (found,) = accumulators(graph, batches, backend="reference")
    assert found == Accumulator("layer", "fully_connected", 2, (177, 559), (-32207, 32818))
    assert (found.seen_bits, found.worst_bits) == (11, 17)
    assert found.as_dict((16, 32))["headroom_16"] == -1
    assert found.as_dict((16, 32))["headroom_32"] == 15
    (bare,) = accumulators(graph)
    assert (bare.seen, bare.seen_bits, bare.worst) == (None, None, found.worst)


@pytest.mark.parametrize("dtype", ["int8", "int16"])
def test_narrow_codes_and_layers_that_do_not_accumulate(dtype):
    graph = integer_layer(FullyConnected(), (1, 1), "", np.array([[-1]], np.int8), dtype=dtype)
    narrow = replace(graph.tensors["x"], quant=replace(graph.tensors["x"].quantized, narrow=True))
    low, high = dtype_range(dtype, narrow=True)
    assert worst(replace(graph, tensors={**graph.tensors, "x": narrow}), graph.layers[0]) == (-high, -low)
    assert accumulators(replace(graph, layers=(replace(graph.layers[0], arithmetic=None),))) == []

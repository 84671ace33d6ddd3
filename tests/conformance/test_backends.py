"""Every op on every backend: its own cases, and random layers under every profile, cpu against the reference."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import run
from int8sim.lowering.lower import lower
from int8sim.model.accumulation import Accumulation, Loop
from int8sim.model.step import Array, Step
from int8sim.model.table import Row, Table
from int8sim.model.tensor import QuantParams, TensorType
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.base import Case, Op, ShapeMismatch
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.clip import Clip
from int8sim.ops.concat import Concat
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.conv_transpose import ConvTranspose
from int8sim.ops.divide import Divide
from int8sim.ops.elu import Elu
from int8sim.ops.erf import Erf
from int8sim.ops.flatten import Flatten
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.gelu import Gelu
from int8sim.ops.gelu_tanh import GeluTanh
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.hard_sigmoid import HardSigmoid
from int8sim.ops.hard_swish import HardSwish
from int8sim.ops.leaky_relu import LeakyRelu
from int8sim.ops.lrn import Lrn
from int8sim.ops.matmul import Matmul
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.maximum import Maximum
from int8sim.ops.multiply import Multiply
from int8sim.ops.normalize import Normalize
from int8sim.ops.pad import Pad
from int8sim.ops.pow import Pow
from int8sim.ops.power import Power
from int8sim.ops.prelu import Prelu
from int8sim.ops.reduce_mean import ReduceMean
from int8sim.ops.registry import ops
from int8sim.ops.relu import Relu
from int8sim.ops.requantize import Requantize
from int8sim.ops.reshape import Reshape
from int8sim.ops.resize_nearest import ResizeNearest
from int8sim.ops.resize_weighted import ResizeWeighted
from int8sim.ops.sigmoid import Sigmoid
from int8sim.ops.slice import Slice
from int8sim.ops.softmax import Softmax
from int8sim.ops.subtract import Subtract
from int8sim.ops.tanh import Tanh
from int8sim.ops.transpose import Transpose
from int8sim.ops.weighted_sum import WeightedSum
from int8sim.ops.window import Window
from int8sim.profiles.registry import profiles
from int8sim.spec.float32 import float32
from int8sim.spec.integers import saturating_add, wrap
from int8sim.spec.pooling import average_half_away, sum_codes
from int8sim.spec.requantize import output_double

from .layers import one_layer, same_bits, same_on_a_gpu

OTHER = os.environ.get("INT8SIM_CONFORMANCE", "cpu")
"""The backend that is compared with the reference: tests/cuda/test_simulator.py has this file run with another."""
EVERY = int(os.environ.get("INT8SIM_CONFORMANCE_EVERY", "1"))
"""Of the integer layers, of those of zeros and of the random windows, every so many are run."""
BY_PTX = "INT8SIM_CONFORMANCE_BY_PTX" in os.environ
"""Whether backend cuda runs what its kernels are compiled to, in the interpreter of PTX."""
SAME = same_bits if OTHER == "cpu" or "NUMBA_ENABLE_CUDASIM" in os.environ else same_on_a_gpu
BACKENDS = ("reference", OTHER)
BORDER = frozenset({"quantize", "dequantize"})  # in lowered graphs only: they stand around every layer here


@pytest.fixture(autouse=True, scope="module")
def device():
    """Who runs the kernels of backend cuda."""
    if not BY_PTX:
        yield
        return
    from int8sim.kernels.cuda.interpreter.execute import interpreted

    with interpreted():
        yield


@dataclass(frozen=True)
class Variant:
    """A float layer, and the activation behind it: shapes of its inputs, and which of them are constants."""

    name: str
    op: Op
    shapes: tuple[tuple[int, ...], ...]
    layout: str = ""
    constants: tuple[int, ...] = ()
    activation: Op | None = None


def conv(name: str, x: tuple[int, ...], w: tuple[int, ...], layout: str = "NCHW", **attributes: Any) -> Variant:
    activation = attributes.pop("activation", None)
    return Variant(name, Conv2d(**attributes), (x, w, (w[0],)), layout, (1, 2), activation)


EXTRA = [
    conv("plain", (1, 3, 6, 5), (5, 3, 3, 2)),
    conv("nhwc, stride 2, pads differ", (1, 7, 8, 4), (6, 4, 3, 3), "NHWC", strides=(2, 1), pads=(0, 1, 2, 0)),
    conv("groups and ReLU", (1, 6, 5, 5), (9, 2, 2, 2), group=3, activation=Relu()),
    conv("depthwise, dilated", (1, 7, 7, 4), (8, 1, 3, 2), "NHWC", group=4, dilations=(2, 3), pads=(1, 2, 1, 2)),
    conv("many channels", (1, 5, 2, 2), (70, 5, 1, 1), activation=Clip(-0.5, 6.0)),
    conv("window larger than the input", (1, 2, 2, 3), (3, 2, 3, 4), pads=(1, 2, 1, 1)),
    Variant("no bias", Conv2d(), ((1, 2, 4, 4), (3, 2, 2, 2)), "NCHW", (1,)),
    Variant("bias and ReLU", FullyConnected(), ((1, 37), (11, 37), (11,)), "", (1, 2), Relu()),
    Variant("three dimensions", FullyConnected(), ((1, 3, 6), (4, 6)), "", (1,)),
    Variant("over the width of NCHW", FullyConnected(), ((1, 3, 2, 5), (4, 5)), "NCHW", (1,)),
    Variant("over the channels of NHWC", FullyConnected(), ((1, 3, 2, 5), (4, 5)), "NHWC", (1,)),
    Variant("batched", Matmul(), ((1, 2, 4, 9), (1, 2, 9, 3))),
    Variant("of NCHW tensors", Matmul(), ((1, 2, 3, 5), (1, 2, 5, 4)), "NCHW"),
    Variant("image and Clip", Add(), ((1, 3, 4, 5), (1, 3, 4, 5)), "NCHW", (), Clip(-1.0, 1.0)),
    Variant("row", Add(), ((1, 300), (1, 300))),
    Variant("a constant per channel", Add(), ((1, 3, 4, 5), (3, 1, 1)), "NCHW", (1,)),
    Variant("from a constant row", Add(), ((4, 5), (1, 3, 4, 5)), "NCHW", (0,)),
    Variant("a gate per channel", Multiply(), ((1, 3, 4, 5), (1, 3, 1, 1)), "NCHW"),
    Variant("a constant number", Multiply(), ((1, 9), ()), "", (1,)),
    Variant("2x2", AveragePool((2, 2), (2, 2)), ((1, 3, 6, 6),), "NCHW"),
    Variant(
        "padding counts", AveragePool((3, 2), (2, 1), (1, 0, 2, 1), count_include_pad=True), ((1, 5, 5, 2),), "NHWC"
    ),
    Variant("padding does not count", AveragePool((3, 3), (2, 2), (1, 1, 1, 1)), ((1, 2, 6, 7),), "NCHW", (), Relu()),
    Variant("ceil", AveragePool((2, 3), (2, 2), (0, 1, 1, 1), ceil_mode=True), ((1, 2, 5, 6),), "NCHW"),
    Variant(
        "ceil, padding counts",
        AveragePool((3, 3), (2, 2), (1, 1, 0, 1), ceil_mode=True, count_include_pad=True),
        ((1, 2, 6, 6),),
        "NCHW",
    ),
    Variant("9x1, too high for NVDLA", AveragePool((9, 1)), ((1, 2, 10, 2),), "NCHW"),
    Variant("7x7", GlobalAveragePool(), ((1, 4, 7, 7),), "NCHW"),
    Variant("1x3", GlobalAveragePool(), ((1, 1, 3, 5),), "NHWC"),
    Variant("overlapping, pads differ", MaxPool((3, 2), (2, 1), (1, 0, 2, 1)), ((1, 6, 5, 3),), "NHWC"),
    Variant("dilated", MaxPool((2, 2), (1, 1), (1, 1, 1, 1), (2, 3)), ((1, 2, 6, 7),), "NCHW"),
    Variant("ceil", MaxPool((2, 2), (2, 2), ceil_mode=True), ((1, 2, 5, 5),), "NCHW"),
    Variant("channels", Softmax(1), ((1, 10),)),
    Variant("channels of NCHW", Softmax(1), ((1, 5, 2, 3),), "NCHW"),
    Variant("width of NCHW", Softmax(3), ((1, 2, 2, 6),), "NCHW"),
    Variant("one value a row", Softmax(1), ((1, 1),)),
    Variant("image", BatchNormalization(), ((1, 3, 2, 4), *[(3,)] * 4), "NCHW", (1, 2, 3, 4)),
    Variant("channels of NCHW", Concat(1), ((1, 1, 3, 2), (1, 4, 3, 2), (1, 2, 3, 2)), "NCHW"),
    Variant("height of NCHW", Concat(2), ((1, 2, 1, 3), (1, 2, 2, 3)), "NCHW"),
    Variant("image", Relu(), ((1, 3, 2, 2),), "NCHW"),
    Variant("upper bound", Clip(float("-inf"), 1.5), ((1, 9),)),
    Variant("ReLU6", Clip(0.0, 6.0), ((1, 33),)),
    Variant("to negative zero", Clip(-1.0, -0.0), ((1, 33),)),
    Variant("NCHW to rows", Flatten(), ((1, 3, 2, 4),), "NCHW"),
    Variant("rows to NCHW", Reshape((2, 3, 4), "NCHW"), ((1, 24),)),
    Variant("NCHW to three axes", Reshape((6, 4)), ((1, 2, 3, 4),), "NCHW"),
    Variant("of NCHW, no layout after", Transpose((0, 3, 1, 2)), ((1, 2, 3, 4),), "NCHW"),
    Variant("of a matrix", Transpose((0, 2, 1)), ((1, 3, 4),)),
    Variant(
        "transposed, groups",
        ConvTranspose((2, 3), (1, 0, 0, 1), (1, 2), 2),
        ((1, 4, 3, 2), (4, 3, 3, 2), (6,)),
        "NCHW",
        (1, 2),
    ),
    Variant("without a bias", ConvTranspose((1, 2)), ((1, 3, 2, 5), (5, 2, 2, 3)), "NHWC", (1,)),
    Variant("channels", Lrn(5, float32(1e-4), 0.75, 1.0), ((1, 7, 2, 3),), "NCHW"),
    Variant("cells", Lrn(3, 0.5, 0.25, 2.0, within_channel=True), ((1, 4, 5, 2),), "NHWC"),
    Variant("channels of NCHW", Prelu(), ((1, 3, 2, 4), (3,)), "NCHW", (1,)),
    Variant("row", Prelu(), ((1, 5), (1,)), "", (1,)),
    Variant("behind a convolution", Conv2d(), ((1, 2, 3, 3), (2, 2, 1, 1)), "NCHW", (1,), LeakyRelu(float32(0.1))),
    Variant("of images", Multiply(), ((1, 2, 3, 3),) * 2, "NCHW"),
    Variant("behind a convolution's ReLU6", Multiply(), ((1, 2, 3, 3),) * 2, "NCHW", (), Clip(0.0, 6.0)),
    Variant("rows", HardSwish(), ((1, 300),)),
    Variant("image", Sigmoid(), ((1, 3, 2, 5),), "NCHW"),
    Variant("image", Tanh(), ((1, 3, 2, 5),), "NHWC"),
    Variant("image", Requantize(), ((1, 3, 2, 5),), "NCHW"),
    Variant("twice the size", ResizeNearest((0, 0, 1, 1, 2, 2), (0, 0, 1, 1)), ((1, 2, 3, 2),), "NCHW"),
    Variant("smaller, NHWC", ResizeNearest((1,), (2, 0)), ((1, 2, 3, 2),), "NHWC"),
    Variant("of NCHW, backward too", Slice((0, 1, 2, 0), (1, 3, -1, 5), (1, 1, -2, 3)), ((1, 3, 4, 5),), "NCHW"),
    Variant("of images", Maximum(), ((1, 2, 3, 3),) * 3, "NCHW"),
    Variant("of images", WeightedSum((1.0, -1.0)), ((1, 2, 3, 3),) * 2, "NCHW"),
    Variant("scale and shift", Power(1.0, float32(0.0125), -0.5), ((1, 40),)),
    Variant("with a number", Pad((0, 0, 1, 0, 0, 0, 1, 3), 1.5), ((1, 2, 3, 2),), "NCHW"),
    Variant("one matrix for all", Matmul(), ((1, 2, 4, 3), (1, 1, 3, 5))),
    Variant(
        "cells below and on the right",
        ConvTranspose((2, 2), (0, 0, -1, -1)),
        ((1, 2, 2, 2), (2, 3, 2, 2)),
        "NCHW",
        (1,),
    ),
    Variant("cells of NCHW", Normalize((2, 3), 0.125), ((1, 3, 2, 5), (3, 1, 1), (3, 1, 1)), "NCHW", (1, 2)),
    Variant("rows", Normalize((2,), 0.125), ((1, 3, 9), (9,), (9,)), "", (1, 2)),
    Variant("channels of NCHW", ReduceMean((1,)), ((1, 5, 2, 3),), "NCHW"),
    Variant("cells of NHWC", ReduceMean((1, 3), keepdims=False), ((1, 3, 2, 4),), "NHWC"),
    Variant(
        "larger, some outside",
        ResizeWeighted(
            ((0, (1.0,)), (0, (-0.125, 0.375, 0.8125)), (3, ()), (2, (1.0,))), ((0, (0.25, 0.75)), (0, ())), 0.1015625
        ),
        ((1, 2, 3, 2),),
        "NCHW",
    ),
    Variant("slopes of every place", Prelu(), ((1, 2, 3, 4), (2, 1, 4)), "NCHW", (1,)),
    Variant("rows", Subtract(), ((1, 30), (1, 1))),
    Variant("of two", Pow(), ((1, 30), (1, 30))),
    Variant("of images", Divide(), ((1, 2, 3, 3), (1, 2, 1, 1)), "NCHW"),
    Variant("row", Gelu(), ((1, 40),)),
    Variant("row", GeluTanh(), ((1, 40),)),
    Variant("row", Erf(), ((1, 40),)),
    Variant("row", Elu(0.5), ((1, 40),)),
    Variant("row", HardSigmoid(0.25, 0.5), ((1, 40),)),
    Variant("all axes of NCHW", Pad((0, 1, 2, 0, 0, 0, 1, 3)), ((1, 2, 3, 2),), "NCHW"),
]


def from_case(op: type[Op], case: Case) -> Variant:
    shapes = tuple((1, *kind.shape[1:]) if i not in case.constants else kind.shape for i, kind in enumerate(case.types))
    return Variant(f"as in '{case.name}'", case.op, shapes, case.types[0].layout, case.constants)


def all_cases() -> Iterator[Any]:
    for name, op in ops().items():
        for case in op.cases():
            yield pytest.param(case, id=f"{name}: {case.name}")


def all_variants() -> Iterator[Any]:
    for name, op in ops().items():
        if name not in BORDER:
            own = [from_case(op, case) for case in op.cases()]
            for variant in own + [each for each in EXTRA if each.op.name == name]:
                yield pytest.param(variant, id=f"{name}: {variant.name}")


def all_presets() -> Iterator[Any]:
    for name, profile in profiles().items():
        for preset in profile.activations:
            yield pytest.param(name, preset, id=f"{name}-{preset}")


def compare(graph: Graph, inputs: dict[str, Array]) -> dict[str, Array]:
    """Every tensor of the other backend's run, equal to the reference's."""
    expected, found = (run(graph, inputs, backend=backend, keep="all") for backend in BACKENDS)
    assert list(found) == list(expected)
    for name, values in expected.items():
        wrong = np.flatnonzero(found[name].ravel() != values.ravel())
        message = f"{name}: {wrong.size} of {values.size} values differ (0: in the sign of a zero), first {wrong[:1]}"
        assert SAME(found[name], values), message
    if OTHER == "cpu":
        played = again(graph, inputs)
        assert all(same_bits(played[name], expected[name]) for name in graph.outputs)
    return found


def again(graph: Graph, inputs: dict[str, Array]) -> dict[str, Array]:
    """The outputs of a run that plays the calls of a run over other values."""
    for _ in range(2):
        run(graph, {name: np.roll(values, 1) for name, values in inputs.items()})
    return run(graph, inputs)


def normal(seed: int, shape: Sequence[int]) -> Array:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def float_layer(variant: Variant) -> Graph:
    names = [f"x{i}" for i in range(len(variant.shapes))]
    data = {
        name: TensorType(shape, "float32", variant.layout if len(shape) == 4 else "")
        for i, (name, shape) in enumerate(zip(names, variant.shapes, strict=True))
        if i not in variant.constants
    }
    constants = {names[i]: normal(i, variant.shapes[i]) for i in variant.constants}
    if isinstance(variant.op, BatchNormalization):
        constants[names[4]] = np.abs(constants[names[4]]) + np.float32(0.1)
    layers = [Layer("layer", variant.op, tuple(names), "y")]
    if variant.activation is not None:
        layers.append(Layer("activation", variant.activation, ("y",), "z"))
    return float_graph("one", layers, data, [layers[-1].output], constants)


def samples(graph: Graph, count: int, seed: int) -> dict[str, Array]:
    """Random inputs with zeros of both signs and subnormals among them, some far outside the calibrated range."""
    found = {}
    for i, name in enumerate(graph.inputs):
        values = 2 * normal(seed + i, (count, *graph.tensors[name].shape[1:]))
        special = np.random.default_rng(seed + 50 + i)
        places = special.random(values.shape) < 0.1
        values[places] = special.choice(np.array([0.0, -0.0, 1e-40, -1e-40, 1e4, -1e4, 0.5], np.float32), places.sum())
        found[name] = values
    return found


def table(graph: Graph, seed: int = 90) -> Table:
    """Ranges of a random float run, by minimum and maximum."""
    tensors = run(graph, {name: normal(seed, (4, *graph.tensors[name].shape[1:])) for name in graph.inputs}, keep="all")
    rows = {}
    for name, values in tensors.items():
        amax = float(np.abs(values).max())
        rows[name] = Row(float32(amax / 127), float(values.min()), float(values.max()), amax)
    return Table(rows)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("case", list(all_cases()))
def test_cases(case, backend):
    real = case.output.quant is None and not case.arithmetic
    arrays = case.arrays()
    constants = {i: arrays[i] for i in case.constants}
    graph = one_layer(case.op, case.types, case.output, None if real else case.arithmetic, constants)
    assert case.op.infer(case.types).shape == case.output.shape
    inputs = {f"x{i}": array for i, array in enumerate(arrays) if i not in constants}
    expected = np.array(case.expected, case.output.dtype).reshape(case.output.shape)
    assert SAME(run(graph, inputs, backend=backend)["y"], expected)


@pytest.mark.parametrize("variant", list(all_variants()))
def test_float_layers(variant, compared):
    graph = float_layer(variant)
    found = compare(graph, samples(graph, 2, 10))
    compared(sum(values.size for values in found.values()))


@pytest.mark.parametrize("variant", list(all_variants())[::EVERY])
def test_float_layers_of_zeros(variant):
    """Zeros of both signs and the smallest subnormals: the sign of every zero is part of the definition."""
    graph, rng = float_layer(variant), np.random.default_rng(60)
    few = np.array([0.0, -0.0, 0.0, -0.0, 1e-45, -1e-45], np.float32)
    few = few[:4] if variant.op.kind == "dynamic" else few  # subnormals have no scale
    compare(graph, {name: rng.choice(few, (2, *graph.tensors[name].shape[1:])) for name in graph.inputs})


@pytest.mark.parametrize("exponent", [-0.75, 0.5, 3.0, -2.0, 0.0, 1.5])
def test_powers_of_everything(exponent):
    """Roots of what is below 0 are NaN, with the same pattern everywhere."""
    values = np.concatenate(
        [normal(5, (1, 90)), np.array([[0.0, -0.0, 1e-45, -1e-45, 3e38, -3e38, 1.0]], np.float32)], 1
    )
    found = compare(float_layer(Variant("", Power(exponent), ((1, 97),))), {"x0": values})["y"]
    assert np.isnan(found).any() == (exponent != round(exponent))


@pytest.mark.parametrize("op", [Relu(), Clip(0.0, 6.0), Clip(-1.0, -0.0)], ids=repr)
def test_float_clamps_of_everything(op):
    """A bound is returned as it is written, also for a zero of the other sign; NaN stays NaN."""
    values = np.array([[0.0, -0.0, 1e-45, -1e-45, 6.0, np.inf, -np.inf, np.nan, -1.0, 7.0]], np.float32)
    found = compare(float_layer(Variant("", op, ((1, 10),))), {"x0": values})["y"]
    assert np.isnan(found[0, 7])
    assert np.count_nonzero(np.isnan(found)) == 1
    if isinstance(op, Relu):
        assert not np.signbit(found[0, :7]).any()


def integer_layers() -> Iterator[Any]:
    """Every variant under every profile and preset; of those that share the very scheme and rules, the first."""
    seen = set()
    for variant, (name, preset) in itertools.product(all_variants(), (each.values for each in all_presets())):
        profile = profiles()[name]
        rule, kind = profile.activations[preset], variant.values[0].op.kind
        scheme = profile.scheme(kind, rule(Row(1.0), False).dtype)
        borders = (profile.schemes["quantize"], profile.schemes["dequantize"])
        same = variant.id, rule, profile.weights, profile.bias, scheme, *borders
        key = tuple(each if isinstance(each, str) else id(each) for each in same)
        if key not in seen:
            seen.add(key)
            yield pytest.param(*variant.values, name, preset, id=f"{name}-{preset}-{variant.id}")


@pytest.mark.parametrize(("variant", "profile", "preset"), list(integer_layers())[::EVERY])
def test_integer_layers(variant, profile, preset, compared):
    graph = float_layer(variant)
    lowered = lower(graph, table(graph), profile=profile, preset=preset)
    found = compare(lowered, samples(graph, 3, 20))
    compared(sum(values.size for values in found.values()), what=profile)


def codes(shape: tuple[int, ...], dtype: str, zero_point: int | tuple[int, ...] = 0, layout: str = "") -> TensorType:
    return TensorType(shape, dtype, layout, QuantParams(1.0, zero_point, None, dtype))


def random_codes(seed: int, shape: tuple[int, ...], dtype: str) -> Array:
    """The whole range, its ends often."""
    info, rng = np.iinfo(dtype), np.random.default_rng(seed)
    values = rng.integers(info.min, info.max + 1, shape)
    ends = rng.choice([info.min, info.max], shape)
    return np.where(rng.random(shape) < 0.3, ends, values).astype(dtype)


OUTPUT = {"output": Step(output_double, {"multiplier": 1 << 30, "shift": 6, "zero_point": 2, "low": -128, "high": 127})}


def integer_conv(x_dtype: str, w_dtype: str, zero_point: int | tuple[int, ...], **steps: Step) -> Graph:
    """Two groups, pads, strides, a bias; 4 channels in and 6 out."""
    weights = random_codes(1, (6, 2, 2, 3), w_dtype)
    types = [codes((1, 4, 5, 5), x_dtype, 5, "NCHW"), codes(weights.shape, w_dtype, zero_point), codes((6,), "int32")]
    bias = np.arange(-300, 300, 100, dtype=np.int32)
    op = Conv2d((1, 2), (1, 0, 0, 2), (1, 1), 2)
    output = codes((1, 6, 5, 3), "int8", 2, "NCHW")
    return one_layer(op, types, output, {**OUTPUT, **steps}, {1: weights, 2: bias})


@pytest.mark.parametrize("pads", [(0, 0, 0, 0), (1, 0, 2, 1), (3, 4, 0, 2)])
@pytest.mark.parametrize("strides", [(1, 1), (2, 3), (3, 1)])
def test_transposed_convolutions_of_codes(strides, pads):
    """Pads beyond the window cut cells of x away; two groups, dilation."""
    op = ConvTranspose(strides, pads, (1, 2), 2)
    weights = random_codes(1, (4, 3, 2, 2), "int8")
    types = [codes((1, 4, 4, 5), "int8", 5, "NCHW"), codes(weights.shape, "int8"), codes((6,), "int32")]
    bias = np.arange(-300, 300, 100, dtype=np.int32)
    output = codes(op.infer(types).shape, "int8", 2, "NCHW")
    graph = one_layer(op, types, output, OUTPUT, {1: weights, 2: bias})
    compare(graph, {"x0": random_codes(2, (2, 4, 4, 5), "int8")})


PAIRS = st.tuples(st.integers(1, 3), st.integers(1, 3))


@settings(max_examples=-(-60 // EVERY))
@given(
    kind=st.sampled_from(["convolution", "max", "average"]),
    size=st.tuples(st.integers(1, 6), st.integers(1, 6)),
    kernel=PAIRS,
    strides=PAIRS,
    dilations=PAIRS,
    pads=st.tuples(*[st.integers(0, 3)] * 4),
    group=st.integers(1, 3),
    flags=st.tuples(st.booleans(), st.booleans()),
    layout=st.sampled_from(["NCHW", "NHWC"]),
)
def test_any_window(kind, size, kernel, strides, dilations, pads, group, flags, layout):
    """Sizes and attributes at random, on codes and on real values."""
    shape = (1, 2 * group, *size) if layout == "NCHW" else (1, *size, 2 * group)
    x, constants, steps = codes(shape, "int8", -7, layout), {}, {}
    op: Op
    if kind == "convolution":
        op, constants = Conv2d(strides, pads, dilations, group), {1: random_codes(2, (2 * group, 2, *kernel), "int8")}
        steps = OUTPUT
    elif kind == "max":
        op = MaxPool(kernel, strides, pads, dilations, flags[0])
    else:
        op = AveragePool(kernel, strides, pads, *flags)
        steps = {"step": Step(sum_codes, {}), "finish": Step(average_half_away, {"low": -128, "high": 127})}
    types = [x, *(codes(value.shape, "int8") for value in constants.values())]
    try:
        output = op.infer(types)
    except ShapeMismatch:
        reject()
    quantized = TensorType(output.shape, "int8", layout, x.quant)
    compare(one_layer(op, types, quantized, steps, constants), {"x0": random_codes(1, (2, *shape[1:]), "int8")})
    weights = {i: value.astype(np.float32) for i, value in constants.items()}
    real = [TensorType(kind.shape, "float32", kind.layout) for kind in types]
    compare(one_layer(op, real, output, None, weights), {"x0": normal(3, (2, *shape[1:]))})


def test_a_dilated_window_between_the_cells_is_refused():
    with pytest.raises(ShapeMismatch, match="holds no cell"):
        MaxPool((2, 2), (1, 1), (1, 1, 1, 1), (2, 2)).infer([codes((1, 1, 1, 3), "int8", 0, "NCHW")])


@given(st.tuples(*[st.integers(1, 7)] * 4), st.integers(0, 20), st.integers(0, 20))
def test_the_first_window_without_a_cell(sizes, before, after):
    size, kernel, stride, dilation = sizes
    span = dilation * (kernel - 1) + 1
    window = Window((kernel, 1), (stride, 1), (dilation, 1), (before % span, 0, after % span, 0), True)
    assume(size + before % span + after % span >= span)
    count, _ = window.output_size(size, 1)
    empty = [place for place in range(count) if not any(window.cells(place, 0, size, 1))]
    assert window.first_empty(size, count, 0) == next(iter(empty), None)


@pytest.mark.parametrize("zero_point", [0, 3, 128, 254, 255, (0, 255, 128, 1, 200, 77)], ids=str)
@pytest.mark.parametrize("x_dtype", ["int8", "uint8"])
def test_uint8_weights(x_dtype, zero_point):
    """Weights minus their zero point leave int8: the packing in parts."""
    graph = integer_conv(x_dtype, "uint8", zero_point)
    compare(graph, {"x0": random_codes(3, (3, 4, 5, 5), x_dtype)})


@pytest.mark.parametrize("zero_point", [-128, 0, 127, (-128, 127, 0, 1, -1, 5)], ids=str)
def test_int8_weights_with_zero_points(zero_point):
    compare(integer_conv("int8", "int8", zero_point), {"x0": random_codes(4, (3, 4, 5, 5), "int8")})


def test_fully_connected_uint8_weights():
    weights = random_codes(6, (9, 35), "uint8")
    types = [codes((1, 35), "uint8", 7), codes(weights.shape, "uint8", 0)]
    graph = one_layer(FullyConnected(), types, codes((1, 9), "int8", 2), OUTPUT, {1: weights})
    compare(graph, {"x0": random_codes(7, (4, 35), "uint8")})


@pytest.mark.parametrize("bits", [8, 12, 16, 18, 19, 20, 34])
def test_saturating_accumulators(bits):
    """Product by product where the width can matter, exactly where it cannot."""
    step = Accumulation(saturating_add, {"bits": bits}, Loop(bits))
    inputs = {"x0": random_codes(8, (2, 4, 5, 5), "int8")}
    found = compare(integer_conv("int8", "int8", 3, accumulate=step), inputs)
    exact = run(integer_conv("int8", "int8", 3), inputs, backend=OTHER)
    assert np.array_equal(found["y"], exact["y"]) == (bits > 16)


def wrap_at_fifteen(acc: int, product: int) -> int:
    """An accumulator of a user's own."""
    return wrap(acc + product, 15)


def test_an_accumulator_of_the_users_own():
    step = Step(wrap_at_fifteen, {})
    inputs = {"x0": random_codes(9, (2, 4, 5, 5), "uint8")}
    found = compare(integer_conv("uint8", "uint8", 128, accumulate=step), inputs)
    assert not np.array_equal(found["y"], run(integer_conv("uint8", "uint8", 128), inputs, backend=OTHER)["y"])


def test_saturating_matmul():
    steps = {**OUTPUT, "accumulate": Accumulation(saturating_add, {"bits": 12}, Loop(12))}
    types = [codes((1, 3, 9), "int8", 1), codes((1, 9, 4), "uint8", 130)]
    inputs = {"x0": random_codes(1, (2, 3, 9), "int8"), "x1": random_codes(2, (2, 9, 4), "uint8")}
    found = compare(one_layer(Matmul(), types, codes((1, 3, 4), "int8", 2), steps, {}), inputs)
    exact = run(one_layer(Matmul(), types, codes((1, 3, 4), "int8", 2), OUTPUT, {}), inputs, backend=OTHER)
    assert not np.array_equal(found["y"], exact["y"])


def test_an_accumulator_that_wraps():
    """4,500 products of 255 and -128 with a great bias leave int32 on every side."""
    weights = np.full((2, 70_000), -128, np.int8)
    types = [codes((1, 70_000), "uint8"), codes(weights.shape, "int8"), codes((2,), "int32")]
    bias = np.array([-(2**31), 2**31 - 1], np.int32)
    numbers = {"multiplier": 1 << 30, "shift": 23, "zero_point": 0, "low": -128, "high": 127}
    steps = {"output": Step(output_double, numbers)}
    graph = one_layer(FullyConnected(), types, codes((1, 2), "int8"), steps, {1: weights, 2: bias})
    compare(graph, {"x0": np.full((1, 70_000), 255, np.uint8)})


def network() -> Graph:
    """A convolution, a residual sum, both pools, a concatenation, a fully connected layer and a softmax."""
    layers = [
        Layer("conv", Conv2d((1, 1), (1, 1, 1, 1)), ("x", "w1", "b1"), "c"),
        Layer("relu", Relu(), ("c",), "r"),
        Layer("sum", Add(), ("r", "x"), "s"),
        Layer("max", MaxPool((2, 2), (2, 2)), ("s",), "m"),
        Layer("mean", AveragePool((2, 2), (2, 2)), ("s",), "a"),
        Layer("both", Concat(1), ("m", "a"), "k"),
        Layer("rows", Flatten(), ("k",), "f"),
        Layer("dense", FullyConnected(), ("f", "w2", "b2"), "d"),
        Layer("shares", Softmax(1), ("d",), "p"),
    ]
    shapes = {"w1": (4, 4, 3, 3), "b1": (4,), "w2": (5, 72), "b2": (5,)}
    constants = {name: normal(i, shape) for i, (name, shape) in enumerate(shapes.items())}
    return float_graph("network", layers, {"x": TensorType((1, 4, 6, 6), "float32", "NCHW")}, ["p"], constants)


@pytest.mark.parametrize("profile", ["float32", *profiles()])
def test_samples_do_not_depend_on_their_batch(profile):
    """Seven samples at once, as 3 and 4, and one by one: the same bits in every tensor."""
    graph = network()
    if profile != "float32":
        graph = lower(graph, table(graph), profile=profile)
    x = samples(graph, 7, 30)["x"]
    whole = run(graph, {"x": x}, backend=OTHER, keep="all")
    for cuts in ([3], list(range(1, 7))):
        parts = [run(graph, {"x": part}, backend=OTHER, keep="all") for part in np.split(x, cuts)]
        for name, values in whole.items():
            assert same_bits(np.concatenate([part[name] for part in parts]), values), name


@pytest.mark.parametrize("profile", ["float32", *profiles()])
def test_forms_of_the_input_do_not_matter(profile):
    """Strided, read-only, big-endian and float64 inputs give the same bits."""
    graph = network()
    if profile != "float32":
        graph = lower(graph, table(graph), profile=profile)
    x = samples(graph, 2, 40)["x"]
    expected = run(graph, {"x": x}, backend=OTHER)["p"]
    read_only = x.copy()
    read_only.flags.writeable = False
    strided = np.repeat(x, 2, axis=3)[:, :, :, ::2]
    for form in (read_only, strided, np.asfortranarray(x), x.astype(">f4"), x.astype(np.float64)):
        assert same_bits(run(graph, {"x": form}, backend=OTHER)["p"], expected)

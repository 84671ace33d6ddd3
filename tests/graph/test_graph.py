"""Graphs: what is refused and how it is named; runs, traces, plans; threads and batches change nothing."""

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Graph, Layer
from int8sim.graph.run import plan, run
from int8sim.lowering.lower import lower
from int8sim.model.errors import (
    BackendUnavailableError,
    BadScaleError,
    GraphError,
    LayerError,
    MissingKernelError,
    MissingRangeError,
    UnknownNameError,
)
from int8sim.model.table import Row, Table
from int8sim.model.tensor import TensorType
from int8sim.ops.add import Add
from int8sim.ops.average_pool import AveragePool
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.clip import Clip
from int8sim.ops.concat import Concat
from int8sim.ops.conv2d import Conv2d
from int8sim.ops.global_average_pool import GlobalAveragePool
from int8sim.ops.max_pool import MaxPool
from int8sim.ops.relu import Relu
from int8sim.ops.softmax import Softmax
from int8sim.profiles.registry import profiles

IMAGE = TensorType((1, 3, 6, 6), "float32", "NCHW")


def constants(seed=0):
    rng = np.random.default_rng(seed)
    shapes = {"w": (3, 3, 3, 3), "b": (3,), "gamma": (3,), "beta": (3,), "mean": (3,)}
    found = {name: rng.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    return {**found, "variance": rng.uniform(0.5, 2, 3).astype(np.float32)}


def residual():
    """conv, batch normalization, ReLU, a sum, a concatenation, pools, softmax."""
    layers = [
        Layer("conv", Conv2d(pads=(1, 1, 1, 1)), ("x", "w", "b"), "conv"),
        Layer("bn", BatchNormalization(), ("conv", "gamma", "beta", "mean", "variance"), "bn"),
        Layer("relu", Relu(), ("bn",), "relu"),
        Layer("add", Add(), ("relu", "x"), "add"),
        Layer("clip", Clip(-1.0, 6.0), ("add",), "clip"),
        Layer("cat", Concat(1), ("clip", "relu"), "cat"),
        Layer("pool", MaxPool((2, 2), (2, 2)), ("cat",), "pool"),
        Layer("mean", GlobalAveragePool(), ("pool",), "mean_out"),
        Layer("prob", Softmax(1), ("mean_out",), "prob"),
    ]
    return float_graph("residual", layers, {"x": IMAGE}, ["prob"], constants())


def table_of(graph, images):
    tensors = run(graph, {"x": images}, keep="all")
    rows = {k: Row(float(np.float32(abs(v).max() / 127)), float(v.min()), float(v.max())) for k, v in tensors.items()}
    return Table(rows)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(1).standard_normal((5, 3, 6, 6)).astype(np.float32)


@pytest.fixture(scope="module")
def lowered(images):
    graph = residual()
    return {name: lower(graph, table_of(graph, images), profile=name, preset="mixed") for name in profiles()}


@pytest.mark.parametrize("name", profiles())
def test_cpu_is_the_reference_bit_for_bit(lowered, images, name, compared):
    fast = run(lowered[name], {"x": images}, keep="all")
    slow = run(lowered[name], {"x": images}, keep="all", backend="reference")
    assert fast.keys() == slow.keys()
    for tensor, values in slow.items():
        assert fast[tensor].dtype == values.dtype
        assert np.array_equal(fast[tensor].view(np.uint8), np.ascontiguousarray(values).view(np.uint8)), tensor
    compared(sum(values.size for values in slow.values()), least=1000)


@pytest.mark.parametrize("name", [name for name in profiles() if name != "onnxruntime_avx2"])  # its pairs saturate
def test_lowered_tensors_stay_near_the_float_ones(lowered, images, name):
    """Each covered float tensor and its dequantized integer form differ by a few steps only."""
    real, fast = run(residual(), {"x": images}, keep="all"), run(lowered[name], {"x": images}, keep="all")
    for layer in lowered[name].layers:
        quant = lowered[name].tensors[layer.output].quant
        if quant and layer.covers and layer.op.name not in {"softmax"}:
            values = (fast[layer.output].astype(np.float64) - quant.tensor_zero_point) * quant.tensor_scale
            gap = np.abs(values - real[layer.covers[-1]]).max() / quant.tensor_scale
            assert gap < 6, (layer.name, gap)


def test_batch_normalization_and_activations_are_folded(lowered):
    for graph in lowered.values():
        names = [layer.name for layer in graph.layers]
        assert "bn" not in names
        assert "relu" not in names
        assert "clip" not in names
        conv = next(layer for layer in graph.layers if layer.name == "conv")
        assert conv.covers == ("conv", "bn", "relu")


def test_folding_is_the_same_function(images):
    from int8sim.lowering.fold import fold_batch_normalization

    graph = residual()
    folded = fold_batch_normalization(graph)
    one, two = run(graph, {"x": images})["prob"], run(folded, {"x": images})["prob"]
    assert np.abs(one - two).max() < 1e-5


@pytest.mark.parametrize("name", profiles())
def test_batches_and_threads_change_nothing(lowered, images, name):
    whole = run(lowered[name], {"x": images})["prob"]
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda i: run(lowered[name], {"x": images[i : i + 1]})["prob"], [0, 1, 2, 3, 4] * 8))
    assert all(np.array_equal(part, whole[i % 5 : i % 5 + 1]) for i, part in enumerate(parts))


def test_outputs_come_in_the_graphs_order(lowered, images):
    graph = lowered["onnxruntime"]
    turned = replace(graph, outputs=(graph.layers[-1].output, graph.layers[0].output))
    for _ in range(3):  # the third is a program's
        assert tuple(run(turned, {"x": images[:1]})) == turned.outputs
    assert tuple(run(turned, {"x": images[:1]}, keep="all")) == graph.activations()


def test_the_trace_sees_every_tensor_once(lowered, images):
    class Names:
        def __init__(self):
            self.seen = []

        def tensor(self, graph, layer, name, values):
            self.seen.append((None if layer is None else layer.name, name, values.shape[0]))

    graph, names = lowered["nvdla"], Names()
    run(graph, {"x": images}, trace=names)
    assert names.seen == [(None, "x", 5), *((layer.name, layer.output, 5) for layer in graph.layers)]


def test_a_plan_is_made_once_and_goes_with_its_graph(images):
    graph = residual()
    assert plan(graph, "cpu") is plan(graph, "cpu")
    gone = weakref.ref(graph)
    del graph
    gc.collect()
    assert gone() is None


def test_a_missing_kernel_is_named_and_nothing_falls_back(images, monkeypatch):
    monkeypatch.setattr(Relu, "name", "rectify")
    graph = float_graph("g", [Layer("r", Relu(), ("x",), "y")], {"x": IMAGE}, ["y"], {})
    with pytest.raises(MissingKernelError, match="layer 'r': backend 'cpu' has no kernel for rectify"):
        run(graph, {"x": images})


def test_cuda_says_why_not(images):
    with pytest.raises(BackendUnavailableError, match="cuda"):
        run(residual(), {"x": images}, backend="cuda")


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([Layer("a", Relu(), ("z",), "y")], "layer 'a' reads \\['z'\\]"),
        ([Layer("a", Relu(), ("z",), "y"), Layer("b", Relu(), ("y",), "z")], "a cycle or a missing layer"),
        ([Layer("a", Relu(), ("x",), "x")], "'x' has two producers"),
        ([Layer("a", Relu(), ("x",), "w2")], "'y' is an output that nothing produces"),
    ],
)
def test_malformed_graphs(layers, message):
    with pytest.raises(GraphError, match=message):
        float_graph("g", layers, {"x": IMAGE}, ["y"], {})


@pytest.mark.parametrize(
    ("op", "inputs", "message"),
    [
        (Conv2d(), ("x", "w4"), "x has 3 channels, the weight expects 4 x 1"),
        (Conv2d(group=2), ("x", "w"), "3 outputs do not split into 2 groups"),
        (Conv2d(), ("x", "big"), "a window of 9 cells does not fit 6 cells"),
        (Conv2d(strides=(0, 1)), ("x", "w"), r"strides \(0, 1\) must be positive"),
        (Conv2d(), ("x", "w", "b4"), r"bias is float32\[4\]; \[3\] is needed"),
        (MaxPool((2, 2), pads=(2, 0, 0, 0)), ("x",), "reach beyond the window"),
        (Concat(0), ("x", "x"), "axis 0 is not in 1 .. 3"),
        (Softmax(4), ("x",), "axis 4 is not in 1 .. 3"),
        (Clip(1.0, -1.0), ("x",), "minimum 1.0 is above maximum -1.0"),
        (Add(), ("x", "b"), "the shapes must be equal, or 1 where they are not"),
        (Add(), ("x", "x", "x"), "it has 3 inputs; two are needed"),
    ],
)
def test_shapes_that_do_not_fit_name_the_layer(op, inputs, message):
    more = {"w4": (3, 4, 3, 3), "big": (3, 3, 9, 9), "b4": (4,)}
    arrays = {**constants(), **{name: np.zeros(shape, np.float32) for name, shape in more.items()}}
    with pytest.raises(LayerError, match=f"layer 'it': .*{message}"):
        float_graph("g", [Layer("it", op, inputs, "y")], {"x": IMAGE}, ["y"], arrays)


def test_tables_that_do_not_fit(images):
    graph = residual()
    table = table_of(graph, images)
    with pytest.raises(MissingRangeError, match="no row for tensor") as caught:
        lower(graph, Table({"blob": Row(1.0)}), profile="tensorrt")
    assert "x" in caught.value.tensors
    for bad in (float("nan"), float("inf"), -1.0):
        with pytest.raises(BadScaleError, match="tensor 'relu'"):
            lower(graph, Table({**table, "relu": Row(bad)}), profile="tensorrt")
    with pytest.raises(UnknownNameError, match="preset 'fast'"):
        lower(graph, table, profile="tensorrt", preset="fast")
    with pytest.raises(UnknownNameError, match="profile 'npu'"):
        lower(graph, table, profile="npu")
    with pytest.raises(GraphError, match="already lowered"):
        lower(lower(graph, table, profile="nvdla"), table, profile="nvdla")


def test_a_ratio_that_the_target_cannot_hold_names_the_layer():
    """An output range far too small for its input: NVDLA's 15-bit converter would need a left shift."""
    graph = float_graph("g", [Layer("c", Conv2d(), ("x", "w"), "y")], {"x": IMAGE}, ["y"], constants())
    table = Table({"x": Row(1e3), "y": Row(1e-6)})
    with pytest.raises(LayerError, match=r"layer 'c': input scale times weight scale over output scale is .*2\*\*15"):
        lower(graph, table, profile="nvdla")


def test_nan_weights_are_named(images):
    arrays = constants()
    arrays["w"][0, 0, 0, 0] = np.nan
    graph = float_graph("g", [Layer("c", Conv2d(), ("x", "w"), "y")], {"x": IMAGE}, ["y"], arrays)
    with pytest.raises(LayerError, match="layer 'c': its weights hold NaN"):
        lower(graph, Table({"x": Row(0.1), "y": Row(0.1)}), profile="nvdla")


def test_what_an_engine_cannot_do_stays_float_and_is_noted(lowered):
    for name in ("tensorrt", "nvdla"):
        graph = lowered[name]
        softmax = next(layer for layer in graph.layers if layer.op.name == "softmax")
        assert softmax.arithmetic is None
        assert any("softmax stays in float32" in note for note in graph.notes)


def test_a_float_island_keeps_its_activation(images):
    """NVDLA averages windows up to 8: a larger one stays float with its ReLU, and what follows is integer again."""
    layers = [
        Layer("mean", AveragePool((9, 9)), ("x",), "m"),
        Layer("relu", Relu(), ("m",), "r"),
        Layer("pool", MaxPool((1, 1)), ("r",), "p"),
        Layer("conv", Conv2d(), ("p", "w"), "y"),
    ]
    weight = np.ones((1, 2, 1, 1), np.float32)
    graph = float_graph("g", layers, {"x": TensorType((1, 2, 9, 9), "float32", "NCHW")}, ["y"], {"w": weight})
    data = np.random.default_rng(2).standard_normal((3, 2, 9, 9)).astype(np.float32)
    integer = lower(graph, table_of(graph, data), profile="nvdla")
    kinds = [layer.op.name for layer in integer.layers]
    assert kinds == ["average_pool", "relu", "max_pool", "quantize", "conv2d", "dequantize"]
    real, fast = run(graph, {"x": data})["y"], run(integer, {"x": data})["y"]
    assert (fast >= 0).all()
    assert np.abs(real - fast).max() < 0.01


def test_an_add_of_a_constant_runs_in_float():
    bias, data = np.arange(4, dtype=np.float32).reshape(1, 4), np.ones((3, 4), np.float32)
    graph = float_graph("g", [Layer("a", Add(), ("x", "c"), "y")], {"x": TensorType((1, 4))}, ["y"], {"c": bias})
    for backend in ("cpu", "reference"):
        assert np.array_equal(run(graph, {"x": data}, backend=backend)["y"], data + bias)


def test_profiles_of_other_packages_are_used_as_they_are(images):
    """A profile is a value: one with its own spec function, defined in a test module, compiles and runs."""
    import sys
    from dataclasses import replace
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).parent))
    import user_accelerator

    theirs = replace(profiles()["tensorrt"], name="acme", schemes=user_accelerator.SCHEMES)
    graph = residual()
    integer = lower(graph, table_of(graph, images), profile=theirs)
    fast, slow = (run(integer, {"x": images}, keep="all", backend=b) for b in ("cpu", "reference"))
    assert all(np.array_equal(fast[name], slow[name]) for name in slow)
    conv = integer.producer("relu")
    assert conv.arithmetic["output"].function is user_accelerator.convert
    assert any("global_average_pool stays in float32" in note for note in integer.notes)


def test_empty_graph_types():
    graph = Graph((), {"x": IMAGE}, {}, ("x",), ("x",))
    assert run(graph, {"x": np.zeros((1, 3, 6, 6))})["x"].dtype == np.float32

"""The FP16 form of a float network: every tensor and weight float16, sums float32."""

import numpy as np

from int8sim.graph.check import float_graph
from int8sim.graph.ir import Layer
from int8sim.graph.run import run
from int8sim.kernels.cpu.float16 import prepare
from int8sim.lowering.half import half_precision
from int8sim.model.tensor import TensorType
from int8sim.ops.float16 import Float16
from int8sim.ops.fully_connected import FullyConnected
from int8sim.ops.relu import Relu
from int8sim.spec.float32 import float16


def every_float16_and_tie():
    """float32 values: every finite float16, the midpoint above each, and that midpoint's two neighbours."""
    halves = np.arange(1 << 16, dtype=np.uint16).view(np.float16)
    exact = halves[np.isfinite(halves)].astype(np.float32)
    middle = np.unique((exact[:-1].astype(np.float64) + exact[1:]) / 2).astype(np.float32)
    near = [np.nextafter(middle, np.float32(side)) for side in (-np.inf, np.inf)]
    return np.concatenate([exact, middle, *near, np.float32([65519.996, 65520.0, -65520.0, 3e38])])


def test_the_kernel_is_the_definition_at_every_float16_and_at_every_tie(compared):
    values = every_float16_and_tie()
    found = prepare(Float16(), (), TensorType((1, 1)), {}, None)(values)
    expected = np.array([float16(value) for value in values.tolist()], np.float32)
    assert np.array_equal(found.view(np.uint32), expected.view(np.uint32))
    compared(len(values), least=200_000)


def test_the_kernel_is_numpys_conversion_on_random_patterns(compared):
    values = np.random.default_rng(0).integers(0, 1 << 32, 1 << 20, dtype=np.uint32).view(np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        expected = values.astype(np.float16).astype(np.float32)
    found = prepare(Float16(), (), TensorType((1, 1)), {}, None)(values)
    number = ~np.isnan(values)
    assert np.array_equal(found[number].view(np.uint32), expected[number].view(np.uint32))
    assert np.isnan(found[~number]).all()
    compared(len(values), least=1_000_000)


def network():
    rng = np.random.default_rng(0)
    constants = {"w": rng.standard_normal((5, 7)).astype(np.float32), "b": rng.standard_normal(5).astype(np.float32)}
    layers = [Layer("fc", FullyConnected(), ("x", "w", "b"), "fc"), Layer("relu", Relu(), ("fc",), "y")]
    return float_graph("net", layers, {"x": TensorType((1, 7))}, ["y"], constants)


def test_every_tensor_is_float16_and_computed_from_float16():
    x = np.random.default_rng(1).standard_normal((3, 7)).astype(np.float32)
    graph = half_precision(network())
    tensors = run(graph, {"x": x}, keep="all")
    for name in ("x_half", "fc", "y"):
        assert np.array_equal(tensors[name], tensors[name].astype(np.float16).astype(np.float32))
    half = {name: np.asarray(value, np.float32) for name, value in network().constants.items()}
    half = {name: value.astype(np.float16).astype(np.float32) for name, value in half.items()}
    plain = float_graph("half", network().layers, {"x": TensorType((1, 7))}, ["y"], half)
    wide = run(plain, {"x": x.astype(np.float16).astype(np.float32)}, keep="all")["fc"]
    assert np.array_equal(tensors["fc_float32"], wide)
    assert np.array_equal(tensors["fc"], wide.astype(np.float16).astype(np.float32))
    assert graph.outputs == ("y",)


def test_reference_and_cpu_agree():
    x = np.random.default_rng(2).standard_normal((2, 7)).astype(np.float32)
    found = [run(half_precision(network()), {"x": x}, backend=backend)["y"] for backend in ("reference", "cpu")]
    assert np.array_equal(*found)

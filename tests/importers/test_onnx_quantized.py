"""Quantized ONNX networks, made by ONNX Runtime's own quantizer: every tensor is the engine's, bit for bit."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from onnx_quantizer import INT8_ALLOWED, KINDS, node_outputs, quantized, run_file

import int8sim
from int8sim.graph.run import run

from .onnx_models import LENET

pytestmark = pytest.mark.engine

CPU = Path("/proc/cpuinfo")
VALUES = 20_514
"""Of all tensors of the LeNet, one image."""


def vnni():
    """Skip the test where ONNX Runtime is not, or computes otherwise."""
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    if not (CPU.exists() and "vnni" in CPU.read_text()):
        pytest.skip("without VNNI, ONNX Runtime's own dot products saturate at 16 bits: another arithmetic")


@pytest.fixture(scope="module")
def digits():
    """Calibration and test digits, float32 [N, 1, 28, 28]."""
    vnni()
    with h5py.File(LENET.with_name("digits.h5")) as file:
        parts = [file[f"{part}/images"][:50][:, None] for part in ("calibrate", "test")]
    return [part.astype(np.float32) / np.float32(255) for part in parts]


@pytest.fixture
def lenet(digits, tmp_path):
    """(kind, channels, form) -> the file."""
    samples = [{"data": image[None]} for image in digits[0]]
    return lambda *kind: quantized(LENET, samples, *kind[:2], tmp_path / "lenet.onnx", kind[2])


def equal_tensors(graph, inputs, expected):
    """How many values of the graph's own run are the engine's."""
    found = run(graph, inputs, keep="all")
    for name, values in expected.items():
        assert found[name].dtype == values.dtype, name
        assert np.array_equal(found[name], values), name
    return sum(values.size for values in expected.values())


@pytest.mark.parametrize(("kind", "channels"), KINDS)
def test_every_tensor_of_a_qoperator_lenet_is_the_engines(digits, lenet, kind, channels, compared):
    path, inputs = lenet(kind, channels, "QOperator"), {"data": digits[1]}
    graph, expected = int8sim.load(path), run_file(path, inputs, node_outputs(path))
    assert {layer.output for layer in graph.layers} == set(expected)
    assert {layer.arithmetic is None for layer in graph.layers} == {False}
    assert (graph.profile, graph.notes) == ("onnxruntime", ())
    compared(equal_tensors(graph, inputs, expected), 50 * VALUES, kind)


@pytest.mark.parametrize(("kind", "channels"), KINDS)
def test_every_code_of_a_qdq_lenet_is_the_engines_with_its_optimizations(digits, lenet, kind, channels, compared):
    """The QuantizeLinears' outputs, which do not keep ONNX Runtime from fusing, and the network's own."""
    path, inputs = lenet(kind, channels, "QDQ"), {"data": digits[1]}
    graph, names = int8sim.load(path), [*node_outputs(path, "QuantizeLinear"), "prob"]
    assert {layer.output for layer in graph.layers} == set(names)
    assert {layer.arithmetic is None for layer in graph.layers} == {False}
    compared(equal_tensors(graph, inputs, run_file(path, inputs, names, **{INT8_ALLOWED: "1"})), 50 * VALUES, kind)

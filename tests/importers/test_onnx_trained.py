"""Networks that others trained, quantized by ONNX Runtime's own quantizer: every integer layer is the engine's.

From the packages rapidocr-onnxruntime (Apache-2.0) and ddddocr (MIT), which are no dependencies of these tests: install
them with --no-deps. Some layers stay in float32, where the engine's last bits are its own: every layer is given what
the engine computed before it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from onnx_quantizer import INT8_ALLOWED, KINDS, node_outputs, prepared, quantized, run_file

import int8sim
from int8sim.graph.run import run

from .test_onnx_quantized import vnni

pytestmark = [pytest.mark.engine, pytest.mark.slow]

NETWORKS = {
    "classifier": ("rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx", (1, 3, 48, 192), 3_037_128),
    "detector": ("rapidocr_onnxruntime", "models/ch_PP-OCRv4_det_infer.onnx", (1, 3, 64, 96), 2_880_504),
    "captcha": ("ddddocr", "common_det.onnx", (1, 3, 416, 416), 34_708_206),
}
"""Package, file, input, and the values that its quantized form computes."""


@pytest.fixture(scope="module", params=NETWORKS)
def network(request, tmp_path_factory):
    """(name, the prepared float file, inputs)."""
    vnni()
    package, file, shape, _ = NETWORKS[request.param]
    found = find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"the package {package} is not installed")
    path = prepared(Path(found.origin).parent / file, shape, tmp_path_factory.mktemp(request.param) / "float.onnx")
    name = int8sim.load(path).inputs[0]
    rng = np.random.default_rng(0)
    return request.param, path, [{name: rng.uniform(-1, 1, shape).astype(np.float32)} for _ in range(3)]


def layers_alone(graph, inputs, engine):
    """The values compared, by op: every layer on the tensors that the engine computed before it."""
    tensors, counts = {**inputs, **engine}, Counter()
    for layer in graph.layers:
        sources = tuple(dict.fromkeys(name for name in layer.inputs if name not in graph.constants))
        alone = replace(graph, layers=(layer,), inputs=sources, outputs=(layer.output,))
        found = run(alone, {name: tensors[name] for name in sources})[layer.output]
        expected = tensors.setdefault(layer.output, found)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape), layer
        if layer.arithmetic is None and layer.op.kind != "dynamic":
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * float(np.abs(expected).max()))
        else:
            assert np.array_equal(found, expected), layer
        counts[layer.op.name] += found.size * (layer.output in engine)
    return counts


@pytest.mark.parametrize(("kind", "channels"), KINDS)
def test_every_layer_of_a_qoperator_network_is_the_engines(network, kind, channels, tmp_path, compared):
    name, path, samples = network
    made = quantized(path, samples, kind, channels, tmp_path / "quantized.onnx", "QOperator")
    graph, inputs = int8sim.load(made), samples[0]
    outputs = {layer.output for layer in graph.layers}
    names = [each for each in node_outputs(made) if each in outputs]
    engine = run_file(made, inputs, names)
    counts = layers_alone(graph, inputs, engine)
    assert {"conv2d", "multiply", "add", "quantize", "dequantize"} <= set(counts)
    compared(sum(counts.values()), NETWORKS[name][3], name)


@pytest.mark.parametrize("kind", ["u8s8", "u8u8", "s8s8"])
def test_every_code_of_a_qdq_network_is_the_engines(network, kind, tmp_path, compared):
    """One after the other, as the engine has its optimizations on; the codes alone are its outputs."""
    name, path, samples = network
    made = quantized(path, samples, kind, False, tmp_path / "quantized.onnx", "QDQ")
    graph, inputs = int8sim.load(made), samples[0]
    codes = set(node_outputs(made, "QuantizeLinear"))
    names = [layer.output for layer in graph.layers if layer.output in codes]
    counts = layers_alone(graph, inputs, run_file(made, inputs, names, **{INT8_ALLOWED: "1"}))
    compared(sum(counts.values()), NETWORKS[name][3] // 2, name)

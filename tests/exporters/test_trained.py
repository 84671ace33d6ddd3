"""A float network that others trained, lowered here: every layer, float ones too, is the engine's of the exported file.

The orientation classifier inside the package rapidocr-onnxruntime (Apache-2.0), a MobileNetV3 of 53 convolutions with
squeeze-and-excitation. The package is no dependency of these tests: install it with --no-deps.
"""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from exporter_compare import compare
from onnx_quantizer import shaped

import int8sim
from int8sim.lowering.lower import lower

pytestmark = [pytest.mark.engine, pytest.mark.slow]

PACKAGE, FILE = "rapidocr_onnxruntime", "models/ch_ppocr_mobile_v2.0_cls_infer.onnx"
SHAPE, EACH = (1, 3, 48, 192), 2_194_600
"""The input, and the values computed for one image."""
IN_FLOAT = {"hard_sigmoid"}
"""Ops without an integer form in either engine; what lies between a dequantize and a quantize."""


@pytest.fixture(scope="module")
def calibrated(tmp_path_factory):
    """(float graph, the least and greatest of every tensor, inputs)."""
    found = find_spec(PACKAGE)
    if found is None or found.origin is None:
        pytest.skip(f"the package {PACKAGE} is not installed")
    target = tmp_path_factory.mktemp("classifier") / "float.onnx"
    graph = int8sim.load(shaped(Path(found.origin).parent / FILE, SHAPE, target))
    inputs = {graph.inputs[0]: np.random.default_rng(0).uniform(-1, 1, (8, *SHAPE[1:])).astype(np.float32)}
    return graph, int8sim.calibrate(graph, [inputs], method="minmax"), inputs


@pytest.mark.parametrize("weights", ["tensor", "channel"])
@pytest.mark.parametrize("preset", ["performance", "mixed"])
@pytest.mark.parametrize("profile", ["onnxruntime", "tflite_reference"])
def test_every_layer_is_the_engines(calibrated, profile, preset, weights, compared):
    graph, table, inputs = calibrated
    lowered = lower(graph, table, profile=profile, preset=preset, weights=weights)
    assert {layer.op.name for layer in lowered.layers if layer.arithmetic is None} == IN_FLOAT
    counts = compare(lowered, inputs, profile)
    assert sum(counts.values()) == sum(len(inputs[graph.inputs[0]]) * size(lowered, each) for each in lowered.layers)
    compared(sum(counts.values()), 8 * EACH, profile)
    compare(lowered, inputs, profile, keep="outputs")  # the engine is free to fuse what is no output


def size(graph, layer):
    return int(np.prod(graph.tensors[layer.output].shape))

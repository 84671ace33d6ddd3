"""Float networks that others made: read, run beside ONNX Runtime, calibrated and lowered.

onnx's light models have the topology of the networks they are named after and generated weights. The text detector,
the recognizer and the orientation classifier are rapidocr-onnxruntime's, the other detector is ddddocr's.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import onnx
import pytest

import int8sim

from .onnx_models import by_runtime, saved

LIGHT = "onnx/backend/test/data/light/light_{}.onnx"
OCR = "rapidocr_onnxruntime/models/{}_infer.onnx"
NETWORKS = {
    **{
        name: (LIGHT.format(name), ())
        for name in ("bvlc_alexnet", "densenet121", "inception_v1", "inception_v2", "resnet50", "shufflenet")
    },
    "squeezenet": (LIGHT.format("squeezenet"), ()),
    "zfnet512": (LIGHT.format("zfnet512"), ()),
    "vgg19": (LIGHT.format("vgg19"), ()),
    "orientation classifier": (OCR.format("ch_ppocr_mobile_v2.0_cls"), (1, 3, 48, 192)),
    "text detector": (OCR.format("ch_PP-OCRv4_det"), (1, 3, 96, 160)),
    "text recognizer": (OCR.format("ch_PP-OCRv4_rec"), (1, 3, 48, 160)),
    "detector": ("ddddocr/common_det.onnx", ()),
}
"""Path in its package; the input's shape where the file leaves it open."""
PARTLY_FLOAT = {
    "bvlc_alexnet": {"lrn", "max_pool"},
    "densenet121": {"batch_normalization"},
    "inception_v1": {"lrn", "max_pool"},
    "zfnet512": {"lrn", "max_pool"},
    "orientation classifier": {"hard_sigmoid"},
    "text detector": {"batch_normalization", "conv_transpose", "hard_sigmoid", "relu"},
    "text recognizer": {"divide", "hard_sigmoid", "power", "reduce_mean", "reshape", "subtract"},
}
"""What has no integer form in ONNX Runtime, and what only moves its values."""


def model_of(name: str) -> onnx.ModelProto:
    """The file, its first input's shape fixed."""
    path, shape = NETWORKS[name]
    package, _, inner = path.partition("/")
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"{package} is not installed")
    file = Path(next(iter(spec.submodule_search_locations))) / inner
    if not file.exists():
        pytest.skip(f"this version of {package} has no {inner}")
    model = onnx.load(file)
    weights = {tensor.name for tensor in model.graph.initializer}
    first = next(each for each in model.graph.input if each.name not in weights)
    for dimension, size in zip(first.type.tensor_type.shape.dim, shape, strict=False):
        dimension.dim_value = size
    return model


@pytest.mark.slow
@pytest.mark.engine
@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_that_others_made(name, tmp_path, compared):
    """Every value within 1e-3 of the greatest; the sigmoid of the text detector's tail only absolutely."""
    model = model_of(name)
    graph = int8sim.load(saved(model, tmp_path))
    (source,) = graph.inputs
    x = np.random.default_rng(0).standard_normal(graph.tensors[source].shape).astype(np.float32)
    own = x if x.ndim == 4 else x[0]
    found, expected = int8sim.run(graph, {source: x}), by_runtime(model, {source: own})
    for output, wanted in zip(found.values(), expected.values(), strict=True):
        scale = max(float(np.abs(wanted).max()), 1e-3)
        np.testing.assert_allclose(output.reshape(wanted.shape), wanted, rtol=0, atol=1e-3 * scale)
        compared(wanted.size)
    table = int8sim.calibrate(graph, [{source: x}], method="minmax")
    lowered = int8sim.lower(graph, table, profile="onnxruntime")
    left = {layer.op.name for layer in lowered.layers if layer.arithmetic is None}
    assert left == PARTLY_FLOAT.get(name, set())
    assert all(
        any(layer.name in note for note in lowered.notes) for layer in lowered.layers if layer.arithmetic is None
    )
    int8sim.run(lowered, {source: x})

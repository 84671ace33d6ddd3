"""Two trained Caffe networks: every layer against OpenCV, folding, and the integers of four targets."""

from __future__ import annotations

import numpy as np
import pytest

from int8sim import api
from int8sim.graph.ir import Graph
from int8sim.graph.run import run
from int8sim.importers.caffe import load_caffe
from int8sim.lowering.fold import fold_batch_normalization
from int8sim.ops.batch_normalization import BatchNormalization
from int8sim.ops.registry import ops
from int8sim.profiles.registry import profiles

from .caffe_models import Array, layer, placed, real, saved

LENET = "lenet_trt7202/lenet"
RESNET = "resnet18_cifar10"
RESNET_CACHE = "caches/LeiWang1999_nvdla_loadables_resnet18-cifar10-caffe_resnet_18_cifar10_calibration.cache"
IMAGES = 48


@pytest.fixture
def folder(oracle_folder):
    return oracle_folder / "tensorrt"


@pytest.fixture
def resnet(folder) -> Graph:
    return load_caffe(folder / f"{RESNET}.prototxt")


def images(seed: int = 0) -> Array:
    """Bytes minus 128 (the input of the real table), [IMAGES, 3, 32, 32]: coarse, middle and fine patterns."""
    rng, x = np.random.default_rng(seed), np.zeros((IMAGES, 3, 32, 32))
    for cells, contrast in ((4, 40), (8, 25), (32, 8)):
        pattern = rng.normal(size=(IMAGES, 3, cells, cells))
        x += contrast * np.kron(pattern, np.ones((1, 1, 32 // cells, 32 // cells)))
    return x.round().clip(-128, 127).astype(np.float32)


def decibels(signal: Array, noise: Array) -> float:
    return float(10 * np.log10((signal.astype(np.float64) ** 2).mean() / (noise.astype(np.float64) ** 2).mean()))


@pytest.mark.witness
@pytest.mark.engine
@pytest.mark.parametrize(("network", "rows"), [(LENET, 9), (RESNET, 86)])
def test_every_layer_agrees_with_opencv(folder, compared, network, rows):
    """Float32 accuracy: the greatest difference in a layer is below 2e-5 of its greatest value."""
    cv2 = pytest.importorskip("cv2")
    graph = load_caffe(folder / f"{network}.prototxt")
    x = images()[:8] if network == RESNET else real(8, 1, 28, 28) / 3
    ours = run(graph, {"data": x}, keep="all")
    theirs = cv2.dnn.readNetFromCaffe(*(str(folder / f"{network}{ending}") for ending in (".prototxt", ".caffemodel")))
    theirs.enableFusion(False)
    theirs.setInput(x, "data")
    listed = [each for each in graph.layers if each.output in graph.listed]
    assert len(listed) == rows - 1 == len(graph.listed) - 1
    for each, values in zip(listed, theirs.forward([each.name for each in listed]), strict=True):
        found = ours[each.output]
        assert np.abs(found.reshape(values.shape) - values).max() <= 2e-5 * np.abs(values).max(), each.name
    compared(sum(ours[each.output].size for each in listed))


@pytest.mark.witness
def test_the_graph_of_the_residual_network(resnet):
    assert (resnet.name, resnet.inputs, resnet.outputs, resnet.notes) == (
        "resnet18-cifar10",
        ("data",),
        ("softmax",),
        (),
    )
    assert resnet.tensors["data"].shape == (1, 3, 32, 32)
    assert resnet.table_rows() == resnet.listed
    assert len(resnet.listed) == 86
    unlisted = set(resnet.activations()) - set(resnet.listed)
    assert unlisted == {"fc_rows"}
    producers = {each.name: each.output for each in resnet.layers}
    assert producers["first_conv"] == "(Unnamed Layer* 0) [Convolution]_output"
    assert producers["first_conv_relu"] == "first_conv"


@pytest.mark.witness
def test_folding_and_the_float_run(resnet, compared):
    """BatchNorm and Scale both go into the convolution before them; what they computed stays, to float32 accuracy."""
    folded = fold_batch_normalization(resnet)
    assert not any(isinstance(each.op, BatchNormalization) for each in folded.layers)
    assert len(resnet.layers) - len(folded.layers) == 2 * 19
    x = {"data": images()}
    before, after = run(resnet, x, keep="all"), run(folded, x, keep="all")
    for name, values in after.items():
        assert np.abs(values - before[name]).max() <= 1e-5 * np.abs(before[name]).max(), name
    compared(sum(values.size for values in after.values()))


NARROWED = dict.fromkeys(("nvdla", "nvdla_per_filter", "onnxruntime_avx2"), (15, 0.85))
"""dB at the logits and share of equal classes where they are less: NVDLA's compiler narrows one input of each sum, and
pairs of products saturate where ONNX Runtime has no VNNI.
"""


@pytest.mark.witness
@pytest.mark.parametrize("profile", profiles())
def test_integers_with_the_real_table(resnet, folder, compared, profile):
    """All but the softmax, where the target has none, is integer, and near the float network: 20 dB at the logits."""
    lowered = api.lower(resnet, api.read_table(folder / RESNET_CACHE, format="tensorrt"), profile=profile)
    assert {each.op.name for each in lowered.layers if each.arithmetic is None} <= {"softmax"}
    x = {"data": images()}
    exact, found = run(resnet, x, keep="all"), run(lowered, x, keep="all")
    quant = lowered.tensors["fc"].quantized
    logits = (found["fc"].astype(np.float64) - quant.tensor_zero_point) * quant.tensor_scale
    near, equal = NARROWED.get(profile, (20, 0.9))
    assert decibels(exact["fc"], logits - exact["fc"]) > near
    assert (logits.argmax(1) == exact["fc"].argmax(1)).mean() > equal
    compared(logits.size)


DEEP = [
    placed("data", 4, 3, 8, 8),
    layer("Convolution", "data", "c", "convolution_param { num_output: 4 kernel_size: 3 }"),
    layer("BatchNorm", "c", "c", name="bn1"),
    layer("Scale", "c", "c", "scale_param { bias_term: true }", name="s1"),
    layer("BatchNorm", "c", "c", name="bn2"),
    layer("PReLU", "c", "c", name="slopes"),
    layer("LRN", "c", "n", "lrn_param { local_size: 3 }"),
    layer("Pooling", "n", "p", "pooling_param { pool: AVE kernel_size: 2 stride: 2 }"),
    layer("Deconvolution", "p", "d", "convolution_param { num_output: 4 kernel_size: 2 stride: 2 bias_term: false }"),
    layer("Pooling", "d", "q", "pooling_param { kernel_size: 3 stride: 3 }"),
    layer("Eltwise", "q q", "e", "eltwise_param { operation: SUM coeff: [2, -0.5] }"),
    layer("Reshape", "e", "r", "reshape_param { shape { dim: 4 dim: 2 dim: -1 dim: 2 } }"),
    layer("ReLU", "r", "r", "relu_param { negative_slope: 0.1 }", name="leaky"),
    layer("Dropout", "r", "r", name="drop"),
    layer("InnerProduct", "r", "f", "inner_product_param { num_output: 5 }"),
    layer("Power", "f", "f", "power_param { scale: 0.5 power: 2 }", name="square"),
    layer("Softmax", "f", "prob"),
]
ROW = [real(4), 1 + np.abs(real(4, seed=2)), np.array([2.0])]
DEEP_BLOBS = {
    "c": [real(4, 3, 3, 3), real(4)],
    "bn1": ROW,
    "s1": ROW[:2],
    "bn2": ROW,
    "slopes": [real(4)],
    "d": [real(4, 4, 2, 2)],
    "f": [real(5, 16), real(5)],
}


FLOAT_ONLY = {"prelu", "lrn", "conv_transpose", "weighted_sum", "leaky_relu", "power"}
MOVING = {"max_pool", "reshape", "flatten"}


@pytest.mark.parametrize("profile", profiles())
def test_layers_without_an_integer_form_are_islands(tmp_path, profile):
    """A network of all of them calibrates, folds and lowers; each stays in float32, and so does what moves between."""
    graph = api.load(saved(tmp_path, "\n".join(DEEP), DEEP_BLOBS))
    slopes = "(Unnamed Layer* 4) [Constant]_output"
    assert np.array_equal(graph.constants[slopes], real(4))
    assert slopes in graph.listed
    x = real(20, 3, 8, 8)
    table = api.calibrate(graph, api.image_batches(x, 5, 4), method="minmax")
    lowered = api.lower(graph, table, profile=profile)
    islands = {each.op.name for each in lowered.layers if each.arithmetic is None}
    own = {name: ops()[name] for name in FLOAT_ONLY if not ops()[name].only_imported}
    known = {name for name, op in own.items() if profiles()[profile].scheme(op.kind, "int8")}
    assert islands - {"softmax"} - MOVING == FLOAT_ONLY - known
    tensors, exact = run(lowered, {"data": x}, keep="all"), run(graph, {"data": x}, keep="all")["r"]
    quant, found = lowered.tensors["r"].quant, tensors["r"]
    real_values = found if quant is None else (found.astype(np.float32) - quant.zero_point) * np.float32(quant.scale)
    assert decibels(exact, real_values - exact) > 20


@pytest.mark.parametrize("profile", ["nvdla", "tensorrt"])
def test_rows_that_no_table_has_take_the_scale_of_what_they_hold(tmp_path, profile):
    """The Flatten before a fully connected layer, behind a float island: its input's row is its own."""
    graph = api.load(saved(tmp_path, "\n".join(DEEP), DEEP_BLOBS))
    table = api.calibrate(graph, api.image_batches(real(20, 3, 8, 8), 5, 4), method="minmax")
    assert "f_rows" not in table
    quant = api.lower(graph, table, profile=profile).tensors["f_rows_quantized"].quantized
    assert quant.tensor_scale == table["r"].scale


def test_the_folded_order_of_two_normalizations(tmp_path):
    """conv, bn1, s1, bn2 as one convolution: the constants of the three applied in the order of the layers."""
    graph = load_caffe(saved(tmp_path, "\n".join(DEEP[:5]), DEEP_BLOBS))
    folded = fold_batch_normalization(graph)
    assert [each.op.name for each in folded.layers] == ["conv2d"]
    x = {"data": real(3, 3, 8, 8)}
    exact, found = run(graph, x)["c"], run(folded, x)["c"]
    np.testing.assert_allclose(found, exact, rtol=1e-5, atol=1e-5 * np.abs(exact).max())

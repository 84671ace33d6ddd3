"""Every form of every layer type that is read, against OpenCV, or against Caffe's own text where OpenCV differs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from int8sim.graph.run import run
from int8sim.importers.caffe import SUPPORTED, load_caffe
from int8sim.model.errors import LayerError

from .caffe_models import NO_BLOBS, Array, by_opencv, layer, placed, real, saved

IMAGE = (1, 4, 7, 6)
TWO, THREE = (IMAGE,) * 2, (IMAGE,) * 3


@dataclass(frozen=True)
class Form:
    """One way to write a layer. expected: by definition, of the inputs; None: by OpenCV."""

    kind: str
    settings: str = ""
    shapes: Sequence[tuple[int, ...]] = (IMAGE,)
    blobs: Sequence[Array] = ()
    expected: Callable[..., Array] | None = None

    def text(self) -> str:
        names = "abc"[: len(self.shapes)]
        inputs = [placed(name, *shape) for name, shape in zip(names, self.shapes, strict=True)]
        parameter = PARAMETERS.get(self.kind, f"{self.kind.lower()}_param")
        settings = f"{parameter} {{ {self.settings} }}" if self.settings else ""
        return "\n".join([*inputs, layer(self.kind, " ".join(names), "y", settings)])

    def feeds(self) -> dict[str, Array]:
        return {
            name: real(*shape, seed=10 + i) for i, (name, shape) in enumerate(zip("abc", self.shapes, strict=False))
        }


PARAMETERS = {
    "BatchNorm": "batch_norm_param",
    "Deconvolution": "convolution_param",
    "InnerProduct": "inner_product_param",
}
STATISTICS = real(4), np.abs(real(4, seed=2)), np.array([2.5], np.float32)


def normalized(x: Array, eps: float = 1e-5) -> Array:
    """NVCaffe: five blobs, of which the third does not count."""
    row = (1, -1, 1, 1)
    mean, variance, scale, shift = (
        a.reshape(row).astype(np.float64) for a in (*STATISTICS[:2], real(4), real(4, seed=8))
    )
    return (x - mean) / np.sqrt(variance + eps) * scale + shift


def across(x: Array, size: int, alpha: float, beta: float, k: float) -> Array:
    squares = np.pad(x.astype(np.float64) ** 2, [(0, 0), (size // 2,) * 2, (0, 0), (0, 0)])
    total = sum(squares[:, i : i + x.shape[1]] for i in range(size))
    return x * (k + alpha / size * total) ** -beta


def transposed(x: Array, w: Array, stride: int, dilation: int, groups: int) -> Array:
    """Every input cell adds its window."""
    height, width = (stride * (n - 1) + dilation * (k - 1) + 1 for n, k in zip(x.shape[2:], w.shape[2:], strict=True))
    per_group, outputs = x.shape[1] // groups, w.shape[1]
    out = np.zeros((1, outputs * groups, height, width))
    for c, i, j in np.ndindex(*x.shape[1:]):
        first = c // per_group * outputs
        for u, v in np.ndindex(*w.shape[2:]):
            cell = (i * stride + u * dilation, j * stride + v * dilation)
            out[0, first : first + outputs, *cell] += x[0, c, i, j].astype(np.float64) * w[c, :, u, v]
    return out


FORMS = [
    Form("Convolution", "num_output: 6 kernel_size: 3 stride: 2 pad: 1", blobs=(real(6, 4, 3, 3), real(6))),
    Form(
        "Convolution",
        "num_output: 6 kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 0 pad_w: 1 group: 2 bias_term: false",
        blobs=(real(6, 2, 3, 2),),
    ),
    Form(
        "Convolution",
        "num_output: 4 kernel_size: 3 kernel_size: 2 dilation: 2 dilation: 1 stride: [1, 2] axis: -3 engine: CAFFE",
        blobs=(real(4, 4, 3, 2), real(4)),
    ),
    Form("Convolution", "num_output: 4 kernel_size: 3 pad: 1 group: 4", blobs=(real(4, 1, 3, 3), real(4))),
    Form("Deconvolution", "num_output: 4 kernel_size: 4 stride: 2 pad: 1", blobs=(real(4, 4, 4, 4), real(4))),
    Form("Deconvolution", "num_output: 6 kernel_size: 3 stride: 3 group: 2", blobs=(real(4, 3, 3, 3), real(6))),
    Form("Deconvolution", "num_output: 2 kernel_h: 3 kernel_w: 2 bias_term: false", blobs=(real(4, 2, 3, 2),)),
    Form(
        "Deconvolution",
        "num_output: 6 kernel_size: 2 dilation: 2 stride: 2 group: 2 bias_term: false",
        blobs=(real(4, 3, 2, 2),),
        expected=lambda x: transposed(x, real(4, 3, 2, 2), 2, 2, 2),
    ),
    Form("InnerProduct", "num_output: 5", blobs=(real(5, 168), real(5))),
    Form("InnerProduct", "num_output: 5", ((1, 8),), blobs=(real(5, 8), real(5))),
    Form("InnerProduct", "num_output: 5 axis: 2", blobs=(real(5, 42), real(5))),
    Form("InnerProduct", "num_output: 5 axis: -1 bias_term: false", blobs=(real(5, 6),)),
    Form(
        "InnerProduct",
        "num_output: 5 transpose: true",
        blobs=(real(168, 5), real(5, seed=2)),
        expected=lambda x: x.reshape(1, -1).astype(np.float64) @ real(168, 5) + real(5, seed=2),
    ),
    Form("Pooling", "kernel_size: 3 stride: 2"),
    Form("Pooling", "kernel_size: 3 stride: 2 pad: 1"),
    Form("Pooling", "pool: AVE kernel_size: 3 stride: 2"),
    Form("Pooling", "pool: AVE kernel_size: 3 stride: 2 pad: 1"),
    Form("Pooling", "pool: 1 kernel_size: 2 stride: 2 pad: 1"),
    Form("Pooling", "pool: MAX kernel_h: 3 kernel_w: 2 stride_h: 1 stride_w: 2 pad_h: 1 pad_w: 0"),
    Form("Pooling", "pool: AVE global_pooling: true"),
    Form("Pooling", "pool: MAX global_pooling: true"),
    Form("ReLU"),
    Form("ReLU", "negative_slope: 0.1"),
    Form("PReLU", blobs=(real(4),)),
    Form("PReLU", "channel_shared: true", blobs=(real(1),)),
    Form("PReLU", shapes=((1, 9),), blobs=(real(9),)),
    Form("BatchNorm", blobs=STATISTICS),
    Form("BatchNorm", "eps: 0.01 use_global_stats: true", blobs=STATISTICS),
    Form("BatchNorm", "scale_bias: true", blobs=(*STATISTICS, real(4), real(4, seed=8)), expected=normalized),
    Form("Scale", "bias_term: true", blobs=(real(4), real(4, seed=3))),
    Form("Scale", blobs=(real(4),)),
    Form("Scale", "axis: -1", shapes=((1, 9),), blobs=(real(9),), expected=lambda x: x * real(9)),
    Form("Eltwise", shapes=TWO),
    Form("Eltwise", "operation: SUM coeff: 1 coeff: -1", TWO),
    Form("Eltwise", "coeff: [0.5, -1, 2.5]", THREE),
    Form("Eltwise", shapes=THREE),
    Form("Eltwise", "operation: PROD", TWO),
    Form("Eltwise", "operation: MAX", THREE),
    Form("Concat", shapes=((1, 4, 3, 2), (1, 2, 3, 2), (1, 1, 3, 2))),
    Form("Concat", "axis: -1", ((1, 4, 3, 2), (1, 4, 3, 5))),
    Form("Concat", "concat_dim: 2", ((1, 4, 3, 2), (1, 4, 2, 2)), expected=lambda a, b: np.concatenate([a, b], 2)),
    Form("LRN", "local_size: 3 alpha: 0.5 beta: 0.6"),
    Form("LRN", "local_size: 5 norm_region: WITHIN_CHANNEL alpha: 0.5 beta: 0.75"),
    Form("LRN", expected=lambda x: across(x, 5, 1.0, 0.75, 1.0)),
    Form("LRN", "local_size: 7 alpha: 2 beta: 1.25 k: 3", expected=lambda x: across(x, 7, 2.0, 1.25, 3.0)),
    Form("Softmax", shapes=((1, 10),)),
    Form("Softmax"),
    Form("Softmax", "axis: -1"),
    Form("Power", "power: 2 scale: 0.5 shift: 1"),
    Form("Power", "scale: 0.0125"),
    Form("Power", "power: -3 scale: 0.5 shift: 1"),
    Form("Clip", "min: -0.5 max: 1", expected=lambda x: x.clip(-0.5, 1)),
    Form("Reshape", "shape { dim: 0 dim: -1 }"),
    Form("Reshape", "shape { dim: 0 dim: 2 dim: 14 dim: 6 }"),
    Form("Reshape", "shape { dim: 0 dim: 0 dim: -1 }"),
    Form("Reshape", "shape { dim: -1 dim: 168 }"),
    Form("Reshape", "shape { dim: 2 dim: -1 } axis: 1 num_axes: 1"),
    Form("Reshape", "shape { dim: -1 } axis: -3", expected=lambda x: x.reshape(1, 4, 42)),
    Form("Reshape", "shape { dim: 1 } axis: 1 num_axes: 0", ((1, 4, 7),), expected=lambda x: x.reshape(1, 1, 4, 7)),
    Form("Permute", "order: [0, 2, 3, 1]"),
    Form("Permute", "order: 0 order: 3", expected=lambda x: x.transpose(0, 3, 1, 2)),
]
CHAINED = {"Dropout", "Flatten", "Input", "Split"}


def close(ours: Array, theirs: Array) -> None:
    """To float32 accuracy: a hundredth of a thousandth of the greatest value."""
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-5 * np.abs(theirs).max())


def test_every_type_has_a_form():
    assert {form.kind for form in FORMS} | CHAINED == set(SUPPORTED)


@pytest.mark.engine
@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.kind} {form.settings}")
def test_forms(form, tmp_path, compared):
    path = saved(tmp_path, form.text(), {"y": form.blobs} if form.blobs else NO_BLOBS)
    found = run(load_caffe(path), form.feeds())["y"]
    close(found, form.expected(*form.feeds().values()) if form.expected else by_opencv(path, form.feeds()))
    compared(found.size)


CHAINS = {
    "flatten and drop": [
        layer("ReLU", "data", "r"),
        layer("Flatten", "r", "f"),
        layer("Dropout", "f", "f", "dropout_param { dropout_ratio: 0.4 }", name="drop"),
        layer("InnerProduct", "f", "y", "inner_product_param { num_output: 3 }"),
    ],
    "flatten in part": [
        layer("ReLU", "data", "r"),
        layer("Flatten", "r", "f", "flatten_param { axis: 2 }"),
        layer("Softmax", "f", "y", "softmax_param { axis: 2 }"),
    ],
    "flatten in the middle": [
        layer("ReLU", "data", "r"),
        layer("Flatten", "r", "f", "flatten_param { axis: 1 end_axis: 2 }"),
        layer("Softmax", "f", "y", "softmax_param { axis: 1 }"),
    ],
    "split": [
        layer("ReLU", "data", "r"),
        layer("Split", "r", "a b"),
        layer("Power", "a", "c", "power_param { scale: 3 }"),
        layer("Eltwise", "b c", "y"),
    ],
    "in place, read before": [
        layer("Pooling", "data", "p", "pooling_param { kernel_size: 2 }"),
        layer("Power", "p", "q", "power_param { scale: -1 }"),
        layer("ReLU", "p", "p", name="relu"),
        layer("Concat", "p q", "y"),
    ],
    "grouped, permuted, joined": [
        layer("Permute", "data", "t", "permute_param { order: 0 order: 2 order: 3 order: 1 }"),
        layer("Flatten", "t", "f"),
        layer("InnerProduct", "f", "y", "inner_product_param { num_output: 3 }"),
    ],
}


@pytest.mark.engine
@pytest.mark.parametrize("name", CHAINS)
def test_chains(name, tmp_path, compared):
    blobs = {"y": (real(3, 168), real(3))} if "InnerProduct" in CHAINS[name][-1] else NO_BLOBS
    path = saved(tmp_path, "\n".join([placed("data", *IMAGE), *CHAINS[name]]), blobs)
    feeds = {"data": real(*IMAGE)}
    found = run(load_caffe(path), feeds)["y"]
    close(found, by_opencv(path, feeds))
    compared(found.size)


def pooled(x: Array, kernel: Sequence[int], strides: Sequence[int], pads: Sequence[int], method: str, floor: bool):
    """Caffe's PoolingLayer as its text has it, one channel; None for what its checks refuse, or a window of nothing."""
    sizes = []
    for n, k, s, p in zip(x.shape, kernel, strides, pads, strict=True):
        steps = (n + 2 * p - k) / s
        sizes.append(int(np.floor(steps) if floor else np.ceil(steps)) + 1)
    if any(pads):
        sizes = [m - ((m - 1) * s >= n + p) for m, n, s, p in zip(sizes, x.shape, strides, pads, strict=True)]
    if min(sizes) < 1 or any(p >= k for p, k in zip(pads, kernel, strict=True)):
        return None
    out = np.empty(sizes)
    for place in np.ndindex(*sizes):
        start = [i * s - p for i, s, p in zip(place, strides, pads, strict=True)]
        end = [min(a + k, n + p) for a, k, n, p in zip(start, kernel, x.shape, pads, strict=True)]
        count = np.prod([b - a for a, b in zip(start, end, strict=True)])
        cells = x[tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(start, end, x.shape, strict=True))]
        if not cells.size:
            return None
        out[place] = cells.max() if method == "MAX" else cells.astype(np.float64).sum() / count
    return out


PAIRS = st.tuples(st.integers(1, 4), st.integers(1, 4))


@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    kernel=PAIRS,
    strides=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    pads=st.tuples(st.integers(0, 3), st.integers(0, 3)),
    method=st.sampled_from(["MAX", "AVE"]),
    rule=st.sampled_from(["", "round_mode: CEIL", "round_mode: FLOOR", "torch_pooling: true"]),
)
def test_any_pool(tmp_path_factory, size, kernel, strides, pads, method, rule):
    """The number of windows and their sums, where Caffe's own checks let a layer through."""
    fields = [
        f"{name}_{axis}: {value}"
        for name, pair in (("kernel", kernel), ("stride", strides), ("pad", pads))
        for axis, value in zip("hw", pair, strict=True)
    ]
    settings = f"pooling_param {{ pool: {method} {' '.join(fields)} {rule} }}"
    path = saved(tmp_path_factory.mktemp("pool"), f"{placed('x', 1, 1, *size)}\n{layer('Pooling', 'x', 'y', settings)}")
    x = real(1, 1, *size)
    floor = rule in {"round_mode: FLOOR", "torch_pooling: true"}
    expected = pooled(x[0, 0], kernel, strides, pads, method, floor)
    if expected is None:
        with pytest.raises(LayerError, match="line 2"):
            load_caffe(path)
    else:
        close(run(load_caffe(path), {"x": x})["y"][0, 0], expected)


def test_constants_of_a_batch_normalization(tmp_path):
    """In float32, step by step, as TensorRT's parser computes them; not as one would in float64."""
    mean, variance, total = real(50), np.abs(real(50, seed=2)), np.array([999.98236], np.float32)
    text = f"{placed('x', 1, 50)}\n{layer('BatchNorm', 'x', 'y')}"
    graph = load_caffe(saved(tmp_path, text, {"y": (mean, variance, total)}))
    one, eps = np.float32(1), np.float32(1e-5)
    factor = one / total[0]
    scale = np.array([one / np.sqrt(v * factor + eps) for v in variance], np.float32)
    shift = np.array([-(m * factor * s) for m, s in zip(mean, scale, strict=True)], np.float32)
    assert np.array_equal(graph.constants["y_scale"], scale)
    assert np.array_equal(graph.constants["y_shift"], shift)
    gamma, beta = graph.layers[0].op.constants(*(graph.constants[name] for name in graph.layers[0].inputs[1:]))
    assert np.array_equal(gamma, scale)
    assert np.array_equal(beta, shift)
    exact = 1 / np.sqrt(variance.astype(np.float64) / total.astype(np.float64) + 1e-5)
    assert not np.array_equal(scale, exact.astype(np.float32))

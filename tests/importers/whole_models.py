"""Small whole models of every importer's formats, most of their bits structure: what damage is tried on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np

from . import damaged_models
from .caffe_models import caffemodel, layer, placed, real


class Whole(NamedTuple):
    """A model's files.

    name: of the file to damage. content: its bytes. beside: the files that lie beside it, by name. main: the file that
    is loaded. options: of `int8sim.load`.
    """

    name: str
    content: bytes
    beside: Mapping[str, bytes]
    main: str
    options: Mapping[str, Any]

    @property
    def form(self) -> str:
        """The ending of the file to damage."""
        return self.name.rpartition(".")[2]


def onnx(make: Callable[[], bytes]) -> Callable[[], Whole]:
    return lambda: Whole("net.onnx", make(), {}, "net.onnx", {})


def tflite(make: Callable[[], bytes]) -> Callable[[], Whole]:
    return lambda: Whole("net.tflite", make(), {}, "net.tflite", {"profile": "tflite_reference"})


def small() -> bytes:
    from .tflite_models import small

    return small().content()


def streaming() -> bytes:
    """A running sum, kept in a variable that a second subgraph sets at first."""
    from int8sim.exporters import tflite_flatbuffer

    from .test_tflite_streaming import FORMS, initial, sums

    with patch.dict(tflite_flatbuffer.OPERATORS, FORMS):
        return sums(initial())


def wide() -> bytes:
    """Activations of 16 bits."""
    from int8sim.exporters import tflite_flatbuffer
    from int8sim.model.tensor import QuantParams

    from .tflite_models import STEPS, File

    x, y = (QuantParams(scale, 0, None, "int16") for scale in (2.0**-12, 0.003))
    with patch.dict(tflite_flatbuffer.TYPES, {"int16": "INT16", "int64": "INT64"}):
        file = File((1, 5, 4, 2), x, "int16")
        weight = file.flat.constant("w", np.arange(-9, 9, dtype=np.int8).reshape(3, 3, 1, 2)[:, :1], QuantParams(0.01))
        bias = file.flat.constant("b", np.arange(3), QuantParams(float(np.float32(0.01) * x.scale), 0, None, "int64"))
        file.add("PAD", (1, 6, 4, 2), x, file.integers("p", [[0, 0], [1, 0], [0, 0], [0, 0]]), dtype="int16")
        file.add("CONV_2D", (1, 6, 4, 3), y, weight, bias, dtype="int16", fusedActivationFunction=1, **STEPS)
        file.add("SUB", (1, 6, 4, 3), x, file.last, dtype="int16")
        file.add("LEAKY_RELU", (1, 6, 4, 3), y, dtype="int16", alpha=0.125)
        ends = [file.integers(f"e{i}", each) for i, each in enumerate(([0, 5, 0, 0], [1, 0, 4, 3], [1, -2, 1, 2]))]
        file.add("STRIDED_SLICE", (1, 3, 4, 2), y, *ends, dtype="int16")
        return file.add("QUANTIZE", (1, 3, 4, 2), QuantParams(0.5, 3)).content()


CAFFE = [
    placed("data", 1, 4, 6, 6),
    layer("Convolution", "data", "a", "convolution_param { num_output: 6 kernel_size: 3 pad: 1 group: 2 }"),
    layer("BatchNorm", "a", "a", "batch_norm_param { eps: 1e-3 use_global_stats: true }", "norm"),
    layer("Scale", "a", "a", "scale_param { bias_term: true }", "scale"),
    layer("ReLU", "a", "a", "relu_param { negative_slope: 0.125 }", "relu"),
    layer("Split", "a", "b c"),
    layer("Pooling", "b", "d", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }"),
    layer("Pooling", "c", "e", "pooling_param { pool: AVE kernel_h: 3 kernel_w: 3 stride: 2 }"),
    layer("Eltwise", "d e", "f", "eltwise_param { operation: SUM coeff: [1, -0.5] }"),
    layer("Concat", "d f", "g", "concat_param { axis: 1 }"),
    layer("LRN", "g", "h", "lrn_param { local_size: 3 alpha: 1e-4 beta: 0.75 }"),
    layer("Deconvolution", "h", "i", "convolution_param { num_output: 2 kernel_size: 2 stride: 2 }"),
    layer("PReLU", "i", "j"),
    layer("Power", "j", "k", "power_param { power: 2 scale: 0.5 shift: 1 }"),
    layer("Permute", "k", "l", "permute_param { order: [0, 2, 3, 1] }"),
    layer("Reshape", "l", "m", "reshape_param { shape { dim: 0 dim: -1 dim: 4 } }"),
    layer("Flatten", "m", "n"),
    layer("Dropout", "n", "o", "dropout_param { dropout_ratio: 0.5 }"),
    layer("InnerProduct", "o", "p", "inner_product_param { num_output: 5 }"),
    layer("Clip", "p", "q", "clip_param { min: -6 max: 6 }"),
    layer("Softmax", "q", "prob"),
]
BLOBS = {"a": [real(6, 2, 3, 3), real(6)], "norm": [real(6), np.abs(real(6)), real(1)], "scale": [real(6), real(6)]}
BLOBS |= {"i": [real(12, 2, 2, 2), real(2)], "j": [real(2)], "p": [real(5, 72), real(5)]}
OLD = """
name: "old" input: "data" input_dim: 1 input_dim: 2 input_dim: 5 input_dim: 5
layers { name: "a" type: CONVOLUTION bottom: "data" top: "a" blobs_lr: 1 blobs_lr: 2
         convolution_param { num_output: 3 kernel_size: 2 weight_filler { type: "xavier" } } }
layers { name: "r" type: RELU bottom: "a" top: "a" }
layers { name: "b" type: POOLING bottom: "a" top: "b" pooling_param { pool: AVE kernel_size: 2 stride: 2 } }
layers { name: "c" type: INNER_PRODUCT bottom: "b" top: "c" inner_product_param { num_output: 4 } }
layers { name: "prob" type: SOFTMAX bottom: "c" top: "prob" }
"""
OLD_BLOBS = {"a": [real(3, 2, 2, 2), real(3)], "c": [real(4, 12), real(4)]}


def caffe(name: str, old: bool = False) -> Callable[[], Whole]:
    """One of a network's two files, the other one whole."""

    def make() -> Whole:
        text, blobs = (OLD, OLD_BLOBS) if old else ("\n".join(CAFFE), BLOBS)
        files = {"net.prototxt": text.encode(), "net.caffemodel": caffemodel(blobs, old=old)}
        return Whole(name, files.pop(name), files, "net.prototxt", {})

    return make


WHOLE: Mapping[str, Callable[[], Whole]] = {
    "ONNX, windows": onnx(damaged_models.windows),
    "ONNX, shapes": onnx(damaged_models.shapes),
    "ONNX, QOperator": onnx(damaged_models.operators),
    "ONNX, QDQ": onnx(damaged_models.pairs),
    "ONNX, dynamic": onnx(damaged_models.dynamic),
    "TFLite, int8": tflite(small),
    "TFLite, variables": tflite(streaming),
    "TFLite, int16": tflite(wide),
    "Caffe, text": caffe("net.prototxt"),
    "Caffe, weights": caffe("net.caffemodel"),
    "Caffe V1, text": caffe("net.prototxt", old=True),
    "Caffe V1, weights": caffe("net.caffemodel", old=True),
}

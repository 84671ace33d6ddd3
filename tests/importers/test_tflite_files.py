"""TensorFlow Lite files: what is read of them, what is refused and by which words, and damage."""

import sys

import numpy as np
import pytest

import int8sim
from int8sim.exporters import tflite_flatbuffer
from int8sim.importers.tflite import SUPPORTED, load_tflite
from int8sim.model.errors import (
    BadScaleError,
    GraphError,
    LayerError,
    ModelBytesError,
    NotAModelError,
    ParameterError,
    UnsupportedOperatorError,
)
from int8sim.model.tensor import QuantParams

from .tflite_models import COARSE, FINE, POOL, STEPS, File, small

CONTENT = small().content()


@pytest.fixture
def load(tmp_path):
    """Load a file's content by a profile."""

    def read(content, profile="tflite_reference"):
        path = tmp_path / "model.tflite"
        path.write_bytes(content.content() if isinstance(content, File) else content)
        return load_tflite(path, profile)

    return read


def test_types_and_steps_are_the_files(load):
    graph = load(small())
    first, second = graph.layers[:2]
    assert (first.op.pads, second.op.pads, second.op.group) == ((1, 1, 1, 1), (0, 0, 0, 0), 4)
    assert graph.tensors[first.output].quant == COARSE
    assert graph.tensors[first.inputs[1]].shape == (4, 4, 3, 3)
    assert graph.tensors[second.inputs[1]].shape == (4, 1, 3, 3)
    assert graph.tensors[second.inputs[1]].quant.axis == 0
    # ReLU6 at scale 1/4, zero point -7: codes -7 to 17
    assert [first.arithmetic["output"].parameters[name] for name in ("low", "high")] == [-7, 17]
    assert graph.outputs == (graph.layers[-1].output,)
    assert graph.profile == "tflite_reference"


def test_reading_needs_no_package(load, monkeypatch):
    for package in ("ai_edge_litert", "flatbuffers", "tflite_micro"):
        monkeypatch.setitem(sys.modules, package, None)
    assert len(load(CONTENT).layers) == 15


def padded(widths):
    file = File()
    return file.add("PAD", (1, 6, 6, 4), FINE, file.integers("p", widths))


def reshaped(shape):
    file = File()
    return file.add("RESHAPE", (1, 144), FINE, file.integers("r", shape))


def averaged(axes):
    file = File()
    return file.add("MEAN", (1, 1, 1, 4), FINE, file.integers("a", axes), keepDims=True)


def convolved(shape=(4, 3, 3, 4), outputs=4, quant=COARSE, **options):
    file = File()
    return file.add("CONV_2D", (1, 6, 6, 4), quant, *file.weights(shape, outputs, 0), **STEPS | options)


def weighed(dtype):
    """A convolution whose weight says that it is of another type, and has as many bytes as that needs."""
    file = convolved()
    weight = file.flat.tensors[1]
    weight.type = dtype
    file.flat.buffers[weight.buffer].data = np.zeros(4 * 144, np.uint8)
    return file


def test_a_bias_without_scales_stands_at_their_product(load):
    """As engines take it: they multiply the input's scale with the weight's."""
    file = convolved()
    file.flat.tensors[2].quantization = None
    found, whole = load(file), load(convolved())
    steps = [graph.layers[0].arithmetic["output"].parameters for graph in (found, whole)]
    np.testing.assert_equal(*steps)
    bias, weight = (found.tensors[name].quant for name in found.layers[0].inputs[:0:-1])
    assert bias.scales == tuple(float(np.float32(FINE.scale) * np.float32(scale)) for scale in weight.scales)


@pytest.mark.parametrize(
    ("file", "error", "message"),
    [
        (convolved(strideH=-1), LayerError, "operator 0, CONV_2D: a size, stride or dilation is"),
        (convolved(fusedActivationFunction=4), UnsupportedOperatorError, r"fused activation is number 4.* RELU6"),
        (convolved((4, 3, 3, 5)), LayerError, "layer 'CONV_2D_0'"),
        (convolved((2, 3, 3, 4), 4), UnsupportedOperatorError, r"int8, 4 scales; .*each of 2 output channels"),
        (convolved((5, 3, 3, 4), 5), LayerError, r"\[1, 6, 6, 4\] in the file, \[1, 6, 6, 5\] by its inputs"),
        (convolved(quant=QuantParams(0.0)), BadScaleError, "scale 0.0"),
        (convolved(quant=QuantParams(1e-38)), LayerError, "multiplier"),
        (convolved(quant=QuantParams(1.0, 128)), LayerError, "one scale and zero point 128"),
        (padded([[1, 0], [0, 0], [0, 0], [0, 0]]), LayerError, "pad the batch"),
        (padded([[0, 1 << 30], [0, 0], [0, 0], [0, 0]]), LayerError, "pad the batch"),
        (padded([[0, 0], [0, 1 << 30], [0, 0], [0, 0]]), LayerError, "too large"),
        (reshaped([2, 72]), UnsupportedOperatorError, "the batch, must stay"),
        (reshaped([-1, -1, -1]), LayerError, "one dimension may be -1"),
        (weighed(0), UnsupportedOperatorError, r"its weight is float32 and its input int8\[1, 6, 6, 4\]"),
        (
            weighed(99),
            UnsupportedOperatorError,
            "input 1, is tensor 'w' of an unknown type, computed",
        ),
        (averaged([0, 1]), UnsupportedOperatorError, "reduces axis 0, the batch"),
        (averaged([1, 4]), LayerError, r"its axes are \[1, 4\]; some of 4"),
        (File().add("SOFTMAX", (1, 6, 6, 4), QuantParams(1 / 256, -128), beta=2.0), UnsupportedOperatorError, "beta"),
        (File().add("SOFTMAX", (1, 6, 6, 4), FINE, beta=1.0), UnsupportedOperatorError, "must have scale 0.00390625"),
        (
            File().add("MAX_POOL_2D", (1, 5, 5, 4), COARSE, **POOL, **STEPS),
            UnsupportedOperatorError,
            "different scales",
        ),
        (File().add("RELU", (1, 6, 6, 4), None), LayerError, "int8, no scale; float32"),
        (File().add("QUANTIZE", (1, 6, 6, 4), None, dtype="float32"), LayerError, "at the wrong ends"),
        (File().add("DEQUANTIZE", (1, 6, 6, 4), FINE), LayerError, "at the wrong ends"),
        (File((1, 4), None, "float32").add("ADD", (1, 4), FINE, 0), UnsupportedOperatorError, "int8 is read"),
        (File().add("RELU", (1, 6, 6, 4), FINE, inputs=[1]), GraphError, r"operator 0, RELU, reads 'RELU_0'"),
        (b"", NotAModelError, "bytes 4 to 8 are not TFL3"),
        (b"\x10\0\0\0TFL3", ModelBytesError, r"at byte .* is this a complete .tflite file"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_refused(load, file, error, message):
    with pytest.raises(error, match=message):
        load(file)


def dequantized(stored, quant=None):
    """A fully connected layer whose weight the file dequantizes."""
    file = File((1, 8), None, "float32")
    weight = file.flat.tensor("w", (3, 8), "float32", batched=False)
    file.flat.operator("DEQUANTIZE", [file.flat.constant("stored", stored, quant)], weight)
    return file.add("FULLY_CONNECTED", (1, 3), None, weight, dtype="float32")


def test_weights_that_the_file_dequantizes_are_constants(load, monkeypatch):
    monkeypatch.setitem(tflite_flatbuffer.TYPES, "float16", "FLOAT16")
    codes = np.arange(-12, 12, dtype=np.int8).reshape(3, 8)
    half = (codes / 7).astype(np.float16)
    for stored, quant, real in (
        (half, None, half.astype(np.float32)),
        (codes, QuantParams(0.1, -3), (codes + np.float32(3)) * np.float32(0.1)),
    ):
        graph = load(dequantized(stored, quant), None)
        assert [layer.op.name for layer in graph.layers] == ["fully_connected"]
        np.testing.assert_array_equal(graph.constants[graph.layers[0].inputs[1]], real, strict=True)
    with pytest.raises(LayerError, match="'stored': this tensor has 3 scales"):
        load(dequantized(codes, QuantParams((0.1, 0.2, 0.3), axis=0)), None)


def test_an_unknown_operator_is_named_with_its_number_and_what_is_supported(load, monkeypatch):
    monkeypatch.setitem(tflite_flatbuffer.OPERATORS, "EXP", (1, "ExpOptions"))
    file = File().add("RELU", (1, 6, 6, 4), FINE).add("EXP", (1, 6, 6, 4), FINE)
    with pytest.raises(UnsupportedOperatorError, match=r"node '1 \(EXP_1\)', operator EXP: .*Supported: ADD, ASSIGN"):
        load(file)
    assert len(SUPPORTED) == 48


def test_a_quantized_file_needs_an_engine(load, tmp_path):
    for profile in (None, "nvdla"):
        with pytest.raises(ParameterError, match="tflm, tflite_reference, tflite_optimized or xnnpack"):
            load(small(), profile)
    with pytest.raises(ParameterError, match=r"none for \.prototxt"):
        int8sim.load(tmp_path / "x.prototxt", profile="tflm")

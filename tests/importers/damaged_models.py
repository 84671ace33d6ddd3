"""Small ONNX files of many operators and little data, most of their bits structure: what damage is tried on."""

from __future__ import annotations

import numpy as np
from onnx import TensorProto

from .onnx_models import model, node, real

MICROSOFT = {"domain": "com.microsoft"}
X, W, Y = "x_s zero", "w_s w_z", "y_s y_z"
"""Scale and zero point of the input, the weights and every other tensor."""


def windows() -> bytes:
    """Float: windows, a normalization, sums, a matrix product; opset 13."""
    nodes = [
        node("Conv", "x w", "a", "conv", auto_pad="SAME_UPPER", strides=[2, 2], dilations=[1, 1], group=2),
        node("Add", "a c", "b", "bias"),
        node("BatchNormalization", "b g g g v", "d", epsilon=0.001),
        node("Clip", "d low high", "e"),
        node("MaxPool", "e", "f", kernel_shape=[2, 2], ceil_mode=1, strides=[2, 1], pads=[0, 1, 1, 0]),
        node("AveragePool", "f", "h", kernel_shape=[2, 2], count_include_pad=1, pads=[1, 1, 0, 0]),
        node("Concat", "h h", "i", axis=-3),
        node("Pad", "i pads", "j", mode="constant"),
        node("Transpose", "j", "k", perm=[0, 2, 3, 1]),
        node("Reshape", "k shape", "l"),
        node("Gemm", "l m o", "p", alpha=0.5, beta=2.0, transB=1),
        node("Identity", "p", "q"),
        node("Softmax", "q", "y", axis=-1),
    ]
    weights = {"w": real(4, 2, 3, 3), "c": real(4, 1, 1), "g": real(4), "v": np.abs(real(4))}
    rows = {"shape": np.array([0, -1]), "m": real(3, 96), "o": real(3)}
    settings = {"low": np.float32(0), "high": np.float32(6), "pads": np.array([0, 0, 1, 0, 0, 0, 0, 1])}
    return model(nodes, {"x": ["N", 4, 6, 6]}, constants=weights | rows | settings).SerializeToString()


def shapes() -> bytes:
    """Float: resizing, slices, reductions, what is computed from shapes; opset 18."""
    nodes = [
        node("ConvTranspose", "x w", "a", strides=[2, 2], dilations=[1, 1], output_padding=[1, 1], pads=[1, 0, 0, 1]),
        node("Resize", "a - scales", "b", mode="nearest", coordinate_transformation_mode="asymmetric"),
        node("Resize", "a - - sizes", "c", mode="linear"),
        node("Add", "b c", "d"),
        node("MaxPool", "d", "e", kernel_shape=[3, 3], dilations=[2, 1], strides=[1, 2], pads=[2, 1, 1, 1]),
        node("LRN", "e", "f", size=3, alpha=0.001, beta=0.5, bias=2.0),
        node("InstanceNormalization", "f g o", "h", epsilon=0.01),
        node("Split", "h", "i j", axis=1, num_outputs=2),
        node("Mul", "i j", "k"),
        node("Slice", "k starts ends axes steps", "l"),
        node("Gather", "l places", "m", axis=2),
        node("ReduceMean", "m two", "n", keepdims=0),
        node("Shape", "n", "size"),
        node("Slice", "size starts ends zero", "part"),
        node("Range", "none count one", "line"),
        node("ConstantOfShape", "part", "filled"),
        node("Expand", "line size", "wide"),
        node("Cast", "line", "real", to=TensorProto.FLOAT),
        node("ReduceMax", "real", "most", keepdims=1),
        node("Mul", "n most", "s"),
        node("Unsqueeze", "s two", "t"),
        node("Squeeze", "t two", "u"),
        node("LayerNormalization", "u last", "v", axis=-1),
        node("HardSigmoid", "v", "y", alpha=0.25, beta=0.5),
    ]
    whole = {"sizes": [1, 4, 6, 6], "starts": [0], "ends": [2], "axes": [1], "steps": [1], "places": [2, 0, 1]}
    numbers = {name: np.array(values) for name, values in (whole | {"two": [2], "zero": [0]}).items()}
    scalars = {"none": np.int64(0), "count": np.int64(3), "one": np.int64(1), "scales": np.float32([1, 1, 1.5, 1.5])}
    weights = {"w": real(2, 4, 2, 2), "g": real(4), "o": real(4), "last": real(3)}
    return model(nodes, {"x": [1, 2, 2, 2]}, constants=numbers | scalars | weights, opset=18).SerializeToString()


NUMBERS = {"x_s": np.float32(0.5), "zero": np.uint8(0), "y_s": np.float32(0.25), "y_z": np.uint8(7)}
NUMBERS |= {"w_s": np.float32([0.5, 0.25, 0.125, 1]), "w_z": np.zeros(4, np.int8), "b_z": np.zeros(4, np.int32)}
NUMBERS |= {"w": np.arange(-36, 36).reshape(4, 2, 3, 3).astype(np.int8), "b": np.arange(4, dtype=np.int32)}
NUMBERS |= {"m": np.arange(-24, 24).reshape(3, 16).astype(np.int8), "m_s": np.float32(0.5), "m_z": np.int8(0)}
NUMBERS |= {"b_s": NUMBERS["x_s"] * NUMBERS["w_s"], "shape": np.array([0, -1])}


def operators() -> bytes:
    """Quantized, QOperator."""
    nodes = [
        node("QuantizeLinear", f"x {X}", "a"),
        node("QLinearConv", f"a {X} w {W} {Y} b", "c", pads=[1, 1, 1, 1], strides=[2, 2], group=1, dilations=[1, 1]),
        node("QLinearSigmoid", f"c {Y} {Y}", "d", **MICROSOFT),
        node("QLinearMul", f"c {Y} d {Y} {Y}", "e", **MICROSOFT),
        node("QLinearAdd", f"c {Y} e {Y} {Y}", "f", **MICROSOFT),
        node("QLinearLeakyRelu", f"f {Y} {Y}", "g", alpha=0.125, **MICROSOFT),
        node("QLinearConcat", f"{Y} f {Y} g {Y}", "h", axis=1, **MICROSOFT),
        node("MaxPool", "h", "i", kernel_shape=[2, 2], strides=[1, 1], pads=[1, 0, 0, 1]),
        node("QLinearAveragePool", f"i {Y} {Y}", "j", kernel_shape=[2, 2], strides=[2, 2], pads=[1] * 4, **MICROSOFT),
        node("QLinearGlobalAveragePool", f"h {Y} {Y}", "k", **MICROSOFT),
        node("Transpose", "j", "l", perm=[0, 2, 3, 1]),
        node("Reshape", "k shape", "n"),
        node("Concat", "n n", "o", axis=1),
        node("QGemm", f"o {Y} m m_s m_z - {Y}", "p", transB=1, **MICROSOFT),
        node("QLinearSoftmax", f"p {Y} {Y}", "q", axis=1, opset=13, **MICROSOFT),
        node("DequantizeLinear", f"q {Y}", "y"),
        node("DequantizeLinear", f"l {Y}", "z"),
    ]
    return model(nodes, {"x": ["N", 2, 6, 6]}, ("y", "z"), NUMBERS).SerializeToString()


def pairs() -> bytes:
    """Quantized, QDQ."""

    def dequantized(name: str, quant: str = Y) -> object:
        return node("DequantizeLinear", f"{name} {quant}", f"{name}_real")

    nodes = [
        node("QuantizeLinear", f"x {X}", "a"),
        dequantized("a", X),
        node("DequantizeLinear", f"w {W}", "w_real", axis=0),
        node("DequantizeLinear", "b b_s b_z", "b_real", axis=0),
        node("Conv", "a_real w_real b_real", "c_out", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "c_out", "c_relu"),
        node("QuantizeLinear", f"c_relu {X}", "c"),
        dequantized("c", X),
        node("Sigmoid", "c_real", "d_out"),
        node("QuantizeLinear", f"d_out {Y}", "d"),
        dequantized("d"),
        node("Mul", "c_real d_real", "e_out"),
        node("QuantizeLinear", f"e_out {Y}", "e"),
        dequantized("e"),
        node("MaxPool", "e_real", "f_out", kernel_shape=[2, 2], pads=[0, 0, 1, 1], dilations=[1, 1]),
        node("QuantizeLinear", f"f_out {Y}", "f"),
        dequantized("f"),
        node("Concat", "f_real e_real", "g_out", axis=1),
        node("QuantizeLinear", f"g_out {Y}", "g"),
        dequantized("g"),
        node("GlobalAveragePool", "g_real", "h_out"),
        node("QuantizeLinear", f"h_out {Y}", "h"),
        dequantized("h"),
        node("Flatten", "h_real", "i_out", axis=1),
        node("QuantizeLinear", f"i_out {Y}", "i"),
        dequantized("i"),
        node("DequantizeLinear", "v m_s m_z", "m_real"),
        node("Gemm", "i_real m_real", "j_out", transB=1, alpha=1.0, beta=1.0),
        node("QuantizeLinear", f"j_out {Y}", "j"),
        node("DequantizeLinear", f"j {Y}", "y"),
    ]
    constants = NUMBERS | {"v": NUMBERS["m"][:, :8]}
    return model(nodes, {"x": ["N", 2, 6, 6]}, constants=constants).SerializeToString()


def dynamic() -> bytes:
    """Dynamically quantized, real biases and results between pairs, channels last, codes resized."""
    one, two = {"kernel_shape": [2, 2], "strides": [2, 2]}, {"channels_last": 1, **MICROSOFT}
    nodes = [
        node("DynamicQuantizeLinear", "x", "a a_s a_z"),
        node("ConvInteger", "a w a_z w_z", "b", pads=[1, 1, 1, 1]),
        node("Cast", "b", "c", to=TensorProto.FLOAT),
        node("Mul", "a_s w_col", "d"),
        node("Mul", "c d", "e"),
        node("QuantizeLinear", f"e {Y}", "f", **MICROSOFT),
        node("DequantizeLinear", f"f {Y}", "g", **MICROSOFT),
        node("Conv", "g r bias", "h"),
        node("Relu", "h", "i"),
        node("MaxPool", "i", "j", **one),
        node("QuantizeLinear", f"j {X}", "k"),
        node("Resize", "k - factors", "l", mode="linear", coordinate_transformation_mode="align_corners"),
        node("Transpose", "l", "m", perm=[0, 2, 3, 1]),
        node("NhwcMaxPool", "m", "n", **one, **MICROSOFT),
        node("QLinearAveragePool", f"n {X} {Y}", "o", kernel_shape=[1, 2], strides=[1, 2], **two),
        node("DequantizeLinear", f"o {Y}", "p"),
        node("Split", "p", "q r0", axis=3),
        node("Flatten", "q", "s", axis=1),
        node("DynamicQuantizeMatMul", "s t half t_z u", "v", **MICROSOFT),
        node("QuantizeLinear", f"v {X}", "v_codes"),
        node("MatMulIntegerToFloat", "v_codes v_w half half zero t_z u", "y", **MICROSOFT),
    ]
    more = {"w_col": NUMBERS["w_s"].reshape(4, 1, 1), "r": real(4, 4, 1, 1), "bias": real(4), "u": real(3)}
    more |= {"t": np.arange(-9, 9).reshape(6, 3).astype(np.int8), "t_z": np.int8(0), "half": np.float32(0.5)}
    more |= {"v_w": np.eye(3, dtype=np.int8), "factors": np.float32([1, 1, 2, 2])}
    own = {name: NUMBERS[name] for name in (*X.split(), *Y.split(), "w", "w_z")}
    return model(nodes, {"x": ["N", 2, 6, 6]}, constants=own | more, opset=17).SerializeToString()
